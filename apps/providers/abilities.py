"""What a provider can do, as data, and what of it an order asks for. Plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from apps.providers.lipsync import LipsyncAbility
from apps.providers.orders import TranslationOrder

ANY: Final = "auto"
PairCheck = Callable[[str, str, bool, bool], str]
"""(source language or "auto", target locale, from speech, with voice) -> "" when covered, else the reason in a sentence."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, enum value, status or result of the vendor's document, and where it lives with us.

    `ours` is a path of the order ("voice.kind"), "artefact.<kind>", "stage.<stage>", "error.<code>", ... or "" when we neither send
    nor read it; `note` says how values map, or why it is refused. Rows of docs/providers.md.
    """

    theirs: str
    ours: str
    note: str = ""


def no_pair(source: str, target: str, heard: bool, speaks: bool) -> str:
    """The PairCheck of a provider that does not translate."""
    return "It does not translate."


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, as data. Sizes in bytes, lengths in seconds; 0 means no limit of its own.

    `options` names the optional parts of an order that it honours (keys of asked_options). What it does not honour is an error
    naming the field, never silently dropped (DESIGN section 3). `check` may refuse what needs more than a look at one field:
    it gives field -> reasons. `lipsync` tells the same of lip-sync orders, by their model; one that only does those leaves the
    other fields as they are (no steps: it does not translate).
    """

    steps: frozenset[str] = frozenset()
    subtitle_sources: frozenset[str] = frozenset()
    export_types: frozenset[str] = frozenset()
    media_types: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    pair: PairCheck = no_pair
    lipsync: Mapping[str, LipsyncAbility] = field(default_factory=dict)
    max_bytes: int = 0
    max_seconds: int = 0
    remarks: tuple[str, ...] = ()
    check: Callable[[TranslationOrder], Mapping[str, list[str]]] | None = None
    parameters: tuple[Parameter, ...] = ()


def asked_options(order: TranslationOrder) -> dict[str, str]:
    """The optional parts that an order really asks for: option -> field of the order that asks."""
    asked = {
        "personal_voice": ("voice.kind", order.voice.kind == "personal"),
        "emotion": ("voice.emotion", order.voice.emotion == "on"),
        "by_scene": ("voice.by_scene", order.voice.by_scene),
        "lexicon": ("voice.lexicon_url", order.voice.lexicon_url is not None),
        "background_volume": ("voice.background_volume", order.voice.background_volume != 100),
        "burn_in": ("subtitle_style.burn_in", order.subtitle_style.burn_in),
        "erase_source": ("subtitle_style.erase_source", order.subtitle_style.erase_source),
        "adjust_video_speed": ("timing.adjust_video_speed", order.timing.adjust_video_speed),
        "rewrite": ("timing.rewrite", order.timing.rewrite),
        "ocr_correction": ("ocr_correction", order.ocr_correction),
        "vision": ("vision", order.vision),
        "glossaries": ("glossaries", bool(order.glossaries)),
        "prompt": ("prompt", bool(order.prompt)),
        "review": ("review_after", order.review_after != "never"),
        "hls": ("hls", order.hls),
        "speaker_count": ("speaker_count", order.speaker_count.min is not None or order.speaker_count.max is not None),
    }
    return {option: name for option, (name, is_asked) in asked.items() if is_asked}
