"""Azure Video Translation's REST protocol (2025-05-20, 2026-03-01) over our own jobs."""
