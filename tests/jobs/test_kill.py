"""kill -9 of real workers at random moments: every job ends completed, with the same files, and charged once."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.jobs import services
from apps.jobs.models import ConcurrencyCounter, Job
from apps.plans.models import Hold, LedgerEntry
from apps.plans.services import check_books
from apps.projects import storage
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order
from tests.jobs.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(400)]
KILLS = 20
SUBTITLE_JOBS = 8
SECONDS = 300.0
STAGES = ["fetch", "probe", "recognize", "translate", "speak", "render", "publish"]


def busy(ids: list[int], stage: str = "") -> list[Job]:
    """Jobs that a worker owns now, in one stage or in any."""
    rows = Job.objects.filter(pk__in=ids, status="processing", lease_until__gt=timezone.now())
    return list(rows.filter(stage=stage) if stage else rows)


def fingerprints(job: Job) -> dict[tuple[str, str], str]:
    """sha256 of each artefact by kind and name; the report tells times, which differ."""
    return {(artefact.kind, artefact.file_name): artefact.sha256 for artefact in job.artefacts.exclude(kind="report")}


def test_twenty_kills_lose_nothing_and_charge_once(tmp_path: Path, record_property: Any) -> None:
    actor = owner_of(make_organization(credits=10_000))
    order = subtitles_order(actor, tmp_path)
    with_voice = any(Path(settings.MODEL_DIR).glob("kokoro/*.onnx"))
    orders = [order] * SUBTITLE_JOBS
    if with_voice:
        orders.append(msgspec.structs.replace(order, steps=["subtitles", "voice"], export_type="all"))

    # What undisturbed runs make, in this process.
    expected = {}
    for one in orders[-2:]:
        reference = submitted(actor, one)
        services.advance(reference.public_id)
        assert services.run_engine(reference.public_id)
        reference.refresh_from_db()
        assert (reference.status, reference.error) == ("completed", "")
        expected[tuple(one.steps)] = fingerprints(reference)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dramatiq.queue")
    jobs = [submitted(actor, one) for one in orders]
    seed = int(os.environ.get("KINOGLOT_KILL_SEED", time.time()))
    dice = random.Random(seed)
    workers = Workers(tmp_path / "workers.log")
    killed: Counter[str] = Counter()
    deadline = time.monotonic() + SECONDS
    ids = [job.pk for job in jobs]
    try:
        while time.monotonic() < deadline:
            workers.keep()
            if not Job.objects.filter(pk__in=ids).exclude(status="completed").exists():
                if killed.total() == KILLS:
                    break
                jobs.append(submitted(actor, order))  # all done before the last kill: more work to kill
                ids.append(jobs[-1].pk)
            if killed.total() == KILLS:
                time.sleep(0.2)
                continue
            # A stage drawn by lot, and a moment in it; if nobody comes there in a while, whoever is at work.
            wanted, patience = dice.choice(STAGES), time.monotonic() + dice.uniform(1.0, 5.0)
            while time.monotonic() < patience and not busy(ids, wanted):
                workers.keep()
                time.sleep(0.02)
            time.sleep(dice.uniform(0.0, 0.4))
            rows = busy(ids, wanted) or busy(ids)
            victim = dice.choice(rows) if rows else None
            if victim is not None and workers.kill(int(victim.lease_owner.split(":")[1])):
                killed[victim.stage] += 1
    finally:
        workers.stop()
    print(f"seed {seed}: {killed.total()} kills by stage {dict(killed)}")
    record_property("kills", dict(killed))
    log = (tmp_path / "workers.log").read_text(errors="replace")[-3000:]
    for job in jobs:
        job.refresh_from_db()
        assert (job.status, job.error) == ("completed", ""), f"{job.public_id} {job.stage} tries {job.tries}\n{log}"
        assert fingerprints(job) == expected[tuple(job.order["steps"])]
        for artefact in job.artefacts.all():
            with storage.open_key(artefact.storage_key) as stream:
                assert len(stream.read()) == artefact.size
        captures = LedgerEntry.objects.filter(job_public_id=job.public_id, kind="capture")
        assert [-entry.held_delta for entry in captures] == [job.charged]
        assert job.charged > 0
        assert Hold.objects.get(job_public_id=job.public_id).status == "captured"
    assert killed.total() == KILLS, f"only {killed.total()} kills hit a busy worker"
    assert check_books() == []
    assert ConcurrencyCounter.objects.get(organization=actor.organization, api_key=None).running == 0
