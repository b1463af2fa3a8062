"""A clean stop (SIGTERM, a deployment) in the middle of a stage: the job goes on at once and no try is counted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from apps.jobs.models import Job
from apps.plans.services import check_books
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order
from tests.jobs.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.timeout(120)]


def wait_for(job: Job, seconds: float, *, stage: str = "", status: str = "processing") -> Job:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job.refresh_from_db()
        if job.status == status and (not stage or job.stage == stage):
            return job
        time.sleep(0.02)
    raise AssertionError(f"{job.status} {job.stage}: {job.error}")


def test_the_job_of_a_stopped_worker_goes_on_at_once(tmp_path: Path) -> None:
    actor = owner_of(make_organization())
    order = subtitles_order(actor, tmp_path)
    workers = Workers(tmp_path / "workers.log", workers=1, lease_seconds=60)
    try:
        for _attempt in range(6):  # the job is short: now and then it is done before the signal arrives
            job = submitted(actor, order)
            workers.keep()
            wait_for(job, 40, stage="recognize")
            workers.end("worker0", 15)
            job.refresh_from_db()
            if job.status != "completed":
                break
        assert (job.status, job.lease_owner, job.tries) == ("processing", "", 0), "given back, not left to run out"
        workers.keep()
        wait_for(job, 40, status="completed")
    finally:
        workers.stop()
    assert job.tries == 1
    assert check_books() == []
