"""What the tests of money share: placing a hold as admission does, and reading balances."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.ids import new_id
from apps.plans.models import Hold, Wallet


def place(
    organization: Organization,
    amount: int,
    *,
    pool: str = "api",
    job: str | None = None,
    attempt: int = 1,
    expires: datetime | None = None,
) -> Hold | None:
    """Call place_hold; None for a shortage."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hold_id, needed, available FROM place_hold(%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
            [
                organization.pk,
                pool,
                job or new_id("job"),
                attempt,
                amount,
                new_id("hld"),
                new_id("led"),
                '{"kind": "system"}',
                expires or clock.now() + timedelta(days=1),
            ],
        )
        hold_id, needed, _available = cursor.fetchone()
    assert needed == amount
    return Hold.objects.get(pk=hold_id) if hold_id is not None else None


def balance(organization: Organization, pool: str = "api") -> tuple[int, int]:
    """(available, held), milli-credits."""
    wallet = Wallet.objects.filter(organization=organization, pool=pool).first()
    return (wallet.available, wallet.held) if wallet else (0, 0)
