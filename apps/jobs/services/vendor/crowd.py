"""Few at once of what waits for hosts that organizations name: a worker has few threads, and such a host may take an hour over a file.

That is work at an account that an organization brought, and work whose source is still to be fetched from its link.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from apps.core import clock
from apps.jobs import states
from apps.jobs.models import Job, ProviderAccount
from apps.projects.models import Asset

AT_ONCE: Final = 2
"""In one worker process, which has four threads unless told; AT_ONCE_EACH of one organization."""
AT_ONCE_EACH: Final = 1
PUT_OFF_SECONDS: Final = 5.0
_working: Counter[int] = Counter()
_lock = threading.Lock()


@contextmanager
def place_for(public_id: str) -> Iterator[bool]:
    """Whether the job may be taken up now; False: come again later."""
    organization = _who_may_be_slow(public_id)
    if organization is None:
        yield True
        return
    with _lock:
        free = _working.total() < AT_ONCE and _working[organization] < AT_ONCE_EACH
        if free:
            _working[organization] += 1
    try:
        yield free
    finally:
        if free:
            with _lock:
                _working[organization] -= 1


def put_off(public_id: str) -> bool:
    """The reconciler sends another message in a moment; this one must not come back beside it. False when a worker has the job."""
    waiting = Job.objects.filter(
        public_id=public_id, status=states.PROCESSING, lease_owner="", next_run_at__isnull=False
    )
    return bool(waiting.update(next_run_at=clock.now() + timedelta(seconds=PUT_OFF_SECONDS)))


def _who_may_be_slow(public_id: str) -> int | None:
    """The organization of a job that waits for hosts of its own choosing; None for any other."""
    job: tuple[Any, ...] | None = (
        Job.objects.filter(public_id=public_id)
        .values_list(
            "organization_id",
            "provider",
            "provider_account_id",
            "provider_account__organization_id",
            "translation__project__source_asset__status",
        )
        .first()
    )
    if job is None:
        return None
    organization, provider, account, owner, source = job
    if owner is not None or source == Asset.Status.REMOTE:
        return int(organization)
    if account is not None:
        return None
    # Not chosen yet: an organization's own goes first.
    own = ProviderAccount.objects.filter(organization_id=organization, provider=provider, enabled=True)
    return int(organization) if own.exists() else None
