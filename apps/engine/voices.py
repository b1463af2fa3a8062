"""Which synthetic voice speaks for whom: tables per language, and a stable choice per speaker."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from apps.core.languages import base_language
from apps.engine.settings import EngineSettings

Backend = Literal["kokoro", "espeak"]


@dataclass(frozen=True)
class VoiceSet:
    """Voices of one language. `spoken` is the backend's own name of the language; voices are best first.

    A Kokoro voice "a+b" is a mix of two style vectors: it gives speakers of one language voices of their own where Kokoro has few.
    `remark` is what the customer should know about it, "" when nothing.
    """

    backend: Backend
    spoken: str
    female: tuple[str, ...]
    male: tuple[str, ...]
    remark: str = ""

    @property
    def model(self) -> str:
        """Name for the report."""
        return "kokoro-v1.0.int8" if self.backend == "kokoro" else "espeak-ng"


_BRAZILIAN = VoiceSet("kokoro", "pt-br", ("pf_dora", "pf_dora+bf_emma"), ("pm_alex", "pm_santa", "pm_alex+am_michael"))
_AMERICAN = VoiceSet("kokoro", "en-us", ("af_heart", "af_bella"), ("am_michael", "am_fenrir"))
_BRITISH = VoiceSet("kokoro", "en-gb", ("bf_emma", "bf_emma+af_heart"), ("bm_george", "bm_george+am_michael"))
_SPANISH = VoiceSet("kokoro", "es", ("ef_dora", "ef_dora+af_bella"), ("em_alex", "em_santa"))
# Kokoro has no French man: English voices mixed with the French woman sound like one (checked with the speaker encoder)
_FRENCH = VoiceSet("kokoro", "fr-fr", ("ff_siwis", "ff_siwis+bf_emma"), ("am_michael+ff_siwis", "bm_george+ff_siwis"))
_ITALIAN = VoiceSet("kokoro", "it", ("if_sara", "if_sara+af_bella"), ("im_nicola", "im_nicola+am_michael"))

_KOKORO: dict[str, VoiceSet] = {
    "pt": _BRAZILIAN,
    "en": _BRITISH,
    "en-US": _AMERICAN,
    "en-CA": _AMERICAN,
    "en-PH": _AMERICAN,
    "es": _SPANISH,
    "fr": _FRENCH,
    "it": _ITALIAN,
}
_REMARKS = {
    "pt-PT": "The voice speaks Portuguese with a Brazilian accent.",
    "fr-CA": "The voice speaks with a European French accent.",
}

# espeak-ng's names where they are not simply the language; None: espeak-ng does not speak it.
_ESPEAK: dict[str, str | None] = {
    "zh": "cmn", "yue": "yue", "en": "en-gb", "en-US": "en-us", "fr": "fr-fr", "pt-BR": "pt-br", "es-MX": "es-419", "es-US": "es-419",
    "fil": None, "gl": None, "jv": None, "ps": None, "zu": None,
}  # fmt: skip
_ROBOTIC = "Spoken by espeak-ng, the last resort: understandable but robotic. A natural voice for this language is not installed."


def voice_set(settings: EngineSettings, locale: str) -> VoiceSet | None:
    """The voices for a target locale: Kokoro where its weights are and the language is good, else espeak-ng, else None."""
    base = base_language(locale)
    found = _KOKORO.get(locale) or _KOKORO.get(base)
    if found and kokoro_model(settings).is_file():
        have = _installed(settings, found.female), _installed(settings, found.male)
        if any(have):
            female, male = have[0] or have[1], have[1] or have[0]
            return VoiceSet("kokoro", found.spoken, female, male, _REMARKS.get(locale, ""))
    spoken = _ESPEAK[locale] if locale in _ESPEAK else _ESPEAK.get(base, base)
    if spoken is None or not espeak_installed():
        return None
    return VoiceSet("espeak", spoken, ("f2", "f3", "f4", "f5"), ("m3", "m1", "m7", "m4"), _ROBOTIC)


def kokoro_model(settings: EngineSettings) -> Path:
    """Where Kokoro's weights are."""
    return (
        Path(settings.kokoro_dir) if settings.kokoro_dir else settings.model_path("kokoro")
    ) / "kokoro-v1.0.int8.onnx"


def kokoro_voice(settings: EngineSettings, name: str) -> Path:
    """Where one Kokoro voice is: float32, 510 x 256."""
    root = Path(settings.voices_dir) if settings.voices_dir else kokoro_model(settings).parent / "voices"
    return root / f"{name}.bin"


def espeak_installed() -> bool:
    """True when the espeak-ng library came with the installation."""
    return importlib.util.find_spec("espeakng_loader") is not None


def _installed(settings: EngineSettings, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if all(kokoro_voice(settings, part).is_file() for part in name.split("+")))


def is_voice(settings: EngineSettings, voices: VoiceSet, name: str) -> bool:
    """True when `name` can speak this language (a reviewer may write any voice on a line)."""
    if voices.backend == "espeak":
        return name in voices.female + voices.male
    return name.replace("_", "").replace("+", "").isalnum() and bool(_installed(settings, (name,)))


def cast(
    voices: VoiceSet, speakers: Iterable[str], kinds: Mapping[str, str], known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Speaker id -> voice, the same for the same speakers and kinds ("female", "male"), whatever their lines say.

    Speakers of unknown kind alternate; when there are more speakers than voices, voices repeat. Who has a `known` voice keeps it, and
    the others take from those that are left.
    """
    chosen = {speaker: voice for speaker, voice in (known or {}).items() if speaker in set(speakers)}
    used = {
        "female": sum(voice in voices.female for voice in chosen.values()),
        "male": sum(voice in voices.male for voice in chosen.values()),
    }
    for number, speaker in enumerate(sorted(set(speakers))):
        if speaker in chosen:
            continue
        kind = kinds.get(speaker) or ("female" if number % 2 else "male")
        names = voices.female if kind == "female" else voices.male
        chosen[speaker] = names[used[kind] % len(names)]
        used[kind] += 1
    return chosen
