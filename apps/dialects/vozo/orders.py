"""From the body of POST /v1/media/translate to our order: field by field, and Vozo's own rules for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects.parsing import convert
from apps.providers.orders import TranslationOrder
from apps.providers.vozo import wire


def to_order(asked: wire.CreateTask) -> TranslationOrder:
    """The order that a body asks for. Raises ApiError 5 with Vozo's names of the fields."""
    if wrong := _wrong(asked):
        raise errors.invalid(errors=wrong)
    body: dict[str, Any] = {
        "source": {"url": asked.media_url},
        "source_language": asked.source_language,
        "target_locales": [asked.target_language],
        "media_type": asked.media_type,
        "export_type": asked.export_type,
        "steps": ["subtitles", "voice"],
        "prompt": asked.user_prompt or "",
        "callback_url": asked.callback_url or None,
        "glossaries": asked.glossary_ids or [],
        "voice": {"kind": "personal" if asked.voice_model == "real" else "platform"},
        "timing": {"adjust_video_speed": bool(asked.align_video)},
        "subtitle_style": _style(asked),
    }
    if asked.subtitle_url:
        usage = asked.subtitle_usage_type or "original"
        body |= {"subtitle_source": "file", "subtitle": {"url": asked.subtitle_url, "usage": usage}}
    if asked.ocr_text_box is not None:
        body |= {"subtitle_source": "ocr", "ocr_text_box": msgspec.to_builtins(asked.ocr_text_box)}
    if asked.speaker_number is not None:
        body["speaker_count"] = msgspec.to_builtins(asked.speaker_number)
    return convert(body, TranslationOrder)


def in_their_words(error: ApiError, name_of: Callable[[str], str] = wire.field_name) -> ApiError:
    """A refusal of the order with Vozo's names of the fields instead of ours."""
    if not error.errors:
        return error
    fields: dict[str, list[str]] = {}
    for name, reasons in error.errors.items():
        fields.setdefault(name_of(name), []).extend(reasons)
    detail = "; ".join(f"{name}: {reasons[0]}" for name, reasons in fields.items())
    return ApiError(error.code, detail, errors=fields, headers=error.headers, extra=error.extra)


def without(asked: wire.CreateTask, refused: Mapping[str, Any]) -> tuple[wire.CreateTask, list[str]] | None:
    """The same without the wishes that nobody here can honour, and their names; None when anything else is refused, too.

    `refused` are the fields of our order. `replace` becomes `add` before it is given up: the new subtitles are still drawn.
    """
    changed: dict[str, Any] = {}
    for path in refused:
        if path.startswith("timing.adjust_video_speed") and asked.align_video:
            changed["align_video"] = None
        elif path.startswith("voice.kind") and asked.voice_model == "real":
            changed["voice_model"] = None
        elif path in ("ocr_text_box", "subtitle_style.erase_source") and _finds_old_subtitles(asked):
            changed.setdefault("subtitle_mode", "add")
        elif path.startswith("subtitle_style.") and asked.subtitle_mode in ("add", "replace"):
            changed["subtitle_mode"] = "none"
        else:
            return None
    return (msgspec.structs.replace(asked, **changed), sorted(changed)) if changed else None


def _finds_old_subtitles(asked: wire.CreateTask) -> bool:
    return asked.subtitle_mode == "replace" and asked.ocr_text_box is None


def _style(asked: wire.CreateTask) -> dict[str, bool]:
    """Subtitles are only drawn where a picture goes out."""
    if asked.media_type == "audio" or asked.export_type == "audio":
        return {}
    return {"burn_in": asked.subtitle_mode in ("add", "replace"), "erase_source": asked.subtitle_mode == "replace"}


def _wrong(asked: wire.CreateTask) -> dict[str, list[str]]:
    """What Vozo's reference forbids and our order has no word for."""
    found: dict[str, list[str]] = {}
    if not asked.media_url:
        found["media_url"] = ["This field is required."]
    if asked.media_type == "audio" and asked.export_type in ("video", "all"):
        found["export_type"] = ["Audio media cannot be exported as video or all."]
    if asked.subtitle_url and asked.ocr_text_box is not None:
        found["subtitle_url"] = ["Mutually exclusive with ocr_text_box."]
    if asked.media_type == "audio" and asked.ocr_text_box is not None:
        found["ocr_text_box"] = ["Only with media_type video."]
    speakers = asked.speaker_number or wire.Speakers()
    for name, count in (("min", speakers.min), ("max", speakers.max)):
        if count is not None and not wire.MIN_SPEAKERS <= count <= wire.MAX_SPEAKERS:
            found[f"speaker_number.{name}"] = [f"Must be {wire.MIN_SPEAKERS} to {wire.MAX_SPEAKERS}."]
    if len(asked.glossary_ids or ()) > wire.MAX_GLOSSARIES:
        found["glossary_ids"] = [f"At most {wire.MAX_GLOSSARIES}."]
    return found
