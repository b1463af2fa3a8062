"""Volcengine SubmitAudio/QueryAudio in the registry: what it can do, as data."""

from __future__ import annotations

from typing import Final

from apps.providers.abilities import Capabilities
from apps.providers.base import Vendor
from apps.providers.volcengine_translate import wire
from apps.providers.volcengine_translate.adapter import VolcengineTranslateAdapter, check, pair
from apps.providers.volcengine_translate.parameters import PARAMETERS

CAPABILITIES: Final = Capabilities(
    steps=frozenset({"subtitles"}),
    subtitle_sources=frozenset({"asr"}),
    export_types=frozenset({"auto", "subtitles"}),
    media_types=frozenset({"auto", "video", "audio"}),
    options=frozenset({"review"}),
    pair=pair,
    max_bytes=wire.MAX_BYTES,
    max_seconds=wire.MAX_SECONDS,
    remarks=(
        "Subtitles only, sentence by sentence; mp3, mp4, wav and ogg are recommended.",
        "Has no list and takes no id of ours: a task whose answer was never seen is asked for once more, and then no more.",
        "Cannot be stopped. Edited texts (after the review, or in an iteration) become subtitle files here; the vendor is not paid again.",
    ),
    check=check,
    parameters=PARAMETERS,
)
VENDOR: Final = Vendor(wire.NAME, "Volcengine SubmitAudio", CAPABILITIES, VolcengineTranslateAdapter())
