"""Admission's callback challenge, idempotency, and 32 threads at once."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from django.db import connections

from apps.accounts.actor import Actor
from apps.accounts.models import IdempotencyRecord
from apps.core.errors import ApiError, JobError
from apps.core.ids import new_id
from apps.jobs import services
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services import callbacks, publish
from apps.jobs.services.leases import claim
from apps.jobs.services.submit import Submission, submit
from apps.plans.models import Hold, Plan, Wallet
from apps.plans.services import check_books
from tests.factories import make_key, make_organization, owner_of
from tests.jobs.helpers import order, parsed, refused
from tests.sites import challenged
from tests.threads import at_once

pytestmark = pytest.mark.django_db


class TestCallback:
    @pytest.mark.django_db(transaction=True)
    def test_hosts_that_never_answer_do_not_take_every_thread(self, settings: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(callbacks, "CHALLENGE_SECONDS", 3.0)
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        actor, other = owner_of(make_organization()), owner_of(make_organization())
        codes: list[int] = []

        def ask(number: int) -> None:
            facts = {"organization_id": actor.organization.pk}
            with pytest.raises(ApiError) as caught:
                callbacks.prove(**facts, url=f"http://127.0.0.1:{silent.getsockname()[1]}/{number}")
            codes.append(caught.value.code)
            connections.close_all()

        with socket.create_server(("127.0.0.1", 0)) as silent:
            threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
            for thread in threads:
                thread.start()
            while codes.count(4290) < 3:
                time.sleep(0.01)
            assert refused(other, order(callback_url="http://127.0.0.1:9/nobody")).code == 1301, "others are asked on"
            for thread in threads:
                thread.join()
        assert sorted(codes) == [1301, 1301, 4290, 4290, 4290]
        assert refused(actor, order(callback_url="http://127.0.0.1:9/nobody")).code == 1301, (
            "and so is this one afterwards"
        )

    def test_1301_unless_the_challenge_comes_back(self, settings: Any) -> None:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        actor = owner_of(make_organization())
        with challenged() as (base, seen):
            for path in ("/broken", "/deaf"):
                error = refused(actor, order(callback_url=base + path))
                assert (error.code, error.http_status) == (1301, 400)
            submit(actor=actor, order=order(callback_url=base + "/json"))
            submit(actor=actor, order=order(callback_url=base + "/plain"))
            assert len(seen) == 4
            submit(actor=actor, order=order(callback_url=base + "/json"))
            assert len(seen) == 4, "a proof is remembered"

    def test_private_addresses_are_refused_as_a_parameter(self) -> None:
        error = refused(owner_of(make_organization()), order(callback_url="http://169.254.169.254/latest"))
        assert error.code in (5, 1301)


class TestIdempotency:
    def test_the_same_request_gets_the_first_answer_and_is_charged_once(self) -> None:
        organization = make_organization()
        _key, text = make_key(organization)
        first = submit(actor=parsed(text), order=order(), idempotency=("k1", b"1" * 32))
        second = submit(actor=parsed(text), order=order(), idempotency=("k1", b"1" * 32))
        assert second == msgspec.structs.replace(first, replayed=True)
        assert Job.objects.count() == 1
        assert refused(parsed(text), order(), idempotency=("k1", b"2" * 32)).code == 4090

    def test_a_refusal_is_not_remembered(self) -> None:
        organization = make_organization()
        actor = owner_of(organization)
        missing = order(source={"asset": new_id("ast")})
        assert refused(actor, missing, idempotency=("k2", b"1" * 32)).code == 5
        assert not IdempotencyRecord.objects.exists()

    def test_settle_shares_the_transaction(self) -> None:
        organization = make_organization()

        def fail(made: Submission) -> None:
            assert made.jobs
            raise RuntimeError("stop")

        with pytest.raises(RuntimeError):
            submit(actor=owner_of(organization), order=order(), settle=fail)
        assert Job.objects.count() == 0
        assert check_books() == []


@pytest.mark.django_db(transaction=True)
def test_32_threads_admit_exactly_what_credits_and_slots_allow() -> None:
    """No deadlock, exactly M accepted, books balanced: 32 threads against two organizations and their two pools."""
    organizations = [make_organization() for _ in range(2)]
    senders: list[Any] = []
    for organization in organizations:
        _key, text = make_key(organization)
        senders += [parsed(text), owner_of(organization)]
    price = submit(actor=senders[0], order=order()).jobs[0].estimate
    rich = 40
    Plan.objects.update(translate_concurrency=25)
    for wallet in Wallet.objects.all():
        assert wallet.available > rich * price
    outcomes: Counter[tuple[int, int]] = Counter()
    lock = threading.Lock()

    def work(number: int) -> None:
        for _ in range(4):
            try:
                submit(actor=senders[number % 4], order=order())
                code = 0
            except ApiError as error:
                code = error.code
            with lock:
                outcomes[(number % 4 // 2, code)] += 1

    at_once(32, work)
    # The first organization already had one job.
    assert outcomes == Counter({(0, 0): 24, (0, 1304): 40, (1, 0): 25, (1, 1304): 39})
    assert Job.objects.count() == 50
    assert {row.running for row in ConcurrencyCounter.objects.filter(api_key=None)} == {25}
    assert sum(hold.amount for hold in Hold.objects.filter(status="placed")) == 50 * price
    assert check_books() == []


@pytest.mark.django_db(transaction=True)
def test_32_threads_admit_end_and_retry_without_a_deadlock() -> None:
    """Both sides at once: orders come in while others are canceled, failed, completed and tried again."""
    organizations = [make_organization(credits=10_000) for _ in range(2)]
    Plan.objects.update(translate_concurrency=12)
    people = [owner_of(organization) for organization in organizations]
    senders: list[Any] = [*people, *(parsed(make_key(organization)[1]) for organization in organizations)]

    def work(number: int) -> None:
        dice = random.Random(number)
        person = people[number % 2]
        for _ in range(10):
            with suppress(ApiError):
                submit(actor=senders[number % 4], order=order())
            jobs = list(Job.objects.filter(organization=person.organization).order_by("?")[:2])
            for job in jobs:
                with suppress(ApiError):
                    _end(person, job, dice.choice(["cancel", "fail", "complete", "retry", "retry"]))

    at_once(32, work)
    assert check_books() == []
    for organization in organizations:
        rows = Job.objects.filter(organization=organization, status="processing")
        counters = ConcurrencyCounter.objects.filter(organization=organization)
        assert counters.get(api_key=None).running == rows.count() <= 12
        for counter in counters.exclude(api_key=None):
            assert counter.running == rows.filter(api_key=counter.api_key).count()
        held = sum(hold.amount for hold in Hold.objects.filter(wallet__organization=organization, status="placed"))
        assert held == sum(wallet.held for wallet in Wallet.objects.filter(organization=organization))
        assert Hold.objects.filter(wallet__organization=organization, status="placed").count() == rows.count()


def _end(person: Actor, job: Job, verb: str) -> None:
    if verb == "cancel":
        services.cancel_job(actor=person, job=job)
    elif verb == "fail":
        services.fail_job(job, JobError(10903))
    elif verb == "retry":
        services.retry_job(actor=person, job=job)
    elif (taken := claim(job.public_id)) is not None:
        publish.complete(taken, owner=taken.lease_owner, artefacts=[], measured_ms=30_000, timings={})
