"""Subtitles as they are shown: broken into rows, and into several captions where a line has more text than may stand at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.core.languages import base_language
from apps.core.options import SubtitleStyle
from apps.engine import sentences
from apps.engine.subtitles import Cue

WIDE = re.compile(r"[ᄀ-ᇿ⺀-꓏가-힣豈-﫿︰-﹏＀-｠￠-￦]")
ROW_LATIN = 42  # characters in a row of a subtitle file, the usual house rule of broadcasters
ROW_WIDE = 20
MIN_SECONDS = 0.7


@dataclass(frozen=True)
class Rows:
    """How much text may stand at once: characters in a row (wide ones count two), rows at once (0: any number)."""

    width: int
    most: int


def rows_for_files(style: SubtitleStyle, language: str) -> Rows:
    """Limits for subtitle files: the order's, else the usual ones. max_chars_per_line counts characters, wide or not."""
    wide = base_language(language) in {"zh", "yue", "ja", "ko"}
    if style.max_chars_per_line:
        return Rows(style.max_chars_per_line * (2 if wide else 1), style.max_lines)
    return Rows(ROW_WIDE * 2 if wide else ROW_LATIN, style.max_lines)


def lay_out(cues: Iterable[Cue], rows: Rows) -> list[Cue]:
    """Every cue broken to `rows`; one with too many rows becomes several, which share its time by their length."""
    return [part for cue in cues for part in _split(cue, rows)]


def wrap(text: str, width: int) -> list[str]:
    """Rows of at most `width` columns and about the same length; a word longer than a row stands alone."""
    words, glue = _units(text)
    if not words:
        return []
    lengths = [columns(word) for word in words]
    gap = len(glue)
    # the classic minimum raggedness: best[i] is the cost of the first i words
    best: list[float] = [0.0] + [math.inf] * len(words)
    cut = [0] * (len(words) + 1)
    for end in range(1, len(words) + 1):
        row = -gap
        for start in range(end - 1, -1, -1):
            row += lengths[start] + gap
            if row > width and end - start > 1:
                break
            # few rows first (100000 each), then even ones; a row that ends in punctuation is welcome
            cost = (
                best[start]
                + 100_000
                + (width - row) ** 2
                - (60 if re.search(r"[,.;:!?，。！？、]$", words[end - 1]) else 0)
            )
            if cost < best[end]:
                best[end], cut[end] = cost, start
    rows: list[str] = []
    end = len(words)
    while end:
        rows.append(glue.join(words[cut[end] : end]))
        end = cut[end]
    return rows[::-1]


def columns(text: str) -> int:
    """Width of a text in columns: wide characters (Chinese, Japanese, Korean) count two."""
    return len(text) + len(WIDE.findall(text))


def _units(text: str) -> tuple[list[str], str]:
    text = " ".join(text.split())
    if " " not in text and len(WIDE.findall(text)) > len(text) / 3:
        # closing punctuation stays with the character before it, never at the start of a row
        return re.findall(r".[，。！？、；：」』）》”’…,.!?;:)]*", text), ""
    return text.split(" ") if text else [], " "


def _split(cue: Cue, rows: Rows) -> list[Cue]:
    blocks = [wrap(part, rows.width) for part in cue.text.split("\n")]
    if len(blocks) > 1 or not rows.most or len(blocks[0]) <= rows.most:
        text = "\n".join(row for block in blocks for row in block)
        return [Cue(cue.start, cue.end, text, cue.speaker)] if text else []
    count = math.ceil(len(blocks[0]) / rows.most)
    parts = [part for part in sentences.cut(cue.text, [1.0] * count) if part]
    if any(
        len(wrap(part, rows.width)) > rows.most for part in parts
    ):  # cut at good places does not always fit the rows
        parts = [_units(cue.text)[1].join(blocks[0][i : i + rows.most]) for i in range(0, len(blocks[0]), rows.most)]
    return _timed(cue, parts, rows)


def _timed(cue: Cue, parts: Sequence[str], rows: Rows) -> list[Cue]:
    total = sum(columns(part) for part in parts) or 1
    length = cue.end - cue.start
    result: list[Cue] = []
    at = cue.start
    for number, part in enumerate(parts):
        end = cue.end if number == len(parts) - 1 else round(at + length * columns(part) / total, 3)
        result.append(Cue(at, end, "\n".join(wrap(part, rows.width)), cue.speaker))
        at = end
    return result
