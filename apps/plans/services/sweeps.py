"""What must happen to money as time passes; the reconciler calls sweep() again and again, from any number of machines."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, transaction

from apps.core import clock
from apps.events.log import record
from apps.events.models import Event
from apps.plans.services.books import check_books
from apps.plans.services.holds import expire_holds
from apps.plans.services.subscriptions import grant_monthly

BOOKS_EVERY: Final = timedelta(hours=24)
_LOCK: Final = 0x6B6E_0002  # advisory lock of the nightly check; any number that nothing else uses


def sweep() -> dict[str, int]:
    """Expire holds, start due months, check the books once in 24 hours; how many of each."""
    return {"expired": expire_holds(), "months": grant_monthly(), "checks": int(check_books_when_due())}


@transaction.atomic
def check_books_when_due() -> bool:
    """Check the books unless somebody did within 24 hours; the Event `books.checked` remembers when."""
    newest = Event.objects.filter(type="books.checked").order_by("-pk")
    since = clock.now() - BOOKS_EVERY
    last = newest.first()
    if last is not None and last.created_at > since:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return False
    last = newest.first()  # asked again under the lock: another sweeper may just have finished
    if last is not None and last.created_at > since:
        return False
    found = check_books()
    record(
        type="books.checked",
        actor=None,
        organization_id=None,
        subject=("books", "all"),
        data={"mismatches": len(found)},
    )
    return True
