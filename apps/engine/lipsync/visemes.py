"""What lips do for each speech sound: IPA symbols to mouth shapes, and the sounds of written words by espeak-ng."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from apps.core.languages import base_language


class Viseme(NamedTuple):
    """One sound as it is seen. `open` 0..1 for a clearly spoken sound, width -1..1, round 0..1; `lips` is how firmly the lips are shut
    or the lower lip touches the teeth (1: p, b, m; 0.6: f, v); `kind` is what it sounds like, for alignment: "vowel", "glide" (voiced,
    loud), "nasal", "hiss" (voiceless, bright), "stop"; `length` is its usual duration in seconds.
    """

    open: float
    width: float
    round: float
    lips: float
    kind: str
    length: float


# Openness and spread of the lips by articulation (jaw height and rounding of the vowel chart), not measured on a person.
_TABLE: dict[str, Viseme] = {}


def _add(symbols: str, *shape: float, kind: str, length: float) -> None:
    for symbol in symbols.split():
        _TABLE[symbol] = Viseme(shape[0], shape[1], shape[2], shape[3] if len(shape) > 3 else 0.0, kind, length)


_add("a æ ɐ ʌ", 1.0, 0.25, 0.0, kind="vowel", length=0.10)
_add("ɑ", 1.0, 0.0, 0.0, kind="vowel", length=0.11)
_add("ɒ ɔ", 0.85, -0.35, 0.5, kind="vowel", length=0.10)
_add("ɛ ɜ œ ɞ", 0.75, 0.3, 0.0, kind="vowel", length=0.09)
_add("e", 0.6, 0.5, 0.0, kind="vowel", length=0.09)
_add("ə ɚ ɝ ɘ ɵ ᵻ", 0.5, 0.05, 0.05, kind="vowel", length=0.06)
_add("i ɪ ɨ", 0.4, 0.8, 0.0, kind="vowel", length=0.08)
_add("o ɤ", 0.6, -0.6, 0.8, kind="vowel", length=0.09)
_add("u ʊ ɯ ʉ", 0.35, -0.85, 1.0, kind="vowel", length=0.08)
_add("y ʏ ø", 0.35, -0.6, 0.9, kind="vowel", length=0.08)
_add("w ɥ ʍ ɰ", 0.25, -0.9, 1.0, 0.1, kind="glide", length=0.06)
_add("j ʝ", 0.35, 0.6, 0.0, kind="glide", length=0.05)
_add("l ɫ ɭ ʎ ɬ ɮ", 0.45, 0.15, 0.0, kind="glide", length=0.06)
_add("r ɾ ɹ ɻ ʁ ʀ ɽ", 0.4, -0.15, 0.25, kind="glide", length=0.05)
_add("p b", 0.0, 0.0, 0.0, 1.0, kind="stop", length=0.08)
_add("m ɱ", 0.0, 0.0, 0.0, 1.0, kind="nasal", length=0.07)
_add("f v ɸ β ⱱ ʋ", 0.15, 0.15, 0.0, 0.6, kind="hiss", length=0.08)
_add("t d ʈ ɖ", 0.3, 0.2, 0.0, kind="stop", length=0.06)
_add("n ɳ ɲ", 0.3, 0.2, 0.0, kind="nasal", length=0.06)
_add("k ɡ g q ɢ c ɟ ʔ", 0.4, 0.0, 0.0, kind="stop", length=0.06)
_add("ŋ ɴ", 0.4, 0.0, 0.0, kind="nasal", length=0.06)
_add("s z", 0.2, 0.45, 0.0, kind="hiss", length=0.09)
_add("ʃ ʒ ʂ ʐ ɕ ʑ", 0.25, -0.5, 0.6, kind="hiss", length=0.09)
_add("θ ð", 0.3, 0.2, 0.0, kind="hiss", length=0.07)
_add("x χ ç ɣ h ɦ ħ ʕ ɧ", 0.45, 0.1, 0.0, kind="hiss", length=0.06)

SILENT = Viseme(0.0, 0.0, 0.0, 0.0, "rest", 0.05)
_SWITCH = re.compile(r"\([a-z-]+\)")  # espeak-ng notes a change of language inside a text like this
_LONG = "ː"
_PHONEMES_IPA = 0x02
_UTF8 = 1
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_OWN_NAMES = {"zh": "cmn", "en": "en-gb", "en-US": "en-us", "pt-BR": "pt-br", "fr": "fr-fr"}


def visemes_of(ipa: str) -> list[Viseme]:
    """The sounds of an IPA string in their order, SILENT between words (where speakers may pause or not). Stress, tones and unknown signs
    are passed over; a length mark lengthens by half.
    """
    found: list[Viseme] = []
    for sign in unicodedata.normalize("NFD", _SWITCH.sub("", ipa)):
        if sign == _LONG and found:
            found[-1] = found[-1]._replace(length=found[-1].length * 1.5)
        elif sign in _TABLE:
            found.append(_TABLE[sign])
        elif sign.isspace() and found and found[-1] is not SILENT:
            found.append(SILENT)
    while found and found[-1] is SILENT:
        found.pop()
    return found


class _Speller:
    """espeak-ng's text to IPA, in this process (no sound is made). `ready` is False where the library is not installed."""

    def __init__(self) -> None:
        self.ready = False
        try:
            import espeakng_loader

            self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path().encode()
        except (ImportError, OSError):
            return
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._lib.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        self.ready = int(self._lib.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)) > 0

    def choose(self, language: str) -> bool:
        """Takes the voice of a language; False when there is none."""
        names = (
            _OWN_NAMES.get(language),
            language.lower(),
            _OWN_NAMES.get(base_language(language)),
            base_language(language),
        )
        return any(name and self._lib.espeak_SetVoiceByName(name.encode()) == 0 for name in names)

    def spell(self, text: str) -> str:
        """IPA of one text."""
        pointer = ctypes.c_char_p(text.encode())
        parts = []
        while pointer.value:
            parts.append(self._lib.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, _PHONEMES_IPA) or b"")
        return b" ".join(parts).decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _speller() -> _Speller:
    return _Speller()


def spoken_as(words: list[str], language: str) -> list[list[Viseme]]:
    """The sounds of each word (or phrase), in a list of the same length; all empty where the language cannot be spelled out."""
    speller = _speller()
    if not language or not speller.ready or not speller.choose(language):
        return [[] for _ in words]
    return [visemes_of(speller.spell(word)) for word in words]
