"""Money under real concurrency: threads with connections of their own, everything told twice and at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.ids import new_id
from apps.plans.models import Hold, LedgerEntry, Subscription, Wallet
from apps.plans.services import (
    capture_hold,
    check_books,
    expire_holds,
    grant_credits,
    grant_monthly,
    release_hold,
    resize_hold,
)
from tests.factories import make_organization
from tests.plans.holds import balance, place
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization() -> Organization:
    made = Organization.objects.create(name="Concurrent")
    grant_credits(actor=None, organization=made, pool="api", amount=10_000, business_key=f"g:{made.public_id}")
    return made


def _run(jobs: list[Callable[[], object]], number: int) -> None:
    jobs[number]()


def test_exactly_as_many_holds_fit_as_the_wallet_covers(organization: Organization) -> None:
    results = at_once(8, lambda _: place(organization, 3000) is not None)
    assert sum(map(bool, results)) == 3
    assert balance(organization) == (1000, 9000)
    assert check_books() == []


def test_one_job_admitted_twice_at_once_holds_once(organization: Organization) -> None:
    results = at_once(6, lambda _: place(organization, 3000, job="job_twice"))
    assert len({hold.pk for hold in results if isinstance(hold, Hold)}) == 1
    assert balance(organization) == (7000, 3000)


def test_one_end_wins(organization: Organization) -> None:
    for _ in range(5):
        before = balance(organization)[0]
        hold = place(organization, 1000)
        assert hold is not None
        Hold.objects.filter(pk=hold.pk).update(expires_at=clock.now() - timedelta(seconds=1))
        ends: list[Callable[[], object]] = [
            partial(capture_hold, hold=hold, amount=400),
            partial(release_hold, hold=hold),
            expire_holds,
        ] * 2
        at_once(6, partial(_run, ends))
        hold.refresh_from_db()
        assert hold.status in ("captured", "released", "expired")
        assert balance(organization) == (before - hold.captured, 0)
        assert hold.captured == (400 if hold.status == "captured" else 0)
    assert check_books() == []


def test_a_first_wallet_is_made_once() -> None:
    organization = Organization.objects.create(name="New")
    key = new_id("led")

    def work(number: int) -> None:
        if number % 2:
            place(organization, 0)
        else:
            grant_credits(actor=None, organization=organization, pool="api", amount=500, business_key=key)

    at_once(8, work)
    assert Wallet.objects.filter(organization=organization).count() == 1
    assert balance(organization) == (500, 0)
    assert check_books() == []


def test_a_month_is_granted_once_by_many_sweepers() -> None:
    organization = make_organization(plan="business")
    start = balance(organization)[0]
    over = clock.now() - timedelta(days=40)
    Subscription.objects.filter(organization=organization).update(
        period_start=over - timedelta(days=30), period_end=over
    )
    at_once(4, lambda _: grant_monthly())
    # 40 days late: the month that began then and the one after it.
    assert balance(organization)[0] == start + 2 * 2_000_000
    assert grant_monthly() == 0
    assert check_books() == []


def test_a_storm_of_everything_keeps_the_books(organization: Organization) -> None:
    other = Organization.objects.create(name="Other")
    grant_credits(actor=None, organization=other, pool="api", amount=10_000, business_key=f"g:{other.public_id}")
    keys = [new_id("led") for _ in range(10)]

    def storm(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(25):
            who = dice.choice([organization, other])
            holds = list(Hold.objects.filter(wallet__organization=who, status="placed").order_by("?")[:3])
            match dice.randrange(6):
                case 0 | 1:
                    with transaction.atomic():  # as admission does it: several jobs of one order
                        for _ in range(dice.randint(1, 3)):
                            place(who, dice.randint(0, 1500))
                case 2 if holds:
                    capture_hold(hold=holds[0], amount=dice.randint(0, 2000))
                case 3 if holds:
                    release_hold(hold=holds[0])
                case 4 if holds:
                    resize_hold(hold=holds[0], amount=dice.randint(0, 2000), business_key=new_id("led"))
                case _:
                    key = dice.choice(keys)
                    grant_credits(actor=None, organization=organization, pool="api", amount=700, business_key=key)

    at_once(8, storm)
    assert check_books() == []
    assert LedgerEntry.objects.filter(business_key__in=keys).count() <= len(keys)
    for wallet in Wallet.objects.all():
        assert wallet.available >= 0 and wallet.held >= 0
