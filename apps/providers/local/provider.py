"""The built-in engine's capabilities: what its stages do and what its installed weights cover."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from apps.core import languages
from apps.engine import routes
from apps.engine.capabilities import can_lipsync, lipsync_backend
from apps.engine.lipsync.types import PREVIEW
from apps.engine.settings import EngineSettings
from apps.engine.voices import voice_set
from apps.providers.abilities import ANY, Capabilities
from apps.providers.lipsync import LIPSYNC_MODELS, LipsyncAbility
from apps.providers.orders import TranslationOrder

_FRESH_SECONDS: Final = 30.0
_OPTIONS: Final = frozenset(
    {"background_volume", "burn_in", "erase_source", "glossaries", "review", "hls", "speaker_count"}
)


class LocalProvider:
    """The engine on this machine. `use` gives it the installation's settings; without them it reads the environment."""

    name = "local"
    title = "The built-in engine"
    remote = None

    def __init__(self) -> None:
        self._settings: EngineSettings | None = None
        self._known: dict[tuple[str, str, bool, bool], str] = {}
        self._able: Capabilities | None = None
        self._until = 0.0

    def use(self, settings: EngineSettings) -> None:
        """Sets the engine's settings (where the weights are)."""
        if settings != self._settings:
            self._settings, self._known, self._able = settings, {}, None

    def capabilities(self) -> Capabilities:
        """All that the local stages honour; pairs and lip sync as far as weights are installed (looked up twice a minute)."""
        self._forget_old()
        able = self._able or _abilities(self._settings or EngineSettings.from_env())
        self._able = able
        return able

    def pair(self, source: str, target: str, heard: bool, speaks: bool) -> str:
        """ "" when the installed weights cover the pair, else why not. Remembered for half a minute (it lists directories)."""
        self._forget_old()
        key = (source, target, heard, speaks)
        if key not in self._known:
            self._known[key] = self._look(source, target, heard, speaks)
        return self._known[key]

    def _forget_old(self) -> None:
        now = time.monotonic()
        if now > self._until:
            self._known, self._able, self._until = {}, None, now + _FRESH_SECONDS

    def _look(self, source: str, target: str, heard: bool, speaks: bool) -> str:
        settings = self._settings or EngineSettings.from_env()
        if source == ANY:
            # The language is found out later; an order is taken when some language reaches the target.
            reachable = routes.find_route(settings, "en-US", target, from_speech=heard) is not None
            reachable = reachable or (heard and routes.speech_route(settings, "de-DE", target) is not None)
            reachable = reachable or any(
                base == routes.firefox_name(target) for _, base in routes.firefox_pairs(settings)
            )
        else:
            reachable = routes.find_route(settings, source, target, from_speech=heard) is not None
        if not reachable:
            origin = "any language" if source == ANY else languages.describe(source).name
            return (
                f"The built-in engine has no weights to translate from {origin} into {languages.describe(target).name}."
            )
        if heard and source != ANY and languages.whisper_language(source) is None:
            return f"The built-in engine cannot recognize speech in {languages.describe(source).name}."
        if speaks and voice_set(settings, target) is None:
            return f"The built-in engine has no voice for {languages.describe(target).name}."
        return ""


def check(order: TranslationOrder) -> Mapping[str, list[str]]:
    """The engine does not look for old subtitles by itself."""
    if order.subtitle_style.erase_source and order.ocr_text_box is None:
        return {"ocr_text_box": ["Needed to erase the old subtitles: it says where they are."]}
    return {}


def _abilities(settings: EngineSettings) -> Capabilities:
    """What the code can do, less what this installation lacks the weights for."""
    if not can_lipsync(settings):
        return replace(
            ALL_ABILITIES, steps=ALL_ABILITIES.steps - {"lipsync"}, lipsync={},
            remarks=(*ALL_ABILITIES.remarks, "Lip sync is not set up here."),
        )  # fmt: skip
    backend = lipsync_backend(settings)
    said = "Its lip sync is a preview" if backend == PREVIEW else f"Its lip sync is made by {backend}"
    return replace(ALL_ABILITIES, remarks=(*ALL_ABILITIES.remarks, f"{said}; a prompt has no effect on it."))


LOCAL: Final = LocalProvider()
ALL_ABILITIES: Final = Capabilities(
    steps=frozenset({"subtitles", "voice", "lipsync"}),
    subtitle_sources=frozenset({"asr", "ocr", "file"}),
    export_types=frozenset({"auto", "video", "audio", "all", "subtitles"}),
    media_types=frozenset({"auto", "video", "audio"}),
    options=_OPTIONS,
    pair=LOCAL.pair,
    check=check,
    # A prompt is a hint for style; lip sync here has one style, and an order does not fail for the hint.
    lipsync={
        model: LipsyncAbility(options=frozenset({"mask_image", "prompt", "seed", "turns", "faces", "first_seconds"}))
        for model in LIPSYNC_MODELS
    },
    remarks=("Works on this machine's own processor; nothing leaves it.",),
)
