"""What of a line's text is said aloud. Pure and light: pages and prices ask for it too."""

from __future__ import annotations

import re


def speakable(text: str) -> str:
    """The text as it is to be said: without markup, sound descriptions in brackets, music signs and leading dashes."""
    text = re.sub(r"<[^>]*>|\{\\[^}]*\}", " ", text)
    text = re.sub(r"\[[^\]]*\]|♪[^♪]*♪|[♪♫]", " ", text)
    text = re.sub(r"(^|\s)[-–—]\s+", " ", text)
    text = " ".join(text.split())
    return text if re.search(r"\w", text) else ""
