"""How webhooks look in the API: rows as shapes, and the examples of the OpenAPI document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from apps.api.schemas import webhooks as shapes
from apps.webhooks import selectors
from apps.webhooks.catalog import VERSION
from apps.webhooks.models import Attempt, CallbackSecret, Endpoint, Message


def endpoint(row: Endpoint) -> shapes.WebhookEndpoint:
    """Without its secret."""
    return shapes.WebhookEndpoint(
        id=row.public_id,
        url=row.url,
        description=row.description,
        event_types=row.event_types,
        version=row.version,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,  # type: ignore[arg-type]
        disabled_at=row.disabled_at,
        failing_since=row.failing_since,
        previous_secret_until=row.previous_until,
        created_at=row.created_at,
    )


def secret(text: str, row: Endpoint | CallbackSecret) -> shapes.WebhookSecret:
    """The newest one."""
    return shapes.WebhookSecret(secret=text, previous_secret_until=row.previous_until)


def attempt(row: Attempt) -> shapes.WebhookAttempt:
    """One attempt."""
    return shapes.WebhookAttempt(
        number=row.number,
        url=row.url,
        request_headers=row.request_headers,
        status=row.status,
        response_headers=row.response_headers,
        response_body=row.response_body,
        error=row.error,
        started_at=row.started_at,
        duration_ms=row.duration_ms,
    )


def summary(row: Message) -> shapes.WebhookMessageSummary:
    """`row` needs its endpoint loaded."""
    return shapes.WebhookMessageSummary(**_facts(row))  # type: ignore[arg-type]


def message(row: Message) -> shapes.WebhookMessage:
    """With body and attempts."""
    history = [attempt(one) for one in selectors.attempts_of(row)]
    return shapes.WebhookMessage(**_facts(row), body=row.body, history=history)  # type: ignore[arg-type]


def _facts(row: Message) -> dict[str, object]:
    return {
        "id": row.public_id,
        "endpoint": row.endpoint.public_id if row.endpoint is not None else None,
        "url": selectors.url_of(row),
        "type": row.type,
        "subject": row.subject_id,
        "status": selectors.state_word(row),
        "test": row.is_test,
        "attempts": row.attempt_count,
        "next_attempt_at": row.next_attempt_at,
        "last_status": row.last_status,
        "last_error": row.last_error,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


_T0: Final = datetime(2026, 11, 21, 9, 31, 5, 310000, tzinfo=UTC)
_URL: Final = "https://hooks.example.com/kinoglot"
_BODY: Final = (
    '{"type":"job.completed","timestamp":"2026-11-21T09:31:05.120Z","version":"2026-11-01","data":{"id":"job_…"}}'
)
ENDPOINT: Final = shapes.WebhookEndpoint(
    id="whe_0h5x2c9k3f7mq1az",
    url=_URL,
    description="order desk",
    event_types=["job.completed", "job.failed"],
    version=VERSION,
    enabled=True,
    disabled_reason="",
    disabled_at=None,
    failing_since=None,
    previous_secret_until=None,
    created_at=_T0,
)
SECRET: Final = shapes.WebhookSecret(
    secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=", previous_secret_until=None
)
ATTEMPT: Final = shapes.WebhookAttempt(
    number=1,
    url=_URL,
    request_headers={
        "content-type": "application/json",
        "webhook-id": "whm_0h5x2d1k3f7mq1c3",
        "webhook-timestamp": "1795253465",
        "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
    status=204,
    response_headers={"date": "Sat, 21 Nov 2026 09:31:05 GMT"},
    response_body="",
    error="",
    started_at=_T0,
    duration_ms=84,
)
_FACTS: Final = {
    "id": "whm_0h5x2d1k3f7mq1c3",
    "endpoint": ENDPOINT.id,
    "url": _URL,
    "type": "job.completed",
    "subject": "job_0h5x2c9k3f7mq1az",
    "status": "delivered",
    "test": False,
    "attempts": 1,
    "next_attempt_at": None,
    "last_status": 204,
    "last_error": "",
    "created_at": _T0,
    "finished_at": _T0,
}
SUMMARY: Final = shapes.WebhookMessageSummary(**_FACTS)  # type: ignore[arg-type]
MESSAGE: Final = shapes.WebhookMessage(**_FACTS, body=_BODY, history=[ATTEMPT])  # type: ignore[arg-type]
