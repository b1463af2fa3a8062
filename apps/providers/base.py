"""What every provider tells about itself, and what a remote adapter is made of. Plain Python: no Django, no database.

An adapter is pure functions that build requests and parse answers, plus one thin client that carries them. The jobs app drives
it: it commits a ProviderCall before each submit, polls when due, and stores outputs at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from apps.providers.orders import TranslationOrder

ANY: Final = "auto"
PairCheck = Callable[[str, str, bool, bool], str]
"""(source language or "auto", target locale, from speech, with voice) -> "" when covered, else the reason in a sentence."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, as data. Sizes in bytes, lengths in seconds; 0 means no limit of its own.

    `options` names the optional parts of an order that it honours (keys of asked_options). What it does not honour is an error
    naming the field, never silently dropped (DESIGN section 3).
    """

    steps: frozenset[str]
    subtitle_sources: frozenset[str]
    export_types: frozenset[str]
    media_types: frozenset[str]
    options: frozenset[str]
    pair: PairCheck
    max_bytes: int = 0
    max_seconds: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request that an adapter built: what the thin client sends, and what is kept in ProviderCall.request."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Output:
    """A file that the vendor made; its link may expire, so it is fetched at once."""

    kind: str
    url: str
    format: str
    language: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """The vendor's id of the work."""

    ref: str
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Polled:
    """Where the vendor stands. `unknown` is for statuses that no document names: they never break a poll."""

    status: Literal["queued", "running", "paused", "succeeded", "failed", "canceled", "unknown"]
    fraction: float | None = None
    stage: str = ""
    error_code: int | None = None
    error: str = ""
    retry_after: float | None = None
    outputs: tuple[Output, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    """An entry of the registry. `remote` is None for an engine that works in our own processes."""

    name: str
    title: str

    def capabilities(self) -> Capabilities:
        """What it can do now; cheap, asked at every order."""
        ...

    @property
    def remote(self) -> RemoteAdapter | None:
        """The adapter of a vendor elsewhere."""
        ...


class RemoteAdapter(Protocol):
    """Carries an order out at a vendor. build_* and parse_* are pure; `client_id` is derived from the job's id."""

    polls_per_second: float
    takes_client_id: bool

    def build_submit(self, order: TranslationOrder, *, client_id: str, source_url: str) -> WireRequest: ...

    def parse_submit(self, status: int, body: bytes) -> Submitted: ...

    def build_poll(self, ref: str) -> WireRequest: ...

    def parse_poll(self, status: int, headers: Mapping[str, str], body: bytes) -> Polled: ...

    def build_find(self, client_id: str) -> WireRequest | None:
        """The vendor's list call, to learn whether a submit whose answer was never seen arrived; None where there is none."""
        ...

    def parse_find(self, body: bytes, client_id: str) -> str | None: ...

    def build_cancel(self, ref: str) -> WireRequest | None: ...


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


def problems(provider: Provider, order: TranslationOrder) -> dict[str, list[str]]:
    """Field -> reasons why this provider cannot carry the order out; empty when it can."""
    able = provider.capabilities()
    found: dict[str, list[str]] = {}

    def wrong(name: str, reason: str) -> None:
        found.setdefault(name, []).append(reason)

    for place, step in enumerate(order.steps):
        if step not in able.steps:
            wrong(f"steps.{place}", f"{provider.title} does not offer {step}.")
    if order.subtitle_source not in able.subtitle_sources:
        wrong("subtitle_source", f"{provider.title} cannot take the text from {order.subtitle_source}.")
    if order.export_type not in able.export_types:
        wrong("export_type", f"{provider.title} does not export {order.export_type}.")
    if order.media_type not in able.media_types:
        wrong("media_type", f"{provider.title} does not take {order.media_type}.")
    for option, name in asked_options(order).items():
        if option not in able.options:
            wrong(name, f"{provider.title} does not offer this.")
    translated = not (order.subtitle is not None and order.subtitle.usage in ("final_translated", "bilingual"))
    speaks = "voice" in order.steps or "lipsync" in order.steps
    for place, target in enumerate(order.target_locales):
        heard = order.subtitle_source == "asr" and translated
        source = order.source_language if translated else target
        if reason := able.pair(source, target, heard, speaks):
            wrong(f"target_locales.{place}", reason)
    return found
