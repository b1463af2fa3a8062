"""The review gate: a job pauses after `recognize` or `translate`, and goes on with the newest transcript revision."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors
from apps.engine.transcript import Transcript as Document
from apps.events import queue
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services import finish, slots
from apps.projects.models import Transcript
from apps.projects.selectors import transcript_for
from apps.projects.services import save_revision

REVIEW_DAYS: Final = 14
"""How long a job waits for its reviewer; then it fails with 10903 and its hold is released."""


def pause_job(job: Job, *, owner: str, stage: str, document: Document) -> bool:
    """The gate after `stage`: the transcript becomes a revision, lease and slot are given back. False when not ours."""
    assert job.translation is not None
    origin = Transcript.Origin.RECOGNIZED if stage == states.RECOGNIZE else Transcript.Origin.TRANSLATED
    with transaction.atomic():
        job = finish.lock(job)
        deadline = clock.now() + timedelta(days=REVIEW_DAYS)
        if not finish.move_status(job, "pause", owner=owner, stage=states.REVIEW, deadline_at=deadline, tries=0):
            return False
        assert job.translation is not None
        revision = save_revision(actor=None, translation=job.translation, document=document, origin=origin)
        finish.tell(job, "pause", None, {"after": stage, "revision": revision.revision, "lines": revision.line_count})
    return True


def resume_job(*, actor: Actor, job: Job) -> Job:
    """Goes on from the gate with the newest revision of the transcript.

    Raises ApiError 409 unless the job is paused, and 1304 while all slots are taken: a paused job holds none.
    """
    require(actor, "jobs.resume")
    with transaction.atomic():
        job = finish.lock(job)
        if not states.may("resume", job.status) or job.translation is None:
            raise errors.conflict(f"The job is not waiting for review; it is {job.status}.")
        slots.take(job)
        newest = transcript_for(job.translation)
        deadline = clock.now() + timedelta(seconds=settings.JOB_DEADLINE_SECONDS)
        passed = str(job.order.get("review_after") or states.TRANSLATE)
        moved = finish.move_status(
            job,
            "resume",
            stage=states.QUEUED,
            reviewed_stage=passed,
            reviewed_revision=newest.revision,
            deadline_at=deadline,
            next_run_at=clock.now() + timedelta(seconds=15),
        )
        assert moved, "the row is locked and was paused"
        finish.tell(job, "resume", actor, {"revision": newest.revision})
        queue.enqueue("advance", job.public_id)
    return job
