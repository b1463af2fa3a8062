"""Vozo's entry in the registry: what it can do, as data."""

from __future__ import annotations

from typing import Final

from apps.providers.abilities import Capabilities
from apps.providers.base import Vendor
from apps.providers.vozo import lipsync, order, wire
from apps.providers.vozo.adapter import VozoAdapter
from apps.providers.vozo.parameters import PARAMETERS

CAPABILITIES: Final = Capabilities(
    steps=frozenset({"subtitles", "voice"}),
    subtitle_sources=frozenset({"asr", "ocr", "file"}),
    export_types=frozenset({"auto", "video", "audio", "all"}),
    media_types=frozenset({"auto", "video", "audio"}),
    options=frozenset(
        {"personal_voice", "burn_in", "erase_source", "adjust_video_speed", "glossaries", "prompt", "speaker_count"}
    ),
    pair=order.pair,
    lipsync=lipsync.ABLE,
    max_seconds=wire.MAX_SECONDS,
    remarks=(
        f"Bills {wire.POINTS_PER_MINUTE} points a minute, when the work is done.",
        "Always makes a new voice; subtitles come as SRT beside it.",
        "Cannot be stopped or told to forget, and has no list: a task whose creation was never answered is known by its callback only.",
        "Lip sync: one face, from a video or a picture, in the reference's own size (720p, mask, prompt and seed are refused).",
    ),
    check=order.check,
    parameters=PARAMETERS,
)
VENDOR: Final = Vendor("vozo", "Vozo Translate", CAPABILITIES, VozoAdapter())
