"""Whole sentences for the translator: lines that continue one another are joined, and the translation is cut to fit them again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from apps.engine.transcript import Line

MAX_LINES = 4
MAX_CHARACTERS = 400
MAX_GAP = 2.5  # seconds of silence that still may be inside one sentence: speakers pause for effect
_ENDS = re.compile(r"[.!?…。！？؟۔।॥:;]['\"”’»)\]]*\s*$")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")


def groups(lines: Sequence[Line], texts: Sequence[str]) -> Iterator[list[int]]:
    """Indexes of lines that make one sentence: same speaker, close in time, no end of sentence between them."""
    current: list[int] = []
    for index, line in enumerate(lines):
        if current:
            last = lines[current[-1]]
            joined = sum(len(texts[i]) for i in current) + len(texts[index])
            if (
                _ENDS.search(texts[current[-1]])
                or last.speaker != line.speaker
                or line.start - last.end > MAX_GAP
                or line.start < last.start
                or len(current) >= MAX_LINES
                or joined > MAX_CHARACTERS
            ):
                yield current
                current = []
        current.append(index)
    if current:
        yield current


def join(texts: Iterable[str]) -> str:
    """Texts of one sentence as one line: single spaces, none between characters of scripts without spaces."""
    out = ""
    for text in texts:
        text = " ".join(text.split())
        glue = "" if not out or (_SPACELESS.match(out[-1]) and _SPACELESS.match(text[:1])) else " "
        out += glue + text
    return out


def cut(text: str, weights: Sequence[float]) -> list[str]:
    """Cut a translation into len(weights) parts of about these shares, best at punctuation, else between words.

    Joining the parts gives the same words in the same order; parts may be empty only when there are fewer words than parts.
    """
    units = list(text) if _SPACELESS.search(text) and " " not in text.strip() else text.split()
    glue = "" if len(units) == len(text) and len(text) > 1 and " " not in text else " "
    total = sum(weights) or 1.0
    lengths = [len(unit) + len(glue) for unit in units]
    parts: list[str] = []
    at, target = 0, 0.0
    for number, weight in enumerate(weights[:-1]):
        target += weight / total * sum(lengths)
        left = len(weights) - number - 1
        end = _best_cut(units, lengths, at, target, left)
        parts.append(glue.join(units[at:end]))
        at = end
    return [*parts, glue.join(units[at:])]


def _best_cut(units: Sequence[str], lengths: Sequence[int], at: int, target: float, parts_left: int) -> int:
    best, best_cost = at, float("inf")
    reached = sum(lengths[:at])
    for end in range(at + 1, max(at + 1, len(units) - parts_left) + 1):
        if end > len(units):
            break
        reached += lengths[end - 1]
        cost = abs(reached - target) - (12 if re.search(r"[,;:—–，、；]$", units[end - 1]) else 0)
        if cost < best_cost:
            best, best_cost = end, cost
    return best
