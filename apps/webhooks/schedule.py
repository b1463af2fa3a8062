"""When a message that was not taken is sent again: data, shown in docs/webhooks.md."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_M: Final = 60
_H: Final = 3600
DELAYS: Final[tuple[int, ...]] = (5, 5 * _M, 30 * _M, 2 * _H, 5 * _H, 10 * _H, 14 * _H, 20 * _H, 24 * _H)
"""Seconds after the first failure, the second, ...: ten attempts within three days and about four hours."""
JITTER: Final = 0.1
"""Each delay is drawn from this much around it, so that what failed together does not come back together."""
MAX_RETRY_AFTER: Final = 24 * _H
RETRY_AFTER_STATUSES: Final = (429, 503)
GONE: Final = 410
DISABLE_AFTER: Final = timedelta(days=5)
"""An endpoint that failed for so long, without a success, is switched off."""
QUIET_GAP: Final = timedelta(hours=36)
"""Failures further apart than this do not add up (the longest delay is 24 hours)."""


def next_attempt(now: datetime, failures: int, *, status: int | None = None, retry_after: str = "") -> datetime | None:
    """When to try again after so many failures of this round (1 and up); None: given up.

    A Retry-After (seconds or a date) of a 429 or 503 is waited for, up to 24 hours; it never makes an attempt earlier.
    """
    if failures > len(DELAYS):
        return None
    seconds = DELAYS[failures - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    if status in RETRY_AFTER_STATUSES and retry_after:
        seconds = max(seconds, min(_seconds(retry_after, now), MAX_RETRY_AFTER))
    return now + timedelta(seconds=seconds)


def _seconds(text: str, now: datetime) -> float:
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
