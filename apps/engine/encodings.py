"""Text of unknown encoding, as subtitle files come: marks first, then UTF-8, then the legacy encoding that fits best."""

from __future__ import annotations

import codecs
import unicodedata

from apps.core.languages import base_language, traditional

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BY_LANGUAGE = {
    "zh": "gb18030", "yue": "big5hkscs", "ja": "cp932", "ko": "cp949", "ru": "cp1251", "uk": "cp1251", "bg": "cp1251",
    "mk": "cp1251", "sr": "cp1250", "el": "cp1253", "tr": "cp1254", "az": "cp1254", "he": "cp1255", "ar": "cp1256",
    "fa": "cp1256", "ur": "cp1256", "lt": "cp1257", "lv": "cp1257", "et": "cp1257", "vi": "cp1258", "th": "cp874",
    "pl": "cp1250", "cs": "cp1250", "sk": "cp1250", "hu": "cp1250", "hr": "cp1250", "sl": "cp1250", "ro": "cp1250",
    "bs": "cp1250",
}  # fmt: skip
_GUESSES = ("gb18030", "cp932", "big5hkscs", "cp949", "cp1251", "cp1252")

MAX_UNDECODABLE = 0.05
MIN_PLAUSIBLE = 0.3
SHORT_BYTES = 12
SAMPLE_BYTES = 20_000


def decode_text(data: bytes, language: str = "auto") -> str:
    """Always gives text; what cannot be decoded becomes U+FFFD. language (a locale) says which legacy code page is likely."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").lstrip("\ufeff")
    if data[1:2] == b"\0" and data[:1] != b"\0":
        return data.decode("utf-16-le", "replace")
    if data[:1] == b"\0" and data[1:2] != b"\0":
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    likely = _likely(language)
    if likely:
        text = data.decode(likely, "replace")
        if text.count("\ufffd") <= MAX_UNDECODABLE * len(text) and _plausible(text[:SAMPLE_BYTES]) >= MIN_PLAUSIBLE:
            return text
    # A few bytes fit Chinese and Korean alike; Chinese files are the more frequent.
    sample = data[:SAMPLE_BYTES]
    handicap = {"cp949": 0.1} if sum(byte > 127 for byte in sample) < SHORT_BYTES else {}
    texts = [(encoding, sample.decode(encoding, "replace")) for encoding in _GUESSES]
    best = max(texts, key=lambda item: _plausible(item[1]) - handicap.get(item[0], 0.0))[0]
    return data.decode(best, "replace")


def _likely(language: str) -> str:
    if language in ("", "auto"):
        return ""
    if traditional(language):
        return "big5hkscs"
    return _BY_LANGUAGE.get(base_language(language), "cp1252")


def _plausible(text: str) -> float:
    """1 for text of letters that people write, less for undefined, private and rare characters and odd mixtures."""
    letters = [c for c in text if ord(c) > 127]
    if not letters:
        return 1.0
    neighbours = zip([" ", *text], text, [*text[1:], " "], strict=False)
    score = sum(_weight(char, before, after) for before, char, after in neighbours if ord(char) > 127)
    return score / len(letters)


def _weight(char: str, before: str, after: str) -> float:
    code = ord(char)
    if char == "\ufffd" or unicodedata.category(char) in {"Co", "Cn", "Cc"}:
        return -2.0
    if 0x4E00 <= code <= 0x9FFF:
        # The 3755 most used characters are the first level of GB 2312: wrong guesses mostly fall outside it.
        try:
            common = b"\xb0\xa1" <= char.encode("gb2312") <= b"\xd7\xf9"
        except UnicodeEncodeError:
            common = False
        return 1.0 if common else 0.45
    if 0x3040 <= code <= 0x309F:  # no other encoding turns into hiragana by chance
        return 1.1
    if 0x30A0 <= code <= 0x30FF:
        return 1.0
    if 0xAC00 <= code <= 0xD7A3:
        return _hangul_weight(char, before, after)
    if 0xFF61 <= code <= 0xFF9F:  # half-width katakana: what other double-byte text looks like in cp932
        return -0.5
    latin_beside = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
    if 0x0400 <= code <= 0x04FF:  # Cyrillic inside Latin words or with capitals inside words: Western text misread
        return -0.5 if latin_beside or (char.isupper() and before.islower()) else 0.9
    if char.isalpha() and code >= 0x370:
        return 0.6
    if char.isalpha():
        return 0.6 if latin_beside or before.isascii() else 0.2
    return 0.3


def _hangul_weight(char: str, before: str, after: str) -> float:
    if "\u4e00" <= before <= "\u9fff" or "\u4e00" <= after <= "\u9fff":
        return -0.3  # Hangul and ideographs in one word: Chinese read as Korean
    if len(char.encode("euc-kr", "replace")) != 2:
        return 0.2  # a syllable that Korean hardly uses: Japanese read as Korean
    return 1.05
