"""The sweep: the books are checked once in 24 hours, whoever sweeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from apps.core import clock
from apps.events.models import Event
from apps.plans.models import Hold, Subscription
from apps.plans.services import check_books_when_due, sweep
from tests.factories import make_organization
from tests.plans.holds import place
from tests.threads import at_once


@pytest.mark.django_db
def test_a_sweep_does_what_is_due() -> None:
    organization = make_organization(plan="business")
    hold = place(organization, 1000, expires=clock.now() - timedelta(seconds=1))
    Subscription.objects.update(period_end=clock.now() - timedelta(seconds=1))
    assert sweep() == {"expired": 1, "months": 1, "checks": 1}
    assert sweep() == {"expired": 0, "months": 0, "checks": 0}
    assert hold is not None
    assert Hold.objects.get(pk=hold.pk).status == "expired"
    event = Event.objects.get(type="books.checked")
    assert (event.organization_id, event.data) == (None, {"mismatches": 0})


@pytest.mark.django_db(transaction=True)
def test_the_books_are_checked_once_by_many_sweepers() -> None:
    assert sorted(at_once(4, lambda _: check_books_when_due())) == [False, False, False, True]
    # A day later it is due again. (The log refuses changes: the test moves the row's time under the trigger.)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE events_event SET created_at = created_at - interval '25 hours'")
        cursor.execute("SET session_replication_role = origin")
    assert check_books_when_due() is True
