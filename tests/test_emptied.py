"""What a test that commits leaves behind, the next one does not find; what the migrations wrote is there for everyone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from apps.accounts.models import Organization
from apps.events import queue
from apps.events.models import Event
from apps.plans.models import LedgerEntry, Plan, RateCard
from tests.factories import make_organization

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("number", [1, 2])
def test_nothing_is_left_and_nothing_is_missing(number: int) -> None:
    """Both leave the same behind; whichever comes second finds the database as the first did."""
    assert not Organization.objects.exists() and not LedgerEntry.objects.exists() and not Event.objects.exists()
    assert Permission.objects.filter(codename="view_job").count() == 1
    assert Plan.objects.filter(code="business").exists() and not RateCard.objects.filter(millicredits=1234567).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dramatiq.queue")
        assert cursor.fetchone() == (0,)
    queue.enqueue("probe_asset", "ast_1")
    make_organization(credits=10)
    RateCard.objects.update(millicredits=1234567)
    Permission.objects.filter(codename="view_job").delete()
    with connection.cursor() as cursor:  # more rows than are deleted one by one
        cursor.execute("SELECT count(*) FROM accounts_organization")
        assert cursor.fetchone() == (1,)
        cursor.execute(
            "INSERT INTO auth_group (name) SELECT repeat('x', 100) || number FROM generate_series(1, 5000) number"
        )
