"""The ends of a job other than success, and what all ends share: slot given back, hold resolved, Event told."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors
from apps.core.errors import JobError
from apps.events import log
from apps.jobs import states
from apps.jobs.models import Job
from apps.plans.services import release_hold

logger = logging.getLogger(__name__)


def move_status(job: Job, verb: str, *, owner: str | None = None, **changes: Any) -> bool:
    """Takes one step of states.TRANSITIONS by a conditional update; False when the job was not where it starts.

    With `owner` only while that worker holds the lease. Call it inside a transaction with all that belongs to the step.
    """
    step = states.BY_VERB[verb]
    rows = Job.objects.filter(pk=job.pk, status__in=step.sources)
    if owner is not None:
        rows = rows.filter(lease_owner=owner)
    values: dict[str, Any] = {"status": step.target, "lease_owner": "", "lease_until": None, "next_run_at": None}
    if step.target in states.FINAL:
        values |= {"finished_at": clock.now(), "next_poll_at": None, "close_at": _close_at(job, step.target)}
    if not rows.update(**(values | changes)):
        return False
    was = job.status
    job.refresh_from_db()
    job.status = step.target
    # A paused job holds no slot (docs/decisions/review-gate.md): only who leaves or enters `processing` moves the counter.
    if was == states.PROCESSING and step.target != states.PROCESSING:
        move_slots(job, -1)
    return True


def _close_at(job: Job, target: str) -> datetime | None:
    """When the vendor is cleared up (vendor/close.py): at once after a bad end, after the retention once ours is kept."""
    if job.provider_account_id is None:
        return None
    if target != states.COMPLETED:
        return clock.now()
    kept = settings.VENDOR_KEEP_SECONDS
    return clock.now() + timedelta(seconds=kept) if kept else None


def move_slots(job: Job, delta: int) -> None:
    """Takes or gives back the job's concurrency slots (sql/slots.sql)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT move_slots(%s, %s, %s, %s)", [job.organization_id, job.api_key_id, job.service, delta])


def tell(job: Job, verb: str, actor: Actor | None, data: dict[str, Any]) -> None:
    """The Event of a step; what webhooks and callbacks are told, they read from it."""
    log.record(
        type=states.BY_VERB[verb].event, actor=actor, organization_id=job.organization_id, subject=job, data=data
    )


def fail_job(job: Job, error: JobError, *, owner: str | None = None) -> bool:
    """Ends a job with a numbered error: nothing is charged. False when it had ended (or, with owner, is not ours)."""
    reason = error.reason[:2000].replace("\x00", "\ufffd")  # a vendor's words may hold what no column takes
    with transaction.atomic():
        job = lock(job)
        if not move_status(job, "fail", owner=owner, error_code=error.code, error=reason):
            return False
        if job.hold is not None:
            release_hold(hold=job.hold, note=f"failed: {error.code}")
        tell(job, "fail", None, {"error_code": error.code, "error": reason, "stage": job.stage})
    logger.info("job failed", extra={"job": job.public_id, "code": error.code, "reason": error.reason})
    return True


def cancel_job(*, actor: Actor, job: Job) -> Job:
    """Ends a job at any moment: the hold is released, and a worker that is on it notices within a second.

    Canceling a canceled job changes nothing. Raises ApiError 409 for one that completed or failed.
    """
    require(actor, "jobs.manage")
    with transaction.atomic():
        job = lock(job)
        if job.status == states.CANCELED:
            return job
        changes: dict[str, Any] = {
            "cancel_requested_at": clock.now(),
            "error_code": errors.CANCELED,
            "error": errors.job_codes()[errors.CANCELED].title,
        }
        if not move_status(job, "cancel", **changes):
            raise errors.conflict(f"The job has {job.status} already.")
        if job.hold is not None:
            release_hold(hold=job.hold, note="canceled", actor=actor)
        tell(job, "cancel", actor, {"stage": job.stage})
    return job


def lock(job: Job) -> Job:
    """The job's row as it is now, locked until the end of the transaction: the first lock of every end (sql/slots.sql)."""
    rows = Job.objects.select_for_update(of=("self",), no_key=True).select_related(
        "organization", "hold", "translation__project__source_asset"
    )
    return rows.get(pk=job.pk)
