"""Fitting speech to time: how much room a line has, how fast it must be said, and where it may start (pure arithmetic).

Room: a line may run on into the silence after it, up to the next line of anybody it does not already overlap in the source,
and never into the next line of its own speaker. It starts where the source line starts; when that is not enough it may begin
up to 0.25 s earlier in silence. What still is too long is cut, and said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from apps.engine.transcript import Line

MAX_LEAD = 0.25  # seconds a line may start early; with the trimmed onset this stays inside 0.3 s
GAP = 0.06  # silence kept before the next line
MAX_TEMPO = 1.6
COMFORT = 1.12  # how far a line may exceed its own slot before it is said faster although there is room behind it
GENTLE = 1.15  # and how much faster it is then said for the sake of the picture alone
MIN_SLOT = 0.2


@dataclass(frozen=True)
class Slot:
    """Times in seconds: the source line's start and length, `room` from the start to where the line must be over,
    and `lead`, how much earlier it may begin.
    """

    start: float
    length: float
    room: float
    lead: float


class Fit(msgspec.Struct, frozen=True):
    """How one line was fitted, for the report: seconds and factors. `cut` is what was lost at the end (0 almost always)."""

    id: str
    start: float
    end: float
    slot: float
    room: float
    natural: float
    speed: float
    tempo: float
    cut: float
    voice: str
    remark: str = ""


def slots(lines: Sequence[Line], duration: float) -> list[Slot]:
    """The slot of each line, in the order given; `lines` are sorted by start, `duration` is the media's length."""
    leads = [_lead(lines, index) for index in range(len(lines))]
    result: list[Slot] = []
    for index, line in enumerate(lines):
        end = max(line.end, line.start + MIN_SLOT)
        limit = max(duration, end)
        for later in range(index + 1, len(lines)):
            other = lines[later]
            if other.start > line.start and (other.speaker == line.speaker or other.start >= end - GAP):
                limit = min(limit, other.start - leads[later] - GAP)
                break
        length = min(end, max(limit, line.start + MIN_SLOT)) - line.start
        result.append(Slot(line.start, round(length, 3), round(max(limit - line.start, MIN_SLOT), 3), leads[index]))
    return result


def _lead(lines: Sequence[Line], index: int) -> float:
    """A third of the silence before a line is its own, the rest belongs to the line before."""
    before = max((line.end for line in lines[:index]), default=0.0)
    return round(min(MAX_LEAD, 0.3 * max(0.0, lines[index].start - before)), 3)


def speed_for(natural: float, slot: Slot, slowest: float, fastest: float) -> float:
    """The speed to synthesize with, for speech of `natural` seconds at speed 1, in steps of 0.01.

    As natural as possible: unhurried inside the slot, a little faster when longer than it, and as fast as needed for the room.
    """
    wanted = natural / slot.length
    if wanted > 1:
        wanted = max(1.0, min(wanted / COMFORT, GENTLE), natural / slot.room)
    return round(min(max(wanted, slowest), fastest), 2)


def tempo_for(seconds: float, slot: Slot) -> tuple[float, float]:
    """(tempo, lead) for speech of `seconds`: first it starts early where it may, then it is sped up without changing its pitch."""
    lead = min(slot.lead, max(0.0, seconds - slot.room))
    tempo = min(MAX_TEMPO, max(1.0, seconds / (slot.room + lead)))
    return (1.0 if tempo < 1.005 else round(tempo, 3)), round(lead, 3)
