"""Works off jobs in this very process: what `manage.py translate` and `drain` do where no worker runs."""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.db.models import Q

from apps.core import clock
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services.advance import advance
from apps.jobs.services.engine import run_engine
from apps.jobs.services.reconcile import reconcile
from apps.providers.registry import PROVIDERS


def work_on(ids: Iterable[str], *, wait_seconds: float = 0.5) -> None:
    """Carries these jobs as far as they go. Where a worker runs as well, whoever claims a job first does it."""
    for public_id in ids:
        while (job := Job.objects.get(public_id=public_id)).status == states.PROCESSING:
            advance(public_id)
            job.refresh_from_db()
            ours = not job.provider or PROVIDERS[job.provider].remote is None
            waits = job.next_run_at is not None and job.tries > 0 and job.next_run_at > clock.now()
            if not ours or waits or not run_engine(public_id):
                reconcile(slow=False)
                time.sleep(wait_seconds)


def drain() -> int:
    """Works on everything that is due and free, until nothing is; returns how many jobs were taken up."""
    taken = 0
    while True:
        now = clock.now()
        reconcile(slow=False)
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        due = Job.objects.filter(free, status=states.PROCESSING, next_poll_at=None)
        due = due.filter(Q(tries=0) | Q(next_run_at=None) | Q(next_run_at__lte=now)).order_by("id")
        worked = 0
        for public_id in list(due.values_list("public_id", flat=True)[:100]):
            advance(public_id)
            worked += run_engine(public_id)
        if not worked:
            return taken
        taken += worked
