"""How long to wait, and the one exception that says so."""

from __future__ import annotations

import random
from typing import Final

from django.conf import settings

LONGEST_SECONDS: Final = 300.0
LONGEST_PAUSE: Final = 3600.0
"""However long a vendor asks us to wait, after so many seconds it is asked again."""


class Wait(Exception):
    """Nothing is wrong: the job goes on after so many seconds, and this try does not count."""

    def __init__(self, seconds: float, reason: str = "") -> None:
        self.seconds = max(0.0, seconds)
        super().__init__(reason)


def backoff(troubles: int, *, first: float | None = None) -> float:
    """Seconds after so many troubles in a row: doubled each time, at most 5 minutes, give or take a quarter."""
    start = settings.VENDOR_BACKOFF_SECONDS if first is None else first
    return min(start * 2.0 ** min(max(troubles - 1, 0), 16), LONGEST_SECONDS) * random.uniform(0.75, 1.25)


def spread(seconds: float) -> float:
    """Give or take a tenth: jobs of one order must not be asked for all at once."""
    return bounded(seconds) * random.uniform(0.9, 1.1)


def bounded(seconds: float) -> float:
    """Between 0 and LONGEST_PAUSE, whatever a vendor wrote ("inf" and "nan" are numbers, too)."""
    return min(seconds, LONGEST_PAUSE) if seconds > 0 else 0.0
