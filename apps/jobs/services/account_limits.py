"""How fast an account may be used, kept across processes and machines: one UPDATE on a moment in its row hands out slots.

The moment is that of the next free slot (a token bucket without a counter). The database's clock is the only clock. Polls are
paced in the same way where they are claimed (vendor/poll.py).
"""

from __future__ import annotations

import random
from typing import Final

from django.db import connection

from apps.jobs import states
from apps.jobs.models import Job, ProviderAccount
from apps.jobs.services.accounts import adapter_of

SOON: Final = 2.0
"""Seconds that a worker may sleep for its slot; for a later one the job is given back instead."""
_MOST_WAITING: Final = 10_000

_SUBMIT: Final = """
UPDATE jobs_provideraccount SET next_submit_at = GREATEST(next_submit_at, clock_timestamp()) + make_interval(secs => %(pace)s)
WHERE id = %(id)s AND (next_submit_at IS NULL OR next_submit_at <= clock_timestamp() + make_interval(secs => %(soon)s))
RETURNING GREATEST(0, EXTRACT(EPOCH FROM next_submit_at - clock_timestamp()) - %(pace)s)
"""
_SUBMIT_WAIT: Final = (
    "SELECT GREATEST(0, EXTRACT(EPOCH FROM next_submit_at - clock_timestamp())) FROM jobs_provideraccount WHERE id = %s"
)
_HOLD_BACK: Final = """
UPDATE jobs_provideraccount SET next_submit_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE id = %(id)s AND (next_submit_at IS NULL OR next_submit_at < clock_timestamp() + make_interval(secs => %(seconds)s))
"""


def reserve_submit(row: ProviderAccount) -> float:
    """Seconds until this process may send one create. Up to SOON: the slot is taken, sleep and send.

    More than SOON: nothing is taken; give the job back for so long. It is spread over the queue of those that wait, so that a
    thousand jobs at one a second are not all awake each second.
    """
    rate = row.submits_per_second or adapter_of(row.provider).submits_per_second
    with connection.cursor() as cursor:
        if rate <= 0:  # no pace of its own, but a Retry-After holds for it too
            cursor.execute(_SUBMIT_WAIT, [row.pk])
            found = cursor.fetchone()
            return float(found[0] or 0) if found else 0.0
        cursor.execute(_SUBMIT, {"id": row.pk, "pace": 1.0 / rate, "soon": SOON})
        if taken := cursor.fetchone():
            return float(taken[0])
        cursor.execute(_SUBMIT_WAIT, [row.pk])
        found = cursor.fetchone()
    ahead = max(float(found[0] or 0) if found else 0.0, SOON)
    return ahead + random.uniform(0.1, 1.0) * max(1.0, _waiting(row) / rate)


def hold_back(row: ProviderAccount, seconds: float) -> None:
    """The vendor asked the whole account to wait (Retry-After): no create before that; a later moment that is kept stays."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_BACK, {"id": row.pk, "seconds": min(max(seconds, 0.0), 3600.0)})


def has_room(row: ProviderAccount, *, but: Job | None = None) -> bool:
    """Whether the account may carry one more job at once; `but` does not count."""
    if row.concurrency <= 0:
        return True
    running = row.jobs.filter(status=states.PROCESSING)
    if but is not None:
        running = running.exclude(pk=but.pk)
    return running.count() < row.concurrency


def _waiting(row: ProviderAccount) -> int:
    rows = Job.objects.filter(provider_account=row, status=states.PROCESSING, provider_ref="")
    return rows[:_MOST_WAITING].count()
