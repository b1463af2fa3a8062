"""ASS with the order's style: what is burnt in, and what the .ass download holds. One unit is 1/720 of the picture's height."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.languages import base_language
from apps.core.options import SubtitleStyle
from apps.engine.captions import Rows
from apps.engine.fonts import LATIN, LINE_TO_EM, family_for, runs
from apps.engine.subtitles import Cue

HEIGHT = 720
DEFAULT_SIZE = 36
_STYLE_FIELDS = (
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding"
)
_COLUMN_TO_EM = 0.52  # width of an average Latin letter, and of half a Chinese one


def font_size(style: SubtitleStyle, width: int, height: int) -> int:
    """Font size (em) in units: the order's, else 36, smaller on portrait pictures so that a row holds a few words."""
    if style.font_size is not None:
        return style.font_size
    return max(16, round(DEFAULT_SIZE * min(1.0, 1.25 * width / height))) if height > width else DEFAULT_SIZE


def rows_for_picture(style: SubtitleStyle, language: str, width: int, height: int) -> Rows:
    """How much text fits into a row between the margins, at most the order's max_chars_per_line."""
    units = HEIGHT * width / height * max(0.1, 1 - style.margin_l - style.margin_r)
    fits = max(4, int(units / (font_size(style, width, height) * _COLUMN_TO_EM)))
    if style.max_chars_per_line:
        wide = base_language(language) in {"zh", "yue", "ja", "ko"}
        fits = min(fits, style.max_chars_per_line * (2 if wide else 1))
    return Rows(fits, style.max_lines)


def document(cues: Sequence[Cue], style: SubtitleStyle, language: str, width: int, height: int, title: str = "") -> str:
    """A whole ASS file for a picture of width x height shown pixels; cues are already laid out in rows."""
    across = round(HEIGHT * width / height)
    family, size = family_for(language) or LATIN, font_size(style, width, height)
    look = [
        "Default", family, round(size * LINE_TO_EM[family]),
        colour(style.primary_color), colour(style.primary_color), colour(style.outline_color), "&H80000000",
        0, 0, 0, 0, 100, 100, 0, 0, 1, f"{style.outline:g}", 0, 2,
        round(style.margin_l * across), round(style.margin_r * across), round(style.margin_v * HEIGHT), -1,
    ]  # fmt: skip
    events = (
        f"Dialogue: 0,{ass_time(cue.start)},{ass_time(cue.end)},Default,{_name(cue.speaker)},0,0,0,,{_text(cue.text, family, size)}"
        for cue in cues
    )
    lines = [
        "[Script Info]", f"Title: {' '.join(title.split())}", "ScriptType: v4.00+", "WrapStyle: 0", "ScaledBorderAndShadow: yes",
        f"PlayResX: {across}", f"PlayResY: {HEIGHT}", f"LayoutResX: {across}", f"LayoutResY: {HEIGHT}", f"Language: {language}", "",
        "[V4+ Styles]", _STYLE_FIELDS, "Style: " + ",".join(str(part) for part in look), "",
        "[Events]", "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text", *events, "",
    ]  # fmt: skip
    return "\n".join(lines)


def colour(value: str) -> str:
    """ASS colour of RRGGBB or RRGGBBAA, with or without "#" (AA: FF is opaque; ASS counts the other way round)."""
    digits = value.lstrip("#").upper()
    red, green, blue, alpha = digits[0:2], digits[2:4], digits[4:6], digits[6:8] or "FF"
    return f"&H{255 - int(alpha, 16):02X}{blue}{green}{red}"


def ass_time(seconds: float) -> str:
    """H:MM:SS.hh."""
    hundredths = max(0, round(seconds * 100))
    return f"{hundredths // 360_000}:{hundredths // 6000 % 60:02}:{hundredths // 100 % 60:02}.{hundredths % 100:02}"


def _name(speaker: str) -> str:
    return " ".join(speaker.replace(",", " ").split())


def _text(text: str, family: str, size: int) -> str:
    """Text that can hold no override of its own (braces would start one), with the font changed where the script changes."""
    out = []
    for piece, used in runs(text.replace("\\", "/").replace("{", "(").replace("}", ")"), family):
        piece = piece.replace("\n", r"\N")
        out.append(piece if used == family else f"{{\\fn{used}\\fs{round(size * LINE_TO_EM[used])}}}{piece}{{\\r}}")
    return "".join(out)
