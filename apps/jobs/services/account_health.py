"""The circuit breaker of an account: trouble in a row opens it, it rests longer and longer, and one trial closes it again.

Open: `open_until` lies ahead, nothing new is sent. Half open: `open_until` is past but still there; whoever asks first
(`may_send`) is the trial. Closed: empty. Healthy work writes one row a minute at most.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Final, Literal

from django.db import transaction
from django.db.models import Q

from apps.core import clock
from apps.events import log
from apps.jobs.models import ProviderAccount

Trouble = Literal["refused", "unavailable"]

FAILURES: Final = 5
"""Seconds with trouble in a row after which the breaker opens; a refused account opens it at once."""
FIRST_REST: Final[dict[Trouble, float]] = {"refused": 60.0, "unavailable": 15.0}
LONGEST_REST: Final[dict[Trouble, float]] = {"refused": 1800.0, "unavailable": 600.0}
TRIAL_SECONDS: Final = 60.0
"""How long a trial has the breaker to itself; when it is never heard of, the next one tries."""
OK_EVERY: Final = 60.0
WRITE_EVERY: Final = 1.0

_written: dict[tuple[int, str], float] = {}
_trials: dict[int, datetime] = {}
"""Trials that this process has: account -> end of the trial, as its row has it."""
_guard = threading.Lock()


def may_send(row: ProviderAccount) -> float:
    """0.0 when something new may be sent (for a half-open breaker: this caller is the trial), else seconds to rest."""
    if row.open_until is None:
        return 0.0
    now = clock.now()
    if row.open_until <= now:
        rows = ProviderAccount.objects.filter(pk=row.pk, open_until=row.open_until)
        until = now + timedelta(seconds=TRIAL_SECONDS)
        if rows.update(open_until=until):
            _trials[row.pk] = until
            return 0.0
        row.refresh_from_db(fields=["open_until"])
    return max(0.1, (row.open_until - now).total_seconds()) if row.open_until else 0.0


def rests(row: ProviderAccount) -> float:
    """Seconds that the breaker stays open; 0.0 when it is closed or half open. Changes nothing."""
    return max(0.0, (row.open_until - clock.now()).total_seconds()) if row.open_until else 0.0


def saw_ok(row: ProviderAccount, *, reading: bool = False) -> None:
    """The vendor did what was asked: the row of failures ends, and a breaker that was open closes.

    A read closes none: an account without points, say, still answers polls. Writes only when there is something to heal, or
    the last good moment is older than a minute.
    """
    now = clock.now()
    stale = now - timedelta(seconds=OK_EVERY)
    recent = row.last_ok_at is not None and row.last_ok_at > stale
    healthy = row.failures == 0 and row.open_until is None
    # The row may be older than the trouble that another process told of: each process looks once a second, no more.
    if not _due(row.pk, "ok", OK_EVERY if (recent and healthy and reading) else WRITE_EVERY):
        return
    rows = ProviderAccount.objects.filter(pk=row.pk)
    if reading:
        ill = Q(failures__gt=0, open_until=None)
        rows.filter(ill | Q(last_ok_at=None) | Q(last_ok_at__lt=stale), open_until=None).update(
            failures=0, last_ok_at=now
        )
        return
    if (
        rows.filter(open_until=None)
        .filter(Q(failures__gt=0) | Q(last_ok_at=None) | Q(last_ok_at__lt=stale))
        .update(failures=0, last_ok_at=now)
    ):
        return
    with transaction.atomic():
        if rows.exclude(open_until=None).update(failures=0, open_until=None, last_ok_at=now):
            _tell(row, "provider_account.recovered", {})


def saw_trouble(row: ProviderAccount, reason: str, kind: Trouble) -> None:
    """The vendor was ill, or refused the account. What happens within one second in one process counts once.

    While the breaker is open nothing counts: what was sent before it opened fails late, and must not lengthen the rest.
    """
    if not _due(row.pk, kind, WRITE_EVERY):
        return
    now, reason = clock.now(), reason.replace("\x00", "\ufffd")
    with transaction.atomic():
        kept = ProviderAccount.objects.select_for_update(no_key=True).filter(pk=row.pk).first()
        if kept is None:
            return
        ours = _trials.get(kept.pk) == kept.open_until
        if kept.open_until is not None and kept.open_until > now and not ours:
            return
        failures = kept.failures + 1
        if kind == "refused":
            failures = max(failures, FAILURES)
        values: dict[str, object] = {"failures": failures, "last_error": f"{kind}: {reason}"[:1000]}
        if failures >= FAILURES:
            rest = min(FIRST_REST[kind] * 2.0 ** min(failures - FAILURES, 20), LONGEST_REST[kind])
            values["open_until"] = now + timedelta(seconds=rest)
            if kept.open_until is None:
                _tell(row, "provider_account.resting", {"kind": kind, "reason": reason[:500], "seconds": rest})
        ProviderAccount.objects.filter(pk=row.pk).update(**values)


def forget_writes() -> None:
    """Lets the next word through at once (tests, and after an account was changed)."""
    with _guard:
        _written.clear()


def _due(pk: int, word: str, seconds: float) -> bool:
    moment = time.monotonic()
    with _guard:
        last = _written.get((pk, word))
        if last is not None and moment - last < seconds:
            return False
        _written[pk, word] = moment
    return True


def _tell(row: ProviderAccount, type: str, data: dict[str, object]) -> None:
    data = {"provider": row.provider, "name": row.name, **data}
    log.record(type=type, actor=None, organization_id=row.organization_id, subject=row, data=data)
