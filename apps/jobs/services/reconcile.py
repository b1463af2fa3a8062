"""The reconciler: rows are the truth, messages are hints. One sweep at a time in the whole installation (advisory lock).

A broker fault or a killed worker costs seconds, never a job: due jobs are woken again, expired leases freed, jobs past their
deadline or their tries end with a numbered error and their hold released, and what nobody needs any more is removed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from apps.accounts.models import IdempotencyRecord
from apps.accounts.services import sweep_signing
from apps.core import clock, errors
from apps.core.errors import JobError
from apps.events import queue
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services import cleaning, inbound, slots
from apps.jobs.services.finish import fail_job
from apps.jobs.services.vendor.close import wake_closings
from apps.plans.models import Hold
from apps.plans.services import check_books_when_due, expire_holds, grant_monthly
from apps.projects.services import expire_uploads

logger = logging.getLogger(__name__)
LOCK: Final = 0x4B494E4F
BATCH: Final = 500
SLOW_EVERY: Final = 12
"""Sweeps between two rounds of the slow work (holds, uploads, files): once a minute at the default of 5 s."""
MAX_WAKE_SECONDS: Final = 3600


@dataclass
class Swept:
    """What one sweep did."""

    woken: int = 0
    freed: int = 0
    failed: int = 0
    holds: int = 0
    uploads: int = 0
    files: int = 0
    slots: int = 0
    closed: int = 0

    def __bool__(self) -> bool:
        return any(vars(self).values())


def reconcile(*, slow: bool = True) -> Swept | None:
    """One sweep; None when another process is at it. `slow` includes what need not be done every few seconds."""
    with _alone() as alone:
        if not alone:
            return None
        swept = Swept()
        swept.failed += _end_overdue()
        swept.freed += _free_expired(swept)
        swept.woken += _wake_due()
        swept.closed = wake_closings()
        if slow:
            swept.holds = expire_holds()
            swept.failed += _end_without_hold()
            swept.slots = slots.repair()
            grant_monthly()
            check_books_when_due()
            swept.uploads = expire_uploads()
            swept.files = cleaning.clean()
            inbound.clean()
            sweep_signing()
            IdempotencyRecord.objects.filter(created_at__lt=clock.now() - timedelta(hours=25)).delete()
    if swept:
        logger.info("reconciled", extra=vars(swept))
    return swept


@contextmanager
def _alone() -> Iterator[bool]:
    """Holds the advisory lock of this connection; a killed process gives it back by losing its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        row = cursor.fetchone()
        taken = bool(row and row[0])
        try:
            yield taken
        finally:
            if taken:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _end_overdue() -> int:
    """Jobs past their deadline: 10903."""
    due = Job.objects.filter(status__in=states.OPEN, deadline_at__lt=clock.now()).order_by("id")[:BATCH]
    reasons = {
        states.PAUSED: "nobody reviewed the transcript in time",
        states.PROCESSING: "the job did not end before its deadline",
    }
    return sum(fail_job(job, JobError(errors.TIMED_OUT, reasons[job.status])) for job in due)


def _free_expired(swept: Swept) -> int:
    """Leases whose worker is gone: the job is due at once, or ends when it has cost too many workers."""
    freed = 0
    gone = Job.objects.filter(status=states.PROCESSING, lease_until__lt=clock.now()).order_by("id")[:BATCH]
    for job in gone:
        mine = Job.objects.filter(pk=job.pk, status=states.PROCESSING, lease_owner=job.lease_owner)
        expired = mine.filter(lease_until__lt=clock.now())
        if job.tries >= settings.JOB_MAX_TRIES:
            reason = f"{job.tries} workers stopped while they worked on it"
            swept.failed += fail_job(job, JobError(errors.ENGINE_FAULT, reason), owner=job.lease_owner)
        else:
            freed += expired.update(lease_owner="", lease_until=None, next_run_at=clock.now())
    return freed


def _wake_due() -> int:
    """Sends the message again for jobs that are due and that nobody works on."""
    now = clock.now()
    with transaction.atomic():
        rows = Job.objects.select_for_update(skip_locked=True, of=("self",), no_key=True).filter(
            Q(lease_until=None), status=states.PROCESSING, next_run_at__lte=now, next_poll_at=None
        )
        due = list(rows.order_by("next_run_at")[:BATCH])
        waiting = _queued([job.public_id for job in due])
        woken = 0
        for job in due:
            # Later and later: a long queue of waiting jobs must not fill up with messages about itself.
            age = (now - (job.started_at or job.created_at)).total_seconds()
            pause = min(max(float(settings.JOB_LEASE_SECONDS), age), MAX_WAKE_SECONDS)
            Job.objects.filter(pk=job.pk).update(next_run_at=now + timedelta(seconds=pause))
            if job.public_id not in waiting:
                queue.enqueue("advance", job.public_id)
                woken += 1
    return woken


def _queued(ids: list[str]) -> set[str]:
    """Which of these jobs have a message waiting; only the PostgreSQL queue can be asked."""
    if not ids or not queue.in_database():
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT message->'args'->>0 FROM dramatiq.queue"
            " WHERE state = 'queued' AND message->>'actor_name' IN ('advance', 'run_engine', 'submit_remote', 'collect_remote')"
            " AND message->'args'->>0 = ANY(%s)",
            [ids],
        )
        return {str(row[0]) for row in cursor.fetchall()}


def _end_without_hold() -> int:
    """Jobs that outlived their hold: nothing would pay for them."""
    expired = Hold.objects.filter(status=Hold.Status.EXPIRED)
    due = Job.objects.filter(status__in=states.OPEN, hold__in=expired).order_by("id")[:BATCH]
    reason = "the credits set aside for it have expired"
    return sum(fail_job(job, JobError(errors.TIMED_OUT, reason)) for job in due)
