"""What of an order Volcengine VOD can carry out, and how it names it: languages, refusals by field, the Vid of a source."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from apps.core.options import SubtitleStyle
from apps.providers.orders import TranslationOrder
from apps.providers.volcengine_vod import wire

VID_MARK: Final = "vod="
_PLAIN_STYLE: Final = SubtitleStyle()


def pair(source: str, target: str, heard: bool, speaks: bool) -> str:
    """ "" when the pair is in seed 002's lists, else why not. Not heard: the translation is given, and `source` is the target."""
    if source == "auto":
        return "Volcengine VOD cannot find out the source language; name it (Chinese or English)."
    spoken, wanted = wire.language_of(source), wire.language_of(target)
    if not wanted:
        return f"Volcengine VOD does not translate into {target}."
    if source == target:
        return ""
    if spoken not in wire.SOURCE_LANGUAGES:
        return f"Volcengine VOD does not translate from {source}."
    return "Volcengine VOD does not translate a language into itself." if spoken == wanted else ""


def check(order: TranslationOrder) -> dict[str, list[str]]:
    """What a look at single options does not show: field -> reasons."""
    found: dict[str, list[str]] = {}

    def wrong(name: str, reason: str) -> None:
        found.setdefault(name, []).append(reason)

    if not wire.types_of(order.steps):
        wrong("steps", "Volcengine VOD offers subtitles; subtitles and voice; subtitles, voice and lipsync.")
    if wire.language_of(order.source_language) not in wire.SOURCE_LANGUAGES:
        wrong("source_language", "Volcengine VOD needs to know the source language, Chinese or English.")
    if order.subtitle is not None and order.subtitle.usage == "final_translated":
        wrong("subtitle.usage", "Volcengine VOD takes a translated file only together with one in the source language.")
    if "voice" not in order.steps:
        if order.voice.background_volume != 100:
            wrong("voice.background_volume", "Only with voice among the steps.")
        if order.voice.by_scene:
            wrong("voice.by_scene", "Only with voice among the steps.")
    style = order.subtitle_style
    if style.burn_in:
        for name in ("primary_color", "outline_color", "outline", "max_chars_per_line"):
            if getattr(style, name) != getattr(_PLAIN_STYLE, name):
                wrong(f"subtitle_style.{name}", "Volcengine VOD has a look of its own for this.")
    if VID_MARK in _fragment(order) and given_vid(order) is None:
        wrong("source.url", "A Vid is written #vod=<space>/<vid> at the end of the link.")
    return found


def given_vid(order: TranslationOrder) -> tuple[str, str] | None:
    """(SpaceName, Vid) of a source that is at the vendor already; the link itself leads to the same media, for the portal's eyes."""
    fragment = _fragment(order)
    if not fragment.startswith(VID_MARK):
        return None
    space, _, vid = fragment.removeprefix(VID_MARK).partition("/")
    return (space, vid) if wire.is_name(space) and wire.is_name(vid) else None


def _fragment(order: TranslationOrder) -> str:
    return urlsplit(order.source.url).fragment if order.source.url is not None else ""
