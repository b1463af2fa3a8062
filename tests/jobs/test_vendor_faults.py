"""200 random kills and faults over vendors' stubs: no job lost, none made twice where the vendor can tell, the books balanced.

Worker and poller turns run in child processes that are really killed (SIGKILL, at a random line of the code that drives vendors);
meanwhile the vendor throttles, breaks off, answers 5xx or nonsense, and lets its links die. The seed is printed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.jobs import states
from apps.jobs.models import ConcurrencyCounter, Job, ProviderAccount, ProviderCall
from apps.jobs.services import account_health, inbound
from apps.jobs.services.reconcile import reconcile
from apps.jobs.services.vendor import drive, watch
from apps.jobs.services.vendor.work import job_callback_url
from apps.plans.models import Hold, LedgerEntry
from apps.plans.services import check_books
from apps.projects import storage
from apps.providers import registry
from apps.providers.conversation import Repeat
from tests.factories import make_organization, owner_of
from tests.jobs.killed import run_in_child
from tests.providers.road import Road
from tests.providers.stub import StubRequest
from tests.providers.tiny import KEY, TinyProvider, TinyStub, sign

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long, pytest.mark.timeout(400)]
WANTED = 200
SEED = 20261122
FAULTS = {
    "create": ["429:0.1", "500", "deaf", "deaf500", "lost", "garbled", "cut", "401"],
    "list": ["429", "500", "lost", "garbled"],
    "poll": ["429:0.1", "500", "lost", "garbled", "cut", "unknown_status", "401"],
    "file": ["expired_links", "cut", "500", "lost", "spoiled"],
}
WORKS: dict[str, Repeat] = {"tiny": "harmless", "tinylist": "find"}


class Chaos:
    """A fault for about every fourth request, while it is on; all are counted."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.on = True
        self.count: Counter[str] = Counter()

    def __call__(self, request: StubRequest) -> str:
        if not self.on or request.operation not in FAULTS or self.rng.random() > 0.25:
            return ""
        fault = self.rng.choice(FAULTS[request.operation])
        self.count[f"{request.operation} {fault.partition(':')[0]}"] += 1
        return fault


@pytest.fixture
def vendors(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, TinyStub]]:
    """One that takes our ids, and one that gives its own and can be asked for a list."""
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    settings.PUBLIC_URL = "https://portal.example.com"
    settings.JOB_MAX_TRIES = 100
    settings.VENDOR_CALL_SECONDS = 5.0
    with ExitStack() as running:
        made = {}
        for name, repeat in WORKS.items():
            provider = TinyProvider(repeat)
            provider.name = name
            monkeypatch.setitem(registry.PROVIDERS, name, provider)
            stub = TinyStub(takes_client_id=repeat == "harmless")
            stub.outcome, stub.ready_after = "ready", 2
            made[name] = running.enter_context(stub)
        yield made


