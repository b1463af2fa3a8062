"""Words into lines: whole sentences, cut where people pause, and never too long to read or to say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apps.engine.asr import Segment
from apps.engine.transcript import Line, Word

SENTENCE_END = re.compile(r"[.!?。！？؟…।॥։።]+[\"'”’»)\]」』】]*$")
CLAUSE_END = re.compile(r"[,;:，；：、،؛—–]+[\"'”’»)\]」』】]*$")
ABBREVIATION = re.compile(
    r"^[\"'“‘«(\[]*(?:(?:mr|mrs|ms|dr|prof|sr|sra|jr|st|vs|etc|no|fig|inc|ltd|co|mt|gen|col|sgt|capt|rev|hon)|\w|(?:\w\.)+\w)\.$",
    re.IGNORECASE,
)
PAUSE_SECONDS = 1.0
"""A longer silence ends a line (shorter ones are breath inside a sentence: cutting there broke the translation)."""

MAX_SECONDS = 15.0
MAX_CHARS = 240


def lines_of(segments: Sequence[Segment], by_sentence: bool) -> list[Line]:
    """Lines of recognized words; with by_sentence False the recognizer's own segments are kept as they are."""
    if not by_sentence:
        groups = [segment.words for segment in segments]
    else:
        words = [word for segment in segments for word in segment.words]
        groups = [part for group in sentences(words) for part in shorten(group)]
    lines = [Line(id="", start=g[0].start, end=g[-1].end, source=text_of(g), words=list(g)) for g in groups if g]
    lines = [line for line in lines if any(c.isalnum() for c in line.source)]
    return finish(lines)


def sentences(words: Sequence[Word]) -> list[list[Word]]:
    """Groups of words that end at sentence punctuation or at a pause longer than PAUSE_SECONDS."""
    groups: list[list[Word]] = []
    current: list[Word] = []
    for index, word in enumerate(words):
        current.append(word)
        following = words[index + 1] if index + 1 < len(words) else None
        if following is None or following.start - word.end > PAUSE_SECONDS or _ends_sentence(word, following):
            groups.append(current)
            current = []
    return groups


def shorten(words: list[Word]) -> list[list[Word]]:
    """Splits a group that is too long for a line, again and again, at the best clause end or pause near its middle."""
    done: list[list[Word]] = []
    waiting = [words]
    while waiting:
        group = waiting.pop()
        if len(group) < 2 or (group[-1].end - group[0].start <= MAX_SECONDS and len(text_of(group)) <= MAX_CHARS):
            done.append(group)
        else:
            cut = _best_cut(group)
            waiting += [group[cut:], group[:cut]]
    return done


def _best_cut(words: list[Word]) -> int:
    middle = (words[0].start + words[-1].end) / 2
    length = max(0.1, words[-1].end - words[0].start)

    def worth(cut: int) -> float:
        before, after = words[cut - 1], words[cut]
        bonus = 1.0 if CLAUSE_END.search(before.text.strip()) else 0.0
        return bonus + min(1.0, after.start - before.end) - 3.0 * abs(after.start - middle) / length

    return max(range(1, len(words)), key=worth)


def text_of(words: Sequence[Word]) -> str:
    """The words as written (Whisper's words carry their own leading spaces)."""
    return re.sub(r"\s+", " ", "".join(word.text for word in words)).strip()


def finish(lines: list[Line]) -> list[Line]:
    """Gives lines their ids and strips the words; a comma left at a cut before a capital becomes a full stop."""
    from msgspec.structs import replace

    for index, line in enumerate(lines):
        following = lines[index + 1].source if index + 1 < len(lines) else ""
        if line.words and following[:1].isupper() and re.search(r"\w,$", line.source):
            line.source = line.source[:-1] + "."
        line.words = [replace(word, text=word.text.strip()) for word in line.words]
    return number(lines)


def number(lines: list[Line]) -> list[Line]:
    """Ids by order ("l0001"): the same recognition always gives the same ids."""
    for index, line in enumerate(lines, 1):
        line.id = f"l{index:04d}"
    return lines


def _ends_sentence(word: Word, following: Word) -> bool:
    text = word.text.strip()
    if not SENTENCE_END.search(text):
        return False
    if text.endswith("."):
        if ABBREVIATION.match(text) and following.start - word.end < 0.6:
            return False
        if re.search(r"\d\.$", text) and re.match(r"\s*\d", following.text):
            return False
    return not (text.endswith(("...", "…")) and following.text.strip()[:1].islower())
