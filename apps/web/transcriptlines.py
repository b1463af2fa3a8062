"""Rows of the transcript page: a line with its speaker, and how its text fits its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from apps.engine.transcript import Line, Transcript

_DOTS: Final = ("accent", "warn", "ok", "bad", "")
# Characters a second that a viewer can read; above it a subtitle is too fast (the usual limits of subtitling guides).
FAST: Final = 20.0
FAST_WIDE: Final = 9.0


@dataclass(frozen=True)
class Row:
    """One line. cps is characters a second of the target; share is cps beside the limit, 1 is just readable."""

    line: Line
    speaker: str
    dot: str
    cps: float
    share: float
    width: str
    over: bool


def lines_of(document: Transcript) -> list[Row]:
    """Rows in the order of time."""
    place = {speaker.id: index for index, speaker in enumerate(document.speakers)}
    wide = document.target_locale.split("-")[0] in ("zh", "ja", "ko", "yue")
    limit = FAST_WIDE if wide else FAST
    rows = []
    for line in document.lines:
        seconds = max(line.end - line.start, 0.1)
        cps = len(line.target or line.source) / seconds
        share = cps / limit
        label = document.speaker_label(line.speaker)
        rows.append(
            Row(
                line=line,
                speaker=label,
                dot=_DOTS[place.get(line.speaker, 0) % len(_DOTS)],
                cps=cps,
                share=share,
                width=f"{min(share, 1) * 100:.0f}%",
                over=share > 1,
            )
        )
    return rows
