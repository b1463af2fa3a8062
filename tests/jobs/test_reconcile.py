"""The reconciler: lost messages, dead workers, deadlines, expired holds and left-over files."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from apps.events.models import Event
from apps.jobs import services
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services.leases import claim
from apps.jobs.services.reconcile import LOCK, reconcile
from apps.plans.models import Hold
from apps.plans.services import check_books
from apps.projects import storage
from apps.projects.models import Asset, Upload
from apps.projects.services import create_upload
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def actor() -> Any:
    return owner_of(make_organization())


@pytest.fixture
def job(actor: Any, tmp_path: Path) -> Job:
    return submitted(actor, subtitles_order(actor, tmp_path))


def messages(job: Job) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT message->>'actor_name' FROM dramatiq.queue WHERE message->'args'->>0 = %s AND state = 'queued'",
            [job.public_id],
        )
        return [row[0] for row in cursor.fetchall()]


def lose_messages() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dramatiq.queue")


def past(job: Job, **fields: int) -> None:
    """Moves times of the job into the past by so many seconds."""
    Job.objects.filter(pk=job.pk).update(
        **{name: timezone.now() - timedelta(seconds=seconds) for name, seconds in fields.items()}
    )


def test_a_lost_message_is_sent_again_once(job: Job) -> None:
    lose_messages()
    swept = reconcile()
    assert swept is not None and swept.woken == 0, "it is not due yet"
    past(job, next_run_at=1)
    swept = reconcile()
    assert swept is not None and swept.woken == 1
    assert messages(job) == ["advance"]
    past(job, next_run_at=1)
    swept = reconcile()
    assert swept is not None and swept.woken == 0, "its message is waiting in the queue"
    assert messages(job) == ["advance"]


def test_a_dead_workers_job_is_freed_and_in_the_end_failed(job: Job) -> None:
    for number in range(1, settings.JOB_MAX_TRIES + 1):
        taken = claim(job.public_id)
        assert taken is not None and taken.tries == number
        assert claim(job.public_id) is None, "somebody owns it"
        past(job, lease_until=1)
        swept = reconcile()
        assert swept is not None
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", 10999)
    assert Hold.objects.get(job_public_id=job.public_id).status == "released"
    assert ConcurrencyCounter.objects.get(api_key=None).running == 0
    assert check_books() == []


def test_a_job_past_its_deadline_ends(job: Job) -> None:
    past(job, deadline_at=1)
    reconcile()
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", 10903)
    assert Event.objects.filter(subject_id=job.public_id, type="job.failed").count() == 1
    assert check_books() == []


def test_a_job_ends_with_its_hold(job: Job) -> None:
    Hold.objects.filter(job_public_id=job.public_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    reconcile()
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", 10903)
    assert ConcurrencyCounter.objects.get(api_key=None).running == 0
    assert check_books() == []


def test_only_one_sweep_at_a_time(job: Job) -> None:
    import psycopg

    parameters = connection.get_connection_params()
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    with psycopg.connect(**parameters, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        assert reconcile() is None
    deadline = time.monotonic() + 5
    while reconcile() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert reconcile() is not None


def test_left_over_files_go(actor: Any, job: Job) -> None:
    services.cancel_job(actor=actor, job=job)
    folder = Path(settings.WORK_DIR) / job.public_id
    folder.mkdir(parents=True)
    import os

    os.utime(folder, (time.time() - 3600, time.time() - 3600))
    upload = create_upload(actor=actor, length=10, metadata={"filename": "a.mp4"})
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    asset = Asset.objects.filter(kind="media").get()
    Asset.objects.filter(pk=asset.pk).update(created_at=timezone.now() - timedelta(days=400))
    swept = reconcile()
    assert swept is not None and swept.uploads == 1 and swept.files == 2
    assert not folder.exists()
    assert not storage.exists(asset.storage_key)
    asset.refresh_from_db()
    assert asset.status == "deleted"


def test_an_open_jobs_source_is_kept(job: Job) -> None:
    Asset.objects.update(created_at=timezone.now() - timedelta(days=400))
    reconcile()
    assert Asset.objects.get(kind="media").status == "stored"


def test_the_command_sweeps_once(job: Job) -> None:
    lose_messages()
    past(job, next_run_at=1)
    call_command("poller", "--once")
    assert messages(job) == ["advance"]


def test_a_wrong_concurrency_counter_is_put_right(job: Job) -> None:
    other = make_organization()
    ConcurrencyCounter.objects.create(organization=other, service="translate", running=3)
    ConcurrencyCounter.objects.filter(organization=job.organization).update(running=50)
    swept = reconcile()
    assert swept is not None and swept.slots == 2
    assert ConcurrencyCounter.objects.get(organization=job.organization, api_key=None).running == 1
    assert ConcurrencyCounter.objects.get(organization=other).running == 0
    assert not reconcile(), "nothing is left to do"
