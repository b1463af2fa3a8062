"""Lip sync, a local preview: the mouths of a video, or of a picture, follow another speech. Plain Python, no Django."""
