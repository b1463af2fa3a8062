"""Which way text gets from one language into another with the weights that are installed (directory listings only, nothing is loaded)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from apps.core.languages import base_language as base
from apps.core.languages import traditional, whisper_language
from apps.engine.settings import EngineSettings

Via = Literal["copy", "text", "speech"]

# Traditional Chinese has its own weights; every other locale of a language shares one model.
_FIREFOX_NAMES = {"zh-TW": "zh_hant", "zh-HK": "zh_hant", "yue-CN": "zh", "nb-NO": "nb", "no": "nb"}
# Debian's apertium packages that we can go through: understandable, rough, so their routes are experimental.
APERTIUM_PAIRS = (("pt", "es"),)


@dataclass(frozen=True)
class Hop:
    """One model call: `backend` is "firefox" or "apertium", languages as the backend names them."""

    backend: Literal["firefox", "apertium"]
    source: str
    target: str


@dataclass(frozen=True)
class Route:
    """How lines are translated. `via` "speech" starts from the recognizer's own English instead of the source text."""

    via: Via
    hops: tuple[Hop, ...] = ()

    @property
    def experimental(self) -> bool:
        """True when the result is understandable but rough."""
        return any(hop.backend == "apertium" for hop in self.hops)

    def describe(self) -> str:
        """One line for the report."""
        if self.via == "copy":
            return "same language: text copied"
        start = "Whisper speech translation to en" if self.via == "speech" else ""
        steps = [f"{hop.backend} {hop.source}-{hop.target}" for hop in self.hops]
        return ", then ".join([start, *steps] if start else steps)


def firefox_name(locale: str) -> str:
    """The name of a locale's language in the directories of the Firefox models."""
    return _FIREFOX_NAMES.get(locale, base(locale))


def firefox_pairs(settings: EngineSettings) -> set[tuple[str, str]]:
    """Language pairs with a model and a vocabulary below model_dir/firefox."""
    root = settings.model_path("firefox")
    if not settings.model_dir or not root.is_dir():
        return set()
    return {
        (source, target)
        for folder in root.iterdir()
        for source, _, target in [folder.name.partition("-")]
        if target and any(folder.glob("model*.bin")) and any(folder.glob("*vocab*.spm"))
    }


def apertium_pairs() -> set[tuple[str, str]]:
    """The pairs of APERTIUM_PAIRS that the installed apertium offers."""
    if not shutil.which("apertium"):
        return set()
    modes = Path("/usr/share/apertium/modes")
    return {pair for pair in APERTIUM_PAIRS if (modes / f"{pair[0]}-{pair[1]}.mode").exists()}


def same_text(source: str, target: str) -> bool:
    """True when both locales write the same language in the same script, so that text may be copied."""
    return base(source) == base(target) and traditional(source) == traditional(target)


def text_route(settings: EngineSettings, source: str, target: str) -> Route | None:
    """The shortest route that starts from text, at most three models long; None when there is none."""
    if same_text(source, target):
        return Route("copy")
    hops = _search(settings, firefox_name(source), firefox_name(target))
    return Route("text", hops) if hops else None


def speech_route(settings: EngineSettings, source: str, target: str) -> Route | None:
    """The route that starts from Whisper's own translation of the speech into English; None when the rest is missing.

    Not offered from English (there is nothing to translate), from what Whisper does not know, nor when it is not installed.
    """
    if (
        base(source) == "en"
        or whisper_language(source) is None
        or not settings.model_path(f"whisper-{settings.whisper_model}", "model.bin").exists()
    ):
        return None
    if base(target) == "en":
        return Route("speech")
    hops = _search(settings, "en", firefox_name(target))
    return Route("speech", hops) if hops else None


def find_route(settings: EngineSettings, source: str, target: str, *, from_speech: bool) -> Route | None:
    """The route that a job will take: by text when possible, else by speech translation if the source is heard (ASR)."""
    return text_route(settings, source, target) or (speech_route(settings, source, target) if from_speech else None)


def needs_english_pivot(settings: EngineSettings, source: str, target: str) -> bool:
    """True when recognize must also make English text (Whisper task "translate"), because no text route exists."""
    return text_route(settings, source, target) is None and speech_route(settings, source, target) is not None


def _search(settings: EngineSettings, source: str, target: str) -> tuple[Hop, ...]:
    """Breadth-first over the installed pairs; the fewest hops win, Firefox before apertium."""
    edges = [Hop("firefox", a, b) for a, b in sorted(firefox_pairs(settings))]
    edges += [Hop("apertium", a, b) for a, b in sorted(apertium_pairs())]
    paths: list[tuple[Hop, ...]] = [()]
    seen = {source}
    for _ in range(3):
        longer: list[tuple[Hop, ...]] = []
        for path in paths:
            at = path[-1].target if path else source
            for hop in edges:
                if hop.source != at or hop.target in seen:
                    continue
                if hop.target == target:
                    return (*path, hop)
                longer.append((*path, hop))
        seen |= {path[-1].target for path in longer}
        paths = longer
    return ()