class Storm:
    """Turns of random jobs until enough has gone wrong."""

    def __init__(self, roads: dict[str, Road], rng: random.Random, chaos: Chaos) -> None:
        self.roads, self.rng, self.chaos = roads, rng, chaos
        self.jobs: list[Job] = []
        self.kills: Counter[str] = Counter()

    @property
    def wrong(self) -> int:
        """Kills and faults so far."""
        return self.kills.total() + self.chaos.count.total()

    def order(self) -> None:
        """Another job at a random vendor."""
        self.jobs.append(self.rng.choice(list(self.roads.values())).order())

    def open(self) -> list[Job]:
        """Jobs that are under way."""
        return list(Job.objects.filter(pk__in=[job.pk for job in self.jobs], status=states.PROCESSING))

    def turn(self, job: Job, *, kill: bool) -> None:
        """Whoever is to go on with the job, in a process that may be killed."""
        self.forget_time(job)
        job.refresh_from_db()
        if job.next_poll_at is not None:
            what, lines = "poll", 150
            work: Any = watch.poll_once
        else:
            collecting = self.rng.random() < 0.7 and bool(job.provider_ref)
            what, lines = ("collect", 260) if collecting else ("submit", 330)
            work = partial(drive.collect_remote if collecting else drive.submit_remote, job.public_id)
        after = self.rng.randint(1, lines) if kill else None
        if run_in_child(work, kill_after=after):
            self.kills[what] += 1

    def callback(self, job: Job) -> None:
        """The vendor calls back, once or twice; its work may be killed too."""
        road = self.roads[job.provider]
        body = f'{{"event":"{job.public_id}-{self.rng.randint(1, 3)}","id":"{job.provider_ref}"}}'.encode()
        for _ in range(self.rng.randint(1, 2)):
            assert road.post(job_callback_url(job), body, {"X-Signature": sign(body)}) == 200
        if run_in_child(inbound.work_off, kill_after=self.rng.randint(1, 120)):
            self.kills["callback"] += 1

    def forget_time(self, job: Job) -> None:
        """As if hours had passed: leases of killed workers are over, calls are old, accounts have rested."""
        past = timezone.now() - timedelta(hours=1)
        Job.objects.filter(pk=job.pk, lease_until__isnull=False).update(lease_until=past)
        Job.objects.filter(pk=job.pk, next_poll_at__isnull=False).update(next_poll_at=past)
        ProviderCall.objects.filter(job=job, created_at__gt=past).update(created_at=past)
        ProviderAccount.objects.update(open_until=None, failures=0, next_submit_at=None, next_poll_at=None)
        account_health.forget_writes()
        reconcile(slow=False)


def test_two_hundred_kills_and_faults(
    vendors: dict[str, TinyStub], tmp_path: Path, client: Any, record_property: Any
) -> None:
    rng = random.Random(SEED)
    chaos = Chaos(rng)
    actor = owner_of(make_organization(credits=100_000))
    roads = {}
    for name, stub in vendors.items():
        row = Road.make_account(registry.PROVIDERS[name], stub.base, {"key": KEY})
        roads[name] = Road(name, row, actor, tmp_path, client, {})
        stub.chaos = chaos
    storm = Storm(roads, rng, chaos)
    while storm.wrong < WANTED:
        waiting = storm.open()
        if len(waiting) < 6:
            storm.order()
            continue
        job = rng.choice(waiting)
        if job.provider_ref and rng.random() < 0.1:
            storm.callback(job)
        else:
            storm.turn(job, kill=rng.random() < 0.5)
    chaos.on = False
    for _ in range(300):
        waiting = storm.open()
        if not waiting:
            break
        storm.turn(rng.choice(waiting), kill=False)
    told = {
        "seed": SEED,
        "jobs": len(storm.jobs),
        "kills": dict(storm.kills),
        "faults": dict(sorted(chaos.count.items())),
    }
    record_property("storm", told)
    print(f"\n{storm.kills.total()} kills and {chaos.count.total()} faults: {told}")
    assert storm.kills.total() >= WANTED // 5 and chaos.count.total() >= WANTED // 5
    _check(storm, vendors)


def _check(storm: Storm, vendors: dict[str, TinyStub]) -> None:
    made = {name: Counter(work["tag"] for work in stub.works.values()) for name, stub in vendors.items()}
    for job in storm.jobs:
        job.refresh_from_db()
        calls = [(call.operation, call.outcome, call.response) for call in ProviderCall.objects.filter(job=job)]
        assert (job.status, job.error) == ("completed", ""), f"{job.public_id} {job.error} {calls}"
        assert made[job.provider][f"{job.public_id}-1"] == 1, f"{job.public_id} was made twice: {calls}"
        (artefact,) = job.artefacts.all()
        with storage.open_key(artefact.storage_key) as stream:
            assert b"Bom dia" in stream.read()
        captures = LedgerEntry.objects.filter(job_public_id=job.public_id, kind="capture")
        assert [-entry.held_delta for entry in captures] == [job.charged] and job.charged > 0
        assert Hold.objects.get(job_public_id=job.public_id).status == "captured"
    assert check_books() == []
    running = ConcurrencyCounter.objects.get(organization=storm.jobs[0].organization, api_key=None)
    assert running.running == 0
    connection.close()
