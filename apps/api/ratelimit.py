"""Requests per minute of a key or person, counted in PostgreSQL so that the limit holds over all web processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

from apps.accounts.actor import Actor
from apps.core import errors

WINDOW: Final = 60  # seconds
POLICY: Final = "default"

# One statement, one row lock held for microseconds: counts, or starts the next window. The clock is the database's.
TAKE: Final = """
INSERT INTO api_rate_window AS w (subject, window_number, used)
VALUES (%s, extract(epoch FROM clock_timestamp())::bigint / 60, 1)
ON CONFLICT (subject) DO UPDATE
SET used = CASE WHEN w.window_number = excluded.window_number THEN w.used + 1 ELSE 1 END,
    window_number = excluded.window_number
RETURNING used, (60 - extract(epoch FROM clock_timestamp())::bigint %% 60)::int
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of the current window: limit and used in requests, reset in seconds until the next window."""

    limit: int
    used: int
    reset: int

    def headers(self) -> dict[str, str]:
        """RateLimit and RateLimit-Policy as structured fields (draft-ietf-httpapi-ratelimit-headers-10)."""
        remaining = max(0, self.limit - self.used)
        return {
            "RateLimit": f'"{POLICY}";r={remaining};t={self.reset}',
            "RateLimit-Policy": f'"{POLICY}";q={self.limit};w={WINDOW}',
        }


def subject_of(actor: Actor) -> str:
    """The row that counts for this actor: each key by itself, each person by organization."""
    if actor.api_key is not None:
        return f"key:{actor.api_key.pk}"
    return f"user:{actor.organization.pk}:{actor.user.pk if actor.user else 0}"


def limit_of(actor: Actor) -> int:
    """Requests a minute of the organization's plan; people of an organization without one get the smallest."""
    subscription = getattr(actor.organization, "subscription", None)
    return int(subscription.plan.requests_per_minute) if subscription is not None else 60


def take(actor: Actor) -> Allowance:
    """Count one request. Raises ApiError 4290 (429 with Retry-After) when the window is used up."""
    limit = limit_of(actor)
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [subject_of(actor)])
        used, reset = cursor.fetchone()
    allowance = Allowance(limit, used, reset)
    if used > limit:
        error = errors.rate(reset)
        error.headers |= allowance.headers()
        raise error
    return allowance
