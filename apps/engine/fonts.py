"""Fonts for burnt-in text: which family draws which language, and a directory of them for libass."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from apps.core.languages import base_language
from apps.engine.settings import EngineSettings

LATIN = "Noto Sans"
CJK = "Noto Sans CJK TC Regular"  # so it is called in its own name table, which is what libass looks up
# family: (package, path of the file below it)
_FILES: dict[str, tuple[str, str]] = {
    "Noto Sans": ("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    "Noto Sans Arabic": ("fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf"),
    "Noto Sans Devanagari": ("fontpkg_noto_sans_devanagari", "files/NotoSansDevanagari[wdth,wght].ttf"),
    "Noto Sans Tamil": ("fontpkg_noto_sans_tamil", "files/NotoSansTamil[wdth,wght].ttf"),
    "Noto Sans Telugu": ("fontpkg_noto_sans_telugu", "files/NotoSansTelugu[wdth,wght].ttf"),
    "Noto Sans Thai": ("fontpkg_noto_sans_thai", "files/NotoSansThai[wdth,wght].ttf"),
    "Noto Sans Hebrew": ("pylopdf_fonts_he", "NotoSansHebrew-Variable.ttf"),
    CJK: ("cvttf_NotoSansCJK_Regular", "NotoSansCJKtc-Regular.otf"),
}
_BY_LANGUAGE = {
    "ar": "Noto Sans Arabic", "fa": "Noto Sans Arabic", "ps": "Noto Sans Arabic", "ur": "Noto Sans Arabic",
    "hi": "Noto Sans Devanagari", "mr": "Noto Sans Devanagari", "ne": "Noto Sans Devanagari",
    "ta": "Noto Sans Tamil", "te": "Noto Sans Telugu", "th": "Noto Sans Thai", "he": "Noto Sans Hebrew",
    "zh": CJK, "yue": CJK, "ja": CJK, "ko": CJK,
}  # fmt: skip
# libass sizes a font by its line (usWinAscent + usWinDescent), everybody else by its em square: line / em of each file
LINE_TO_EM = {
    LATIN: 1.519, "Noto Sans Arabic": 2.169, "Noto Sans Devanagari": 1.906, "Noto Sans Tamil": 1.24, "Noto Sans Telugu": 1.478,
    "Noto Sans Thai": 1.511, "Noto Sans Hebrew": 1.36, CJK: 1.48,
}  # fmt: skip
_SCRIPTS = (  # characters that belong to one family; all others (spaces, punctuation) stay in the font they stand in
    (re.compile(r"[A-Za-z0-9\u00c0-\u052f\u1e00-\u1fff]"), LATIN),
    (re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]"), "Noto Sans Arabic"),
    (re.compile(r"[\u0590-\u05ff]"), "Noto Sans Hebrew"),
    (re.compile(r"[\u0900-\u097f]"), "Noto Sans Devanagari"),
    (re.compile(r"[\u0b80-\u0bff]"), "Noto Sans Tamil"),
    (re.compile(r"[\u0c00-\u0c7f]"), "Noto Sans Telugu"),
    (re.compile(r"[\u0e00-\u0e7f]"), "Noto Sans Thai"),
    (re.compile(r"[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef]"), CJK),
)
# Scripts for which no font came along: their text would be burnt in as empty boxes.
_NO_FONT = frozenset({"am", "bn", "gu", "hy", "ka", "km", "kn", "lo", "ml", "my", "or", "pa", "si"})


def family_for(language: str) -> str | None:
    """The family that draws a language, None when no bundled font has its letters."""
    base = base_language(language)
    return None if base in _NO_FONT else _BY_LANGUAGE.get(base, "Noto Sans")


def runs(text: str, family: str) -> list[tuple[str, str]]:
    """Text cut into (piece, family): libass does not look for a missing letter in our other fonts by itself.

    Latin letters stay in a Chinese, Japanese or Korean font, which has them.
    """
    result: list[tuple[str, str]] = []
    current = family
    for character in text:
        for pattern, owner in _SCRIPTS:
            if pattern.match(character):
                current = family if owner == LATIN and family == CJK else owner
                break
        if result and result[-1][1] == current:
            result[-1] = (result[-1][0] + character, current)
        else:
            result.append((character, current))
    return result


def can_burn(settings: EngineSettings, language: str) -> bool:
    """True when text of this language can be burnt in."""
    family = family_for(language)
    return family is not None and (bool(settings.fonts_dir) or _file(family) is not None)


def link_fonts(settings: EngineSettings, folder: Path) -> Path:
    """Fill `folder` with links to every font (the bundled ones and those of settings.fonts_dir) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [path for family in _FILES if (path := _file(family))]
    if settings.fonts_dir:
        files += [
            path
            for path in sorted(Path(settings.fonts_dir).iterdir())
            if path.suffix.lower() in (".ttf", ".otf", ".ttc")
        ]
    for number, path in enumerate(files):
        (folder / f"{number}{path.suffix}").symlink_to(path.resolve())
    return folder


def _file(family: str) -> Path | None:
    package, name = _FILES[family]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations)), name)
    return path if path.is_file() else None
