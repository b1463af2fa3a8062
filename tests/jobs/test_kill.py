"""kill -9 of real workers at random moments: every job ends completed, with the same files, and charged once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

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

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.timeout(400)]
ROOT = Path(settings.BASE_DIR)
KILLS = 20
WORKERS = 2
SUBTITLE_JOBS = 8
SECONDS = 300.0
STAGES = ["fetch", "probe", "recognize", "translate", "speak", "render", "publish"]


class Workers:
    """Real dramatiq workers and a real poller on the test database; a dead one is started again."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("ab")
        environment = dict(os.environ)
        environment |= {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DATABASE_URL": _database_url(),
            "KINOGLOT_DATA_DIR": str(settings.DATA_DIR),
            "KINOGLOT_MODEL_DIR": str(settings.MODEL_DIR),
            "SECRET_KEY": settings.SECRET_KEY,
            "JOB_LEASE_SECONDS": "3",
            "JOB_MAX_TRIES": "100",
            "RECONCILE_SECONDS": "1",
            "LOG_LEVEL": "WARNING",
            "BROKER_URL": "",
        }
        self._environment = environment
        dramatiq = [sys.executable, "-m", "dramatiq", "portal.broker:broker", "--processes", "1", "--threads", "1"]
        self._commands = {
            **{f"worker{number}": [*dramatiq, "--queues", "default", "engine"] for number in range(WORKERS)},
            "poller": [sys.executable, "manage.py", "poller"],
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def keep(self) -> None:
        """Starts what is not running."""
        for name, command in self._commands.items():
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                self._running[name] = subprocess.Popen(
                    command, cwd=ROOT, env=self._environment, stdout=self._log, stderr=self._log, start_new_session=True
                )

    def kill(self, pid: int) -> bool:
        """kill -9 of the worker process with this number and of its master; False when it is none of ours."""
        for name, process in self._running.items():
            with suppress(ProcessLookupError):
                if process.poll() is None and os.getpgid(pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    assert name != "poller"
                    return True
        return False

    def stop(self) -> None:
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._log.close()


def _database_url() -> str:
    given: dict[str, Any] = connection.settings_dict
    host, port = quote(str(given["HOST"]), safe=""), f":{given['PORT']}" if given["PORT"] else ""
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
    # The host as a query: a socket folder may hold capitals, which the host part of an address loses.
    return f"postgres://{given['USER']}{password}@{port}/{given['NAME']}?host={host}"


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
        while time.monotonic() < deadline and Job.objects.filter(pk__in=ids).exclude(status="completed").exists():
            workers.keep()
            if killed.total() == KILLS:
                time.sleep(0.2)
                continue
            # A stage drawn by lot, and a moment in it; if nobody comes there in a while, whoever is at work.
            wanted, patience = dice.choice(STAGES), time.monotonic() + dice.uniform(0.5, 6.0)
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
