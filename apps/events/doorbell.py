"""Ringing for what a quiet transaction wrote: listeners and workers look at once instead of within a second.

A transaction that notifies holds a database-wide lock while it is written to disk, so admission, the one hot path, does
not (it sets kinoglot.quiet). A notification alone writes nothing and is cheap. Lost rings cost a second, never work.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from django.db import connection, transaction

_INTERVAL: Final = 0.02  # seconds; readers look at most that often, so more rings would be wasted
_lock = threading.Lock()
_last: dict[str, float] = {}


def ring_after_commit(queue: str = "default") -> None:
    """Call within or after the quiet transaction; rings for the event log and for this queue's workers."""
    transaction.on_commit(lambda: _ring(queue), robust=True)


def _ring(queue: str) -> None:
    now = time.monotonic()
    with _lock:
        if now - _last.get(queue, -1.0) < _INTERVAL:
            return
        _last[queue] = now
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('kinoglot_events', ''), pg_notify(%s, '')", [f"dramatiq.{queue}.enqueue"])
