"""Fonts for burnt-in text: which family draws which language, and a directory of them for libass."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from apps.core.languages import base_language
from apps.engine.settings import EngineSettings

# family: (package, path of the file below it)
_FILES: dict[str, tuple[str, str]] = {
    "Noto Sans": ("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    "Noto Sans Arabic": ("fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf"),
    "Noto Sans Devanagari": ("fontpkg_noto_sans_devanagari", "files/NotoSansDevanagari[wdth,wght].ttf"),
    "Noto Sans Tamil": ("fontpkg_noto_sans_tamil", "files/NotoSansTamil[wdth,wght].ttf"),
    "Noto Sans Telugu": ("fontpkg_noto_sans_telugu", "files/NotoSansTelugu[wdth,wght].ttf"),
    "Noto Sans Thai": ("fontpkg_noto_sans_thai", "files/NotoSansThai[wdth,wght].ttf"),
    "Noto Sans Hebrew": ("pylopdf_fonts_he", "NotoSansHebrew-Variable.ttf"),
    "Noto Sans CJK TC": ("cvttf_NotoSansCJK_Regular", "NotoSansCJKtc-Regular.otf"),
}
_BY_LANGUAGE = {
    "ar": "Noto Sans Arabic", "fa": "Noto Sans Arabic", "ps": "Noto Sans Arabic", "ur": "Noto Sans Arabic",
    "hi": "Noto Sans Devanagari", "mr": "Noto Sans Devanagari", "ne": "Noto Sans Devanagari",
    "ta": "Noto Sans Tamil", "te": "Noto Sans Telugu", "th": "Noto Sans Thai", "he": "Noto Sans Hebrew",
    "zh": "Noto Sans CJK TC", "yue": "Noto Sans CJK TC", "ja": "Noto Sans CJK TC", "ko": "Noto Sans CJK TC",
}  # fmt: skip
# Scripts for which no font came along: their text would be burnt in as empty boxes.
_NO_FONT = frozenset({"am", "bn", "gu", "hy", "ka", "km", "kn", "lo", "ml", "my", "or", "pa", "si"})


def family_for(language: str) -> str | None:
    """The family that draws a language, None when no bundled font has its letters."""
    base = base_language(language)
    return None if base in _NO_FONT else _BY_LANGUAGE.get(base, "Noto Sans")


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
