"""Leaf layer: plain Python that everything else may import (no Django, no network but through http)."""
