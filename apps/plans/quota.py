"""Requests a minute of a key or person (plan.requests_per_minute), held over all web processes by sql/quota.sql."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

from apps.accounts.actor import Actor
from apps.core import errors

WINDOW: Final = 60  # seconds
POLICY: Final = "default"


@dataclass(frozen=True, slots=True)
class Quota:
    """The present minute: limit and used in requests, reset in seconds until the next one."""

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

    def check(self) -> None:
        """Raise ApiError 4290 (429 with Retry-After and the RateLimit headers) when the limit is passed."""
        if self.used > self.limit:
            error = errors.rate(self.reset)
            error.headers |= self.headers()
            raise error


def subject_of(actor: Actor) -> str:
    """The row that counts for this actor: each key by itself, each person by organization."""
    if actor.api_key is not None:
        return f"key:{actor.api_key.pk}"
    return f"user:{actor.organization.pk}:{actor.user.pk if actor.user else 0}"


def take(actor: Actor) -> Quota:
    """Count one request of the actor. The caller decides with `check`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quota, used, reset FROM take_request(%s, %s)", [subject_of(actor), actor.organization.pk]
        )
        return Quota(*cursor.fetchone())
