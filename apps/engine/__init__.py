"""The local media pipeline: plain Python over a workspace directory; no Django and no network (docs/engine.md)."""
