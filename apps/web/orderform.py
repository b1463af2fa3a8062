"""The new-job form as an order: what the browser posts, turned into the same body that the API takes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from django.http import QueryDict
from django.utils.translation import gettext

from apps.core.errors import invalid
from apps.jobs.services.routing import Usable
from apps.jobs.services.validate import normalize
from apps.providers.orders import TranslationOrder

PLACEHOLDER: Final = "ast_0000000000000000"
_LONGEST_MS: Final = 7 * 24 * 3_600_000
_PATH: Final = re.compile(r"\$\.?([^`]*)")


@dataclass
class Draft:
    """An order under way. `order` is None while something is missing or wrong; `errors` says what, by field."""

    body: dict[str, Any]
    order: TranslationOrder | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    duration_ms: int | None = None

    @property
    def ready(self) -> bool:
        """It can be submitted."""
        return self.order is not None and not self.missing and not self.errors


def read(post: QueryDict, usable: Usable | None = None) -> Draft:
    """The draft that a posted form stands for; `usable` gives the providers that may be ordered from (normalize)."""
    draft = Draft(body=body_of(post))
    draft.duration_ms = length_ms(post.get("duration_ms"))
    source = draft.body["source"]
    if not source:
        draft.missing.append("source")
    if not draft.body["target_locales"]:
        draft.missing.append("target_locales")
    probe = dict(draft.body)
    probe["source"] = source or {"asset": PLACEHOLDER}
    probe["target_locales"] = probe["target_locales"] or [_some_target(str(probe["source_language"]))]
    try:
        order = msgspec.convert(probe, TranslationOrder)
    except msgspec.ValidationError as error:
        draft.errors = reasons(error)
        return draft
    if not draft.body["target_locales"]:
        draft.order = order  # nothing can be said about languages yet
        return draft
    order, draft.errors = normalize(order, usable)
    draft.order = order
    return draft


def reasons(error: msgspec.ValidationError) -> dict[str, list[str]]:
    """What a struct did not take, by the path of the field."""
    text, _, where = str(error).partition(" - at ")
    found = _PATH.search(where)
    return {found.group(1) if found else "": [text]}


def _some_target(source: str) -> str:
    return "es-ES" if not source.startswith("es") else "en-US"


def body_of(post: QueryDict) -> dict[str, Any]:
    """The JSON body of POST /translations for this form; only what differs from the defaults where that is simple."""
    voice = "voice" in steps_of(post)
    body: dict[str, Any] = {
        "source": _source(post),
        "source_language": post.get("source_language") or "auto",
        "target_locales": post.getlist("target_locales"),
        "steps": steps_of(post),
        "subtitle_source": post.get("subtitle_source") or "asr",
        "review_after": post.get("review_after") or "never",
    }
    if provider := post.get("provider", ""):
        body["provider"] = provider
    if title := post.get("title", "").strip():
        body["title"] = title
    if voice and (volume := whole(post.get("background_volume"))) is not None:
        body["voice"] = {"background_volume": volume}
    speakers = {name: number for name in ("min", "max") if (number := whole(post.get(f"speakers_{name}"))) is not None}
    if speakers:
        body["speaker_count"] = speakers
    if body["subtitle_source"] == "file":
        given: dict[str, Any] = {"usage": post.get("subtitle_usage") or "original"}
        if asset := post.get("subtitle_asset"):
            given["asset"] = asset
        body["subtitle"] = given
    style = _style(post)
    if style:
        body["subtitle_style"] = style
    if body["subtitle_source"] == "ocr" or style.get("erase_source"):
        body["ocr_text_box"] = {
            name: share(post.get(f"box_{name}"), default)
            for name, default in (("x", 0.1), ("y", 0.8), ("width", 0.8), ("height", 0.15))
        }
    if glossaries := post.getlist("glossaries"):
        body["glossaries"] = glossaries
    if post.get("hls"):
        body["hls"] = True
    return body


def steps_of(post: QueryDict) -> list[str]:
    """The steps that are chosen; lips are asked for beside a dub only."""
    if post.get("steps", "voice") != "voice":
        return ["subtitles"]
    return ["subtitles", "voice", *(["lipsync"] if post.get("lipsync") else [])]


def _source(post: QueryDict) -> dict[str, str]:
    if post.get("source_kind") == "link":
        return {"url": url} if (url := post.get("url", "").strip()) else {}
    return {"asset": asset} if (asset := post.get("asset", "").strip()) else {}


def _style(post: QueryDict) -> dict[str, Any]:
    style: dict[str, Any] = {name: True for name in ("burn_in", "erase_source") if post.get(name)}
    for name in ("font_size", "max_lines", "max_chars_per_line"):
        if (number := whole(post.get(name))) is not None:
            style[name] = number
    for name in ("primary_color", "outline_color"):
        if colour := post.get(name, "").lstrip("#").upper():
            style[name] = colour
    for name in ("outline", "margin_v"):
        if post.get(name):
            style[name] = share(post.get(name), 0.0)
    defaults = {"primary_color": "FFFFFF", "outline_color": "000000", "outline": 2.0, "margin_v": 0.06, "max_lines": 2}
    return {name: value for name, value in style.items() if defaults.get(name) != value}


def whole(text: str | None) -> int | None:
    """A whole number that somebody typed, or None."""
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):  # "inf" is a number to Python
        return None


def length_ms(text: str | None) -> int | None:
    """A length in ms that a browser read from a file; None for what no file has (the price of it could not be reckoned)."""
    length = whole(text)
    return length if length is not None and 0 < length <= _LONGEST_MS else None


def share(text: str | None, default: float) -> float:
    """A number that somebody typed, to four places, or the default."""
    try:
        number = round(float(text), 4) if text else default
    except ValueError:
        return default
    return number if math.isfinite(number) else default


def say_missing(draft: Draft) -> str:
    """What still has to be chosen, in words, for the line under the button."""
    if "source" in draft.missing and "target_locales" in draft.missing:
        return gettext("Choose a video and at least one language.")
    if "source" in draft.missing:
        return gettext("Choose a video or paste a link.")
    if "target_locales" in draft.missing:
        return gettext("Choose at least one language.")
    return ""


def from_body(body: dict[str, Any]) -> TranslationOrder:
    """An order of a body that is known to be right."""
    order, errors = normalize(msgspec.convert(body, TranslationOrder))
    if errors:
        raise invalid(errors=errors)
    return order
