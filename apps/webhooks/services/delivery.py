"""The rows' side of sending: taking lanes, settling attempts, freeing lanes. One statement each, for whole batches.

Only lanes are taken, not messages: whoever has the lane may send all that is due in it. A message's state is moved by the number of
its attempt, so that an attempt whose sender had lost the lane meanwhile is kept, and changes nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db import connection, transaction

from apps.webhooks.services.secrets import callback_secret

LEASE_SECONDS: Final = 60
"""How long a taken lane stays taken when its sender is killed."""
TURN: Final = 25
"""Messages of one turn of a lane; of a slow one SLOW_TURN."""
SLOW_TURN: Final = 4

_TAKE: Final = """
WITH ready AS (
    SELECT id FROM webhooks_lane
     WHERE slow = %(slow)s AND due_at <= now() AND (busy_until IS NULL OR busy_until <= now())
     ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE webhooks_lane l SET busy_until = now() + make_interval(secs => %(lease)s) FROM ready WHERE l.id = ready.id
RETURNING l.id
"""
# After the lanes were taken, as a statement of its own: an older snapshot would show messages that were just sent as due.
_DUE: Final = """
SELECT l.id, l.endpoint_id, l.organization_id, e.url, coalesce(e.sealed, c.sealed), coalesce(e.sealed_previous, c.sealed_previous),
       coalesce(e.previous_until, c.previous_until),
       coalesce(e.enabled AND e.deleted_at IS NULL, true), e.failing_since, e.last_failure_at,
       m.id, m.public_id, m.subject_id, m.url, m.headers::text, m.bare, m.body, m.is_test, m.tries, m.attempt_count
  FROM webhooks_lane l
  LEFT JOIN webhooks_endpoint e ON e.id = l.endpoint_id
  LEFT JOIN webhooks_callbacksecret c ON c.organization_id = l.organization_id AND l.endpoint_id IS NULL
 CROSS JOIN LATERAL (
    SELECT * FROM webhooks_message d WHERE d.lane_id = l.id AND d.state = 'due' AND d.next_attempt_at <= now()
     ORDER BY d.next_attempt_at, d.id LIMIT %(turn)s) m
 WHERE l.id = ANY(%(lanes)s)
 ORDER BY l.id, m.next_attempt_at, m.id
"""
_SETTLE: Final = """
WITH done AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS x(
        message bigint, number int, url text, request_headers jsonb, status int, response_headers jsonb, response_body text,
        error text, started_at timestamptz, duration_ms int, state text, next_attempt_at timestamptz, finished_at timestamptz)
), kept AS (
    INSERT INTO webhooks_attempt (message_id, number, url, request_headers, status, response_headers, response_body, error,
                                  started_at, duration_ms)
    SELECT d.message, d.number, d.url, d.request_headers, d.status, d.response_headers, d.response_body, d.error, d.started_at,
           d.duration_ms
      FROM done d WHERE d.started_at IS NOT NULL AND EXISTS (SELECT FROM webhooks_message m WHERE m.id = d.message)
)
UPDATE webhooks_message m
   SET state = d.state, next_attempt_at = d.next_attempt_at, finished_at = d.finished_at, last_status = d.status,
       last_error = d.error, tries = m.tries + (d.started_at IS NOT NULL)::int, attempt_count = d.number
  FROM done d
 WHERE m.id = d.message AND m.state = 'due' AND m.attempt_count = d.number - (d.started_at IS NOT NULL)::int
"""
_FREE: Final = """
UPDATE webhooks_lane l
   SET busy_until = NULL, slow = x.slow,
       due_at = (SELECT min(m.next_attempt_at) FROM webhooks_message m WHERE m.lane_id = l.id AND m.state = 'due')
  FROM jsonb_to_recordset(%s::jsonb) AS x(lane bigint, slow boolean)
 WHERE l.id = x.lane
"""


@dataclass(slots=True)
class Outgoing:
    """A message that is due, as the sender needs it."""

    pk: int
    public_id: str
    subject_id: str
    url: str
    headers: dict[str, str]
    bare: bool
    body: bytes
    is_test: bool
    tries: int
    number: int


@dataclass(slots=True)
class Turn:
    """A lane that was taken, with what is due in it. `enabled` False: nothing but tests goes out."""

    lane: int
    endpoint: int | None
    organization: int
    url: str
    sealed: str
    sealed_previous: str
    previous_until: datetime | None
    enabled: bool
    failing_since: datetime | None
    last_failure_at: datetime | None
    slow: bool
    messages: list[Outgoing] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one attempt came to. `started_at` None: nothing was sent (the endpoint was switched off meanwhile)."""

    message: int
    number: int
    url: str
    request_headers: dict[str, str]
    status: int | None
    response_headers: dict[str, str]
    response_body: str
    error: str
    started_at: datetime | None
    duration_ms: int
    state: str
    next_attempt_at: datetime | None
    finished_at: datetime | None


@dataclass(slots=True)
class Freed:
    """A turn that is over."""

    lane: int
    slow: bool


def take_turns(*, slow: bool, limit: int) -> list[Turn]:
    """Takes up to so many lanes whose time has come, longest waiting first, and reads what is due in them."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"slow": slow, "limit": limit, "lease": LEASE_SECONDS})
        lanes = [row[0] for row in cursor.fetchall()]
        if not lanes:
            return []
        cursor.execute(_DUE, {"lanes": lanes, "turn": SLOW_TURN if slow else TURN})
        turns: dict[int, Turn] = {}
        for row in cursor.fetchall():
            turn = turns.get(row[0])
            if turn is None:
                turn = turns[row[0]] = _turn(row[:10], slow)
            turn.messages.append(_outgoing(row[10:]))
    if empty := [Freed(lane, slow) for lane in lanes if lane not in turns]:
        settle([], empty)
    return list(turns.values())


def _turn(row: Sequence[Any], slow: bool) -> Turn:
    lane, endpoint, organization, url, sealed, previous, until, enabled, failing_since, last_failure_at = row
    if endpoint is None and sealed is None:  # the first callback of an organization
        sealed = callback_secret(organization).sealed
    secrets = (sealed or "", previous or "", until)
    return Turn(lane, endpoint, organization, url or "", *secrets, enabled, failing_since, last_failure_at, slow)


def _outgoing(row: Sequence[Any]) -> Outgoing:
    pk, public_id, subject_id, url, headers, bare, body, is_test, tries, count = row
    made = msgspec.json.decode(headers, type=dict[str, str]) if headers != "{}" else {}
    return Outgoing(pk, public_id, subject_id, url, made, bare, body.encode(), is_test, tries, count + 1)


def settle(outcomes: Sequence[Outcome], freed: Sequence[Freed] = ()) -> None:
    """Writes attempts and what they make of their messages, and gives lanes back; all or nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        if outcomes:
            cursor.execute(_SETTLE, [msgspec.json.encode(outcomes).decode()])
        if freed:
            lanes = sorted(one.lane for one in freed)
            # First the locks, then a fresh look: a message that is put in meanwhile sets due_at itself, after us.
            cursor.execute("SELECT FROM webhooks_lane WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [lanes])
            cursor.execute(_FREE, [msgspec.json.encode(freed).decode()])
