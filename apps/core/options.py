"""Value objects that an order and an engine task share: what a customer may ask of the result."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Ratio = Annotated[float, Meta(ge=0.0, le=1.0)]
EdgeRatio = Annotated[float, Meta(ge=0.0, lt=1.0)]
HexColor = Annotated[str, Meta(pattern=r"^#?(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$(?!\n)")]


class TextBox(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Region of the frame that holds burnt-in text, as fractions of the displayed frame; origin top left (seed 000)."""

    x: Ratio
    y: Ratio
    width: Annotated[float, Meta(gt=0.0, le=1.0)]
    height: Annotated[float, Meta(gt=0.0, le=1.0)]


class SpeakerCount(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many people speak; both None means that the engine finds out. Up to 34, the most of all vendors (seed 000)."""

    min: Annotated[int, Meta(ge=1, le=34)] | None = None
    max: Annotated[int, Meta(ge=1, le=34)] | None = None


class VoiceOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the dub sounds (seeds 001 and 002)."""

    kind: Literal["platform", "personal"] = "platform"
    emotion: Literal["auto", "on", "off"] = "auto"
    by_scene: bool = False
    lexicon_url: str | None = None
    background_volume: Annotated[int, Meta(ge=0, le=100)] = 100


class SubtitleStyle(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Look of subtitles.

    `font_size` is pixels at a frame height of 720 (1..80, seed 002). Margins are fractions of the frame's width (l, r) and
    height (v), each in [0, 1). `max_lines` 0 means no limit. Colours are RRGGBB or RRGGBBAA, with or without "#" (seed 001).
    """

    burn_in: bool = False
    format: Literal["srt", "vtt", "ass", "ttml"] = "srt"
    font_size: Annotated[int, Meta(ge=1, le=80)] | None = None
    primary_color: HexColor = "FFFFFF"
    outline_color: HexColor = "000000"
    outline: Annotated[float, Meta(ge=0.0, le=10.0)] = 2.0
    margin_l: EdgeRatio = 0.05
    margin_r: EdgeRatio = 0.05
    margin_v: EdgeRatio = 0.06
    max_lines: Annotated[int, Meta(ge=0, le=10)] = 2
    max_chars_per_line: Annotated[int, Meta(ge=8, le=120)] | None = None
    erase_source: bool = False


class Timing(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How text and picture may be fitted to time (seeds 001 and 002)."""

    adjust_video_speed: bool = False
    punctuation_split: bool = True
    rewrite: bool = False
