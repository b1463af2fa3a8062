"""Which lines of an edited transcript must be spoken again: the comparison that price, pages and the console share (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from apps.engine.spoken_text import speakable
from apps.engine.transcript import Line, Transcript

Say = Literal["changed", "all", "nothing"]
SHORTEST_MS = 30
"""Of a spoken character: nobody talks faster. A line counts for this much at least, however short its times were made."""


@dataclass(frozen=True, slots=True)
class Changes:
    """`spoken` are ids of lines to be said anew, in the order of time, and `spoken_ms` their length in the source,
    or what their words need at the very least when that is more.

    `text` are ids of lines whose subtitle differs although nothing is said anew (a comma, markup, a line without words), and
    `removed` ids that are gone. Speakers' labels, notes and recognized words are not compared: no result shows them.
    """

    spoken: tuple[str, ...]
    spoken_ms: int
    text: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def lines(self) -> int:
        """How many lines differ in any way."""
        return len(self.spoken) + len(self.text) + len(self.removed)


def compare(before: Transcript, after: Transcript, *, say: Say = "changed") -> Changes:
    """What changed from the transcript that was rendered to the one that shall be.

    A line is said anew when the words to say, its times, its speaker or its voice changed, or when it is new; with "all" every line
    that has words is, and with "nothing" (subtitles only) none. Times count in whole milliseconds.
    """
    known = {line.id: line for line in before.lines}
    spoken: list[Line] = []
    text: list[str] = []
    for line in sorted(after.lines, key=lambda one: (one.start, one.end, one.id)):
        old = known.pop(line.id, None)
        anew = say == "all" or old is None or _said(old) != _said(line)
        if say != "nothing" and anew and speakable(line.target):
            spoken.append(line)
        elif old is None or (old.target, old.source, *_times(old)) != (line.target, line.source, *_times(line)):
            text.append(line.id)
    length = sum(_length(line) for line in spoken)
    return Changes(tuple(line.id for line in spoken), length, tuple(text), tuple(known))


def _said(line: Line) -> tuple[object, ...]:
    return (*_times(line), speakable(line.target), line.speaker, line.voice or "")


def _length(line: Line) -> int:
    """Milliseconds that a line counts for. It is said into the silence behind it, too: its times alone could be edited to nothing."""
    start, end = _times(line)
    return max(end - start, SHORTEST_MS * len(speakable(line.target)))


def _times(line: Line) -> tuple[int, int]:
    return round(line.start * 1000), round(line.end * 1000)
