"""Azure's inputs and our order, both ways: one function a direction, and the arithmetic of the units that differ.

Units. The service gives subtitle font size (5..30) and vertical margin (0..200) without naming a unit; its subtitles are ASS,
whose scripts are 288 rows high when nothing else is said, so that is what we read them in: 288 rows of theirs are the frame's height,
which our style counts as 720 pixels (font) or as a fraction (margin). Text length is given for a whole caption; ours is rows times
characters in a row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from apps.core.errors import PROVIDER_FAILED, JobError
from apps.core.options import SubtitleStyle
from apps.providers.azure import wire
from apps.providers.azure.wire import IterationInput, TranslationInput
from apps.providers.orders import TranslationOrder

SCRIPT_ROWS: Final = 288
OUR_ROWS: Final = 720
ROW_CHARS: Final = 42
"""Characters of one row, the usual house rule; a longer caption stands on several rows."""
MOST_ROWS: Final = 10
CAPTION_CHARS: Final = (8, 1200)
"""What we can lay out: one row of 8 to ten rows of 120."""
_PLAIN: Final = SubtitleStyle()


# ---- units


def font_size_to_ours(size: int) -> int:
    """Pixels at a frame height of 720."""
    return round(size * OUR_ROWS / SCRIPT_ROWS)


def font_size_to_theirs(pixels: int) -> int:
    """Rows of a 288-row script."""
    return round(pixels * SCRIPT_ROWS / OUR_ROWS)


def margin_to_ours(rows: int) -> float:
    """Fraction of the frame's height."""
    return rows / SCRIPT_ROWS


def margin_to_theirs(fraction: float) -> int:
    """Rows of a 288-row script."""
    return round(fraction * SCRIPT_ROWS)


