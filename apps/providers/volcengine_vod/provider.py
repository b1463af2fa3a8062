"""Volcengine VOD AI translation in the registry: what it can do, as data."""

from __future__ import annotations

from typing import Final

from apps.providers.abilities import Capabilities
from apps.providers.base import Vendor
from apps.providers.volcengine_vod import rules, wire
from apps.providers.volcengine_vod.adapter import VolcengineVodAdapter
from apps.providers.volcengine_vod.parameters import PARAMETERS

CAPABILITIES: Final = Capabilities(
    steps=frozenset({"subtitles", "voice", "lipsync"}),
    subtitle_sources=frozenset({"asr", "ocr", "file"}),
    export_types=frozenset({"auto", "video", "subtitles"}),
    media_types=frozenset({"auto", "video"}),
    options=frozenset(
        {
            "personal_voice",
            "by_scene",
            "background_volume",
            "burn_in",
            "erase_source",
            "rewrite",
            "vision",
            "glossaries",
            "review",
        }
    ),
    pair=rules.pair,
    remarks=(
        "Always clones the speakers' own voices, also where the order leaves the voice to the platform.",
        "Glossaries: 100 terms each, 30 bytes a term in UTF-8; longer ones are named and refused before anything is sent.",
        "Finds burnt-in text by itself: the box of an order is not sent.",
        "Cannot be stopped; media is deleted after retention, projects stay.",
    ),
    check=rules.check,
    parameters=PARAMETERS,
)
VENDOR: Final = Vendor(wire.NAME, "Volcengine VOD", CAPABILITIES, VolcengineVodAdapter())
