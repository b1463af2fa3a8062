"""Which status and stage a job may move to: data, and the table that docs/architecture.md shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["processing", "paused", "completed", "failed", "canceled"]

PROCESSING: Final = "processing"
PAUSED: Final = "paused"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
CANCELED: Final = "canceled"
STATUSES: Final[tuple[Status, ...]] = ("processing", "paused", "completed", "failed", "canceled")

QUEUED: Final = "queued"
FETCH: Final = "fetch"
PROBE: Final = "probe"
SEPARATE: Final = "separate"
RECOGNIZE: Final = "recognize"
TRANSLATE: Final = "translate"
REVIEW: Final = "review"
SPEAK: Final = "speak"
LIPSYNC: Final = "lipsync"
RENDER: Final = "render"
PUBLISH: Final = "publish"
DONE: Final = "done"

REVIEW_GATES: Final = (RECOGNIZE, TRANSLATE)
"""Stages after which an order may ask for a pause (`review_after`)."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed change of status; `event` is the type of the Event that tells it."""

    verb: str
    sources: tuple[Status, ...]
    target: Status
    event: str
    function: str
    meaning: str


TRANSITIONS: Final[tuple[Transition, ...]] = (
    Transition("pause", ("processing",), "paused", "job.paused", "review.pause_job", "review gate reached"),
    Transition("resume", ("paused",), "processing", "job.resumed", "review.resume_job", "transcript reviewed"),
    Transition(
        "complete", ("processing",), "completed", "job.completed", "publish.complete", "artefacts stored, charged"
    ),
    Transition(
        "fail", ("processing", "paused"), "failed", "job.failed", "finish.fail_job", "numbered error, hold released"
    ),
    Transition("cancel", ("processing", "paused"), "canceled", "job.canceled", "finish.cancel_job", "asked for"),
    Transition(
        "retry", ("failed", "canceled"), "processing", "job.retried", "retry.retry_job", "new attempt, new hold"
    ),
)
BY_VERB: Final = {transition.verb: transition for transition in TRANSITIONS}
FINAL: Final[tuple[Status, ...]] = ("completed", "failed", "canceled")
"""Nothing works on a job in these, its hold is resolved and it is not counted as concurrent."""
OPEN: Final[tuple[Status, ...]] = ("processing", "paused")


def may(verb: str, status: str) -> bool:
    """True when a job of this status may take that step."""
    return status in BY_VERB[verb].sources


def stages_for(*, voice: bool, review_after: str, given: bool = False, lipsync: bool = False) -> list[str]:
    """The stages that a local translation job goes through, in order; queued first, done last.

    With `given` the text is there already (an iteration): nothing is recognized, translated or reviewed.
    """
    stages = [QUEUED, FETCH, PROBE]
    stages += [SEPARATE] if voice else []
    for stage in () if given else (RECOGNIZE, TRANSLATE):
        stages.append(stage)
        if review_after == stage:
            stages.append(REVIEW)
    stages += [SPEAK] if voice else []
    stages += [LIPSYNC] if lipsync else []
    return [*stages, RENDER, PUBLISH, DONE]


def lipsync_stages() -> list[str]:
    """The stages that a lip-sync job goes through here, in order."""
    return [QUEUED, FETCH, PROBE, LIPSYNC, PUBLISH, DONE]


def draw_table() -> str:
    """The transitions as a Markdown table, rows from, columns to; a cell names the verb."""
    head = ["from \\ to", *STATUSES]
    rows = [[f"**{old}**", *(_cell(old, new) for new in STATUSES)] for old in STATUSES]
    verbs = [[f"`{t.verb}`", f"`{t.event}`", f"`jobs.services.{t.function}`", t.meaning] for t in TRANSITIONS]
    return _table(head, rows) + "\n\n" + _table(["verb", "event", "function", "when"], verbs) + "\n"


def _cell(old: Status, new: Status) -> str:
    return ", ".join(f"`{t.verb}`" for t in TRANSITIONS if old in t.sources and t.target == new) or "–"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
