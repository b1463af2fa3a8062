"""The language of text and of Whisper's codes, as a locale of the languages table."""

from __future__ import annotations

import re

from apps.core.languages import UnknownLanguage, match_source

# Characters that only one of the two Chinese scripts uses, from the most frequent words.
_SIMPLIFIED = frozenset(
    "这个们来说时会对学过后么发还没开关见长问间门车东书马鸟鱼龙习飞机电话语请谁谢让认识爱国为里样现点种从头实体无"
)
_TRADITIONAL = frozenset(
    "這個們來說時會對學過後麼發還沒開關見長問間門車東書馬鳥魚龍習飛機電話語請誰謝讓認識愛國為裡樣現點種從頭實體無"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
SURE_LETTERS = 80
_FROM_WHISPER = {"no": "nb", "tl": "fil", "jw": "jv"}


def locale_of(code: str, text: str = "") -> str:
    """The source locale for a language code of Whisper or py3langid; "" when the table has none.

    Chinese becomes zh-CN or zh-TW by the characters of the text.
    """
    if code in ("zh", "yue") and text:
        return chinese_locale(text)
    try:
        return match_source(_FROM_WHISPER.get(code, code))
    except UnknownLanguage:
        return ""


def chinese_locale(text: str) -> str:
    """zh-TW when the text is written in traditional characters, else zh-CN."""
    simplified = sum(c in _SIMPLIFIED and c not in _TRADITIONAL for c in text)
    traditional = sum(c in _TRADITIONAL and c not in _SIMPLIFIED for c in text)
    return "zh-TW" if traditional > simplified else "zh-CN"


def detect(text: str) -> str:
    """The likeliest source locale of some text; "" when there are no letters, or plainly none of the table's languages.

    A few words may look like any language: below SURE_LETTERS what is not in the table is taken for English.
    """
    letters = sum(c.isalpha() for c in text)
    if not letters:
        return ""
    kana, hangul, han = (len(pattern.findall(text)) for pattern in (_KANA, _HANGUL, _HAN))
    if kana > 0.1 * letters:
        return locale_of("ja")
    if hangul > 0.3 * letters:
        return locale_of("ko")
    if han > 0.3 * letters:
        return chinese_locale(text)
    import py3langid

    code, _ = py3langid.classify(text)
    return locale_of(str(code), text) or ("" if letters >= SURE_LETTERS else "en-US")
