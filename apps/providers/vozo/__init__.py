"""Vozo Translate: https://www.vozo.ai/docs/api_reference."""
