"""Holds end exactly once, charge at most what was set aside, and never touch the other pool."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import Organization
from apps.core import clock
from apps.events.models import Event
from apps.plans.models import Hold, LedgerEntry, Wallet
from apps.plans.services import capture_hold, check_books, expire_holds, grant_credits, release_hold, resize_hold
from tests.plans.holds import balance, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    made = Organization.objects.create(name="Books")
    grant_credits(actor=None, organization=made, pool="api", amount=10_000, business_key=f"g:{made.public_id}")
    return made


def test_a_hold_moves_credits_aside(organization: Organization) -> None:
    hold = place(organization, 4000)
    assert hold is not None and hold.status == "placed"
    assert balance(organization) == (6000, 4000)
    entry = LedgerEntry.objects.get(hold=hold)
    assert (entry.kind, entry.available_delta, entry.held_delta) == ("hold", -4000, 4000)
    assert (entry.available_after, entry.held_after) == (6000, 4000)
    assert entry.business_key == f"hold:{hold.job_public_id}:1"
    assert check_books() == []


def test_a_shortage_writes_nothing(organization: Organization) -> None:
    entries = LedgerEntry.objects.count()
    assert place(organization, 10_001) is None
    assert balance(organization) == (10_000, 0)
    assert (Hold.objects.count(), LedgerEntry.objects.count()) == (0, entries)
    assert place(organization, 10_000) is not None
    assert balance(organization) == (0, 10_000)


def test_the_pools_are_never_mixed(organization: Organization) -> None:
    assert place(organization, 1, pool="portal") is None
    assert balance(organization) == (10_000, 0)
    assert balance(organization, "portal") == (0, 0)


def test_the_same_attempt_holds_once_and_a_retry_holds_again(organization: Organization) -> None:
    first = place(organization, 4000, job="job_a")
    assert place(organization, 4000, job="job_a") == first
    assert balance(organization) == (6000, 4000)
    assert place(organization, 4000, job="job_a", attempt=2) != first
    assert balance(organization) == (2000, 8000)
    # Asked again when the wallet could not cover another one: still the first hold, not a shortage.
    assert place(organization, 4000, job="job_a") == first


def test_a_hold_of_nothing_works_in_an_empty_wallet() -> None:
    organization = Organization.objects.create(name="Empty")
    hold = place(organization, 0)
    assert hold is not None
    assert capture_hold(hold=hold, amount=500) == 0
    assert check_books() == []


@pytest.mark.parametrize(("amount", "charged"), [(0, 0), (1500, 1500), (4000, 4000), (9000, 4000)])
def test_capture_charges_what_was_made_and_never_more_than_the_hold(
    organization: Organization, amount: int, charged: int
) -> None:
    hold = place(organization, 4000)
    assert hold is not None
    assert capture_hold(hold=hold, amount=amount) == charged
    assert capture_hold(hold=hold, amount=amount + 1) == charged
    assert release_hold(hold=hold) is False
    assert balance(organization) == (10_000 - charged, 0)
    hold.refresh_from_db()
    assert (hold.status, hold.captured) == ("captured", charged)
    assert hold.resolved_at is not None
    assert check_books() == []


def test_release_gives_everything_back_once(organization: Organization) -> None:
    hold = place(organization, 4000)
    assert hold is not None
    assert [release_hold(hold=hold, note="failed") for _ in range(3)] == [True, False, False]
    assert capture_hold(hold=hold, amount=4000) == 0
    assert balance(organization) == (10_000, 0)
    assert LedgerEntry.objects.filter(hold=hold).count() == 2
    assert check_books() == []


def test_expired_holds_are_swept_once_and_told(organization: Organization) -> None:
    late = place(organization, 3000, expires=clock.now() - timedelta(seconds=1))
    place(organization, 2000)
    assert late is not None
    assert (expire_holds(), expire_holds()) == (1, 0)
    assert balance(organization) == (8000, 2000)
    late.refresh_from_db()
    assert late.status == "expired"
    assert capture_hold(hold=late, amount=3000) == 0
    event = Event.objects.get(type="hold.expired")
    assert event.organization_id == organization.pk
    assert event.data["job"] == late.job_public_id
    assert check_books() == []


def test_a_hold_is_fitted_to_the_measured_length(organization: Organization) -> None:
    hold = place(organization, 4000)
    assert hold is not None
    assert resize_hold(hold=hold, amount=7000) is True
    assert resize_hold(hold=hold, amount=7000) is True
    assert balance(organization) == (3000, 7000)
    assert resize_hold(hold=hold, amount=10_001) is False
    assert balance(organization) == (3000, 7000)
    assert resize_hold(hold=hold, amount=1000) is True
    assert balance(organization) == (9000, 1000)
    assert check_books() == []
    assert capture_hold(hold=hold, amount=7000) == 1000
    assert resize_hold(hold=hold, amount=2000) is False
    assert check_books() == []


def test_negative_amounts_are_a_mistake(organization: Organization) -> None:
    hold = place(organization, 4000)
    assert hold is not None
    for call in (capture_hold, resize_hold):
        with pytest.raises(ValueError):
            call(hold=hold, amount=-1)
    with pytest.raises(DatabaseError), transaction.atomic():
        place(organization, -1)
    assert balance(organization) == (6000, 4000)


def test_services_join_the_callers_transaction(organization: Organization) -> None:
    hold = place(organization, 4000)
    assert hold is not None

    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic():
        capture_hold(hold=hold, amount=4000)
        raise Undo
    assert balance(organization) == (6000, 4000)
    assert release_hold(hold=hold) is True


@pytest.mark.parametrize("statement", ["UPDATE plans_ledgerentry SET note = 'x'", "DELETE FROM plans_ledgerentry"])
def test_the_ledger_is_append_only(organization: Organization, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert LedgerEntry.objects.filter(wallet__organization=organization).count() == 1


@pytest.mark.parametrize("column", ["available", "held"])
def test_the_database_itself_refuses_a_balance_below_zero(organization: Organization, column: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Wallet.objects.filter(organization=organization).update(**{column: -1})