def caption_to_ours(chars: int) -> tuple[int, int]:
    """Characters of a caption as (rows, characters in a row); together never more than asked, except that a row has 8 at least."""
    rows = min(MOST_ROWS, math.ceil(chars / ROW_CHARS))
    return rows, max(CAPTION_CHARS[0], min(chars // rows, CAPTION_CHARS[1] // MOST_ROWS))


def caption_to_theirs(style: SubtitleStyle) -> int | None:
    """Characters of a caption; None when the order leaves it open."""
    return None if style.max_chars_per_line is None else style.max_lines * style.max_chars_per_line


# ---- ours -> theirs


def is_audio(order: TranslationOrder, source_url: str) -> bool:
    """Whether the source goes into audioFileUrl: the order says so, or else the link's ending does."""
    if order.media_type != "auto":
        return order.media_type == "audio"
    return urlsplit(source_url).path.lower().endswith(wire.AUDIO_ENDINGS)


def translation_input(order: TranslationOrder, source_url: str) -> TranslationInput:
    """The input of PUT translation for an order."""
    audio = is_audio(order, source_url)
    count = order.speaker_count
    return TranslationInput(
        source_locale=None if order.source_language == "auto" else order.source_language,
        target_locale=order.target_locales[0],
        voice_kind=_reversed(wire.VOICE_KINDS, order.voice.kind),
        video_file_url=None if audio else source_url,
        audio_file_url=source_url if audio else None,
        speaker_count=count.max if count.max is not None else count.min,
        enable_lip_sync=True if "lipsync" in order.steps else None,
        subtitle_max_char_count_per_segment=caption_to_theirs(order.subtitle_style),
        export_subtitle_in_video=order.subtitle_style.burn_in,
    )


def iteration_input(order: TranslationOrder, version: str, webvtt: wire.WebvttFile | None) -> IterationInput:
    """The input of PUT iteration (or firstIterationInput) for an order; what is at the service's default is left out.

    Raises JobError 10908 for what only 2026-03-01 has when the account speaks an older version.
    """
    style, voice, count = order.subtitle_style, order.voice, order.speaker_count
    newer = {
        "voice.background_volume": voice.background_volume != 100,
        "subtitle_style.margin_v": style.margin_v != _PLAIN.margin_v,
    }
    for name, asked in newer.items():
        if asked and version < wire.VERSION_2026:
            raise JobError(PROVIDER_FAILED, f"{name} needs api-version {wire.VERSION_2026}; the account uses {version}")
    return IterationInput(
        webvtt_file=webvtt,
        speaker_count=count.max if count.max is not None else count.min,
        subtitle_max_char_count_per_segment=caption_to_theirs(style),
        export_subtitle_in_video=style.burn_in,
        tts_custom_lexicon_file_url=voice.lexicon_url,
        enable_video_speed_adjustment=True if order.timing.adjust_video_speed else None,
        enable_ocr_correction_from_subtitle=True if order.ocr_correction else None,
        export_target_locale_advanced_subtitle_file=True if style.format == "ass" else None,
        subtitle_primary_color=_unless(style.primary_color, _PLAIN.primary_color),
        subtitle_outline_color=_unless(style.outline_color, _PLAIN.outline_color),
        subtitle_font_size=None if style.font_size is None else font_size_to_theirs(style.font_size),
        enable_emotional_platform_voice=_unless(_reversed(wire.EMOTIONS, voice.emotion), "Auto"),
        subtitle_vertical_margin=margin_to_theirs(style.margin_v) if newer["subtitle_style.margin_v"] else None,
        adjust_background_volume_multiplier=(
            voice.background_volume / 100 if newer["voice.background_volume"] else None
        ),
    )


def webvtt_kind(order: TranslationOrder) -> str:
    """What the order's own subtitle file is to the service."""
    assert order.subtitle is not None
    return wire.TARGET_SUBTITLE if order.subtitle.usage == "final_translated" else wire.SOURCE_SUBTITLE


# ---- theirs -> ours


def order_fields(given: TranslationInput, iteration: IterationInput) -> dict[str, Any]:
    """The fields of an order, as plain data, for a translation's input and an iteration's (which goes first where both say it).

    Values are expected to be checked already; the source's subtitle file and the title are the caller's.
    """
    speakers = iteration.speaker_count if iteration.speaker_count is not None else given.speaker_count
    fields: dict[str, Any] = {
        "source": {"url": given.video_file_url or given.audio_file_url},
        "media_type": "audio" if given.audio_file_url else "video",
        "source_language": given.source_locale or "auto",
        "target_locales": [given.target_locale],
        "steps": ["subtitles", "voice", *(["lipsync"] if given.enable_lip_sync else [])],
        "voice": voice_fields(given, iteration),
        "subtitle_style": style_fields(given, iteration),
        "timing": {"adjust_video_speed": bool(iteration.enable_video_speed_adjustment)},
        "ocr_correction": bool(iteration.enable_ocr_correction_from_subtitle),
    }
    if speakers is not None:
        fields["speaker_count"] = {"min": speakers, "max": speakers}
    return fields


def voice_fields(given: TranslationInput, iteration: IterationInput) -> dict[str, Any]:
    """Fields of VoiceOptions."""
    fields: dict[str, Any] = {
        "kind": wire.VOICE_KINDS[given.voice_kind or "PlatformVoice"],
        "emotion": wire.EMOTIONS[iteration.enable_emotional_platform_voice or "Auto"],
        "lexicon_url": iteration.tts_custom_lexicon_file_url,
    }
    if iteration.adjust_background_volume_multiplier is not None:
        fields["background_volume"] = max(1, round(iteration.adjust_background_volume_multiplier * 100))
    return fields


def style_fields(given: TranslationInput, iteration: IterationInput) -> dict[str, Any]:
    """Fields of SubtitleStyle."""
    burn_in, chars = iteration.export_subtitle_in_video, iteration.subtitle_max_char_count_per_segment
    fields: dict[str, Any] = {
        "burn_in": bool(given.export_subtitle_in_video if burn_in is None else burn_in),
        "format": "ass" if iteration.export_target_locale_advanced_subtitle_file else "vtt",
    }
    chars = given.subtitle_max_char_count_per_segment if chars is None else chars
    if chars is not None:
        fields["max_lines"], fields["max_chars_per_line"] = caption_to_ours(chars)
    if iteration.subtitle_primary_color is not None:
        fields["primary_color"] = iteration.subtitle_primary_color
    if iteration.subtitle_outline_color is not None:
        fields["outline_color"] = iteration.subtitle_outline_color
    if iteration.subtitle_font_size is not None:
        fields["font_size"] = font_size_to_ours(iteration.subtitle_font_size)
    if iteration.subtitle_vertical_margin is not None:
        fields["margin_v"] = margin_to_ours(iteration.subtitle_vertical_margin)
    return fields


def _reversed(table: Mapping[str, str], ours: str) -> str:
    return next(theirs for theirs, mine in table.items() if mine == ours)


def _unless(value: str, default: str) -> str | None:
    """The value, or None where it is the default; colours may be written with a # in front and in either case."""
    return None if value.removeprefix("#").upper() == default.upper() else value
