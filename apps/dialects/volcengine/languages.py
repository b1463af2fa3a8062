"""Their language codes and ours: "zh" is "zh-CN"; a BCP 47 tag that they do not know is passed on as it is."""

from __future__ import annotations

from apps.core import languages
from apps.providers.volcengine_vod import wire


def from_theirs(code: str) -> str:
    """Our tag."""
    return wire.LOCALES.get(code.strip(), code.strip())


def to_theirs(locale: str) -> str:
    """Their code; our own tag where they have none, "" while it is not known yet."""
    if locale in ("", languages.AUTO):
        return ""
    return wire.language_of(locale) or locale
