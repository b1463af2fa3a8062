"""Benchmarks: side by side in one run, ratios against a peer or a limit."""
