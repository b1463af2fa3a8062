"""Leases: a worker owns a job only while its name and a time in the future stand in the row (conditional updates)."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from datetime import timedelta
from types import TracebackType
from typing import Final

from django.conf import settings
from django.db import Error, connection
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from apps.core import clock
from apps.jobs import states
from apps.jobs.models import Job

logger = logging.getLogger(__name__)
WITH: Final = ("organization", "translation__project__source_asset", "hold", "translation__organization", "base_job")


class LeaseLost(Exception):
    """Another worker, a cancellation or a sweep took the job: stop at once and touch nothing more."""


def make_owner() -> str:
    """A name for one take-up of a job, never used twice."""
    return f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def claim(public_id: str) -> Job | None:
    """Takes a processing job that nobody owns (or whose owner's time is over); None when there is nothing to take."""
    owner, now = make_owner(), clock.now()
    taken = (
        Job.objects.filter(public_id=public_id, status=states.PROCESSING)
        .filter(Q(lease_until=None) | Q(lease_until__lt=now))
        .filter(tries__lt=settings.JOB_MAX_TRIES)
        .update(
            lease_owner=owner,
            lease_until=now + _length(),
            tries=F("tries") + 1,
            started_at=Coalesce("started_at", Now()),
            next_run_at=None,
        )
    )
    return Job.objects.select_related(*WITH).get(public_id=public_id) if taken else None


class Lease:
    """Keeps a claimed job ours: a thread renews the lease each third of its length, and learns when it is lost."""

    def __init__(self, job: Job) -> None:
        self.owner = job.lease_owner
        self._job_id = job.pk
        self._lost = threading.Event()
        self._end = threading.Event()
        self._sure_until = clock.Deadline(settings.JOB_LEASE_SECONDS)
        self._thread = threading.Thread(target=self._renew, name=f"lease-{job.public_id}", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    @property
    def lost(self) -> bool:
        """True once the job is not ours, or nobody could be asked for a whole lease length."""
        return self._lost.is_set() or self._sure_until.over

    def check(self) -> None:
        """Raises LeaseLost once the job is not ours."""
        if self.lost:
            raise LeaseLost(self.owner)

    def _renew(self) -> None:
        # Looked at each second, so that a cancellation stops the work at once; written each third of the lease.
        seconds = float(settings.JOB_LEASE_SECONDS)
        renewal = clock.Deadline(seconds / 3)
        try:
            while not self._end.wait(min(1.0, seconds / 4)):
                mine = Job.objects.filter(pk=self._job_id, status=states.PROCESSING, lease_owner=self.owner)
                try:
                    sure = clock.Deadline(seconds)
                    if renewal.over:
                        held = bool(mine.update(lease_until=clock.now() + _length()))
                        if held:
                            self._sure_until, renewal = sure, clock.Deadline(seconds / 3)
                    else:
                        held = mine.exists()
                except Error:
                    logger.warning("the lease could not be renewed", exc_info=True)
                    connection.close()
                    continue
                if not held:
                    self._lost.set()
                    return
        finally:
            connection.close()


def give_back(job: Job, *, seconds: float = 0.0, count: bool = True) -> bool:
    """Frees a job that we own so that it is taken up again after `seconds`; count=False does not count this try."""
    values: dict[str, object] = {
        "lease_owner": "",
        "lease_until": None,
        "next_run_at": clock.now() + timedelta(seconds=seconds),
    }
    if not count:
        values["tries"] = F("tries") - 1
    mine = Job.objects.filter(pk=job.pk, status=states.PROCESSING, lease_owner=job.lease_owner)
    return bool(mine.update(**values))


def _length() -> timedelta:
    return timedelta(seconds=settings.JOB_LEASE_SECONDS)
