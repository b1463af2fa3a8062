"""Rendering a finished translation again: what changed, what it costs, and what stands in the way, as the pages show it."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.actor import Actor
from apps.accounts.permissions import allows
from apps.core.errors import ApiError
from apps.engine.transcript import Transcript as Document
from apps.jobs import selectors
from apps.jobs.models import Job
from apps.jobs.services.iterations import estimate_iteration
from apps.jobs.states import OPEN

SHOWN = 20


@dataclass(frozen=True)
class Again:
    """`state` is ready, nothing (the result would be the same), poor (credits do not suffice) or open (`other` is under way).

    `spoken` lines are said anew; `silent` ones change only in subtitles. Amounts in milli-credits.
    """

    state: str
    spoken: int = 0
    silent: int = 0
    seconds: float = 0.0
    total: int = 0
    available: int = 0
    other: Job | None = None

    @property
    def lines(self) -> int:
        """Lines that differ from the result that is there."""
        return self.spoken + self.silent


def iterations_of(actor: Actor, job: Job) -> list[Job]:
    """The jobs of the same translation, newest first."""
    if job.translation is None:
        return [job]
    return selectors.jobs_for(actor, translation=job.translation.public_id, limit=SHOWN).items


def again_for(actor: Actor, job: Job, document: Document | None = None) -> Again | None:
    """For the newest finished job of a translation, and for who may order; None elsewhere. `document` is text not saved yet."""
    if job.translation is None or job.status != Job.Status.COMPLETED or not allows(actor, "jobs.submit"):
        return None
    rows = iterations_of(actor, job)
    other = next((row for row in rows if row.status in OPEN), None)
    if other is not None:
        return Again("open", other=other)
    try:
        found = estimate_iteration(actor=actor, translation=job.translation, document=document)
    except ApiError:
        return None  # no plan, no transcript, or an order that its provider no longer takes
    if found.rework.base.pk != job.pk:
        return None
    changes = found.rework.changes
    state = "nothing" if found.rework.nothing else "poor" if found.total > found.available else "ready"
    return Again(
        state=state,
        spoken=len(changes.spoken),
        silent=len(changes.text) + len(changes.removed),
        seconds=changes.spoken_ms / 1000,
        total=found.total,
        available=found.available,
    )
