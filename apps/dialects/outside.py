"""Calls to hosts that a caller named while the caller waits for the answer: short, and few at once.

A web thread waits for each: hosts that never answer must not take them all, nor one customer those of the others.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from apps.accounts.actor import Actor
from apps.core import errors
from apps.core.http import OutboundPolicy
from apps.projects.services.assets import outbound_policy

SECONDS: Final = 15.0
"""From the first lookup to the last byte."""
AT_ONCE: Final = 4
AT_ONCE_EACH: Final = 2
_waiting: Counter[int] = Counter()
_lock = threading.Lock()


def quick_policy(*, max_bytes: int = 0, seconds: float = SECONDS) -> OutboundPolicy:
    """The portal's rules for what customers name, for somebody who waits."""
    return replace(outbound_policy(max_bytes=max_bytes), total_seconds=seconds, connect_seconds=5.0)


@contextmanager
def waiting_for(actor: Actor) -> Iterator[None]:
    """A place for one call of the actor's organization. Raises ApiError 4290 while there is none."""
    organization = actor.organization.pk
    with _lock:
        if _waiting.total() >= AT_ONCE or _waiting[organization] >= AT_ONCE_EACH:
            raise errors.rate(round(SECONDS), "Other files and addresses are being fetched. Try again in a moment.")
        _waiting[organization] += 1
    try:
        yield
    finally:
        with _lock:
            _waiting[organization] -= 1
            if not _waiting[organization]:
                del _waiting[organization]
