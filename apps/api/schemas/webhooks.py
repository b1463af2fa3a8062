"""Shapes of webhook endpoints, their messages and attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from apps.api.schemas.common import NextCursor, PageQuery

Url = Annotated[str, Meta(min_length=8, max_length=2000, description="https address that answers POST with 2xx.")]
EventTypes = Annotated[
    list[str], Meta(max_length=100, description="Types to be told of (`GET /webhook-event-types`); empty: all.")
]
Description = Annotated[str, Meta(max_length=200)]
MessageStatus = Literal["waiting", "delivered", "failed"]


class NewWebhookEndpoint(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An address to be told of events."""

    url: Url
    description: Description = ""
    event_types: EventTypes = []


class WebhookEndpointChanges(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to change; what is left out stays."""

    url: Url | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class WebhookEndpoint(Struct, frozen=True, kw_only=True):
    """An address that is told of the organization's events."""

    id: str
    url: str
    description: str
    event_types: Annotated[list[str], Meta(description="Empty: all.")]
    version: Annotated[str, Meta(description="Version of the payloads it is sent.")]
    enabled: bool
    disabled_reason: Annotated[
        Literal["", "person", "gone", "failing"], Meta(description="`gone`: it answered 410; `failing`: for five days.")
    ]
    disabled_at: datetime | None
    failing_since: Annotated[datetime | None, Meta(description="First failure with no success after it.")]
    previous_secret_until: Annotated[datetime | None, Meta(description="Until when the secret before signs, too.")]
    created_at: datetime


class WebhookEndpointList(Struct, frozen=True, kw_only=True):
    """Every endpoint of the organization, newest first."""

    items: list[WebhookEndpoint]


class WebhookSecret(Struct, frozen=True, kw_only=True):
    """What signs; keep it where nobody reads it."""

    secret: Annotated[str, Meta(description="`whsec_` and base64, as the Standard Webhooks libraries take it.")]
    previous_secret_until: datetime | None


class RotateSecret(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the present secret goes on signing beside the new one."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=604_800)] = 86_400


class Recover(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From when on."""

    since: Annotated[datetime, Meta(tz=True, description="RFC 3339; at most the retention (30 days) ago.")]


class Recovered(Struct, frozen=True, kw_only=True):
    """How many messages are sent again."""

    messages: int


class WebhookAttempt(Struct, frozen=True, kw_only=True):
    """One request and what came of it."""

    number: int
    url: str
    request_headers: dict[str, str]
    status: Annotated[int | None, Meta(description="null when no answer came; `error` says why.")]
    response_headers: dict[str, str]
    response_body: Annotated[str, Meta(description="The first kilobyte.")]
    error: str
    started_at: datetime
    duration_ms: int


class WebhookMessageSummary(Struct, frozen=True, kw_only=True):
    """One thing that one address is told."""

    id: Annotated[str, Meta(description="`webhook-id` of every attempt.")]
    endpoint: Annotated[str | None, Meta(description="null for the callback of an order.")]
    url: str
    type: str
    subject: Annotated[str, Meta(description="What it is about, e.g. a job's id.")]
    status: MessageStatus
    test: bool
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str
    created_at: datetime
    finished_at: datetime | None


class WebhookMessage(WebhookMessageSummary, frozen=True, kw_only=True):
    """With its body as sent, and its attempts."""

    body: str
    history: Annotated[list[WebhookAttempt], Meta(description="The last hundred attempts, newest first.")]


class WebhookMessagePage(Struct, frozen=True, kw_only=True):
    """A page of messages, newest first."""

    items: list[WebhookMessageSummary]
    next_cursor: NextCursor


class WebhookMessageQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters of the log."""

    endpoint: Annotated[str, Meta(max_length=64, description="An endpoint's id, or `callbacks` for orders' own.")] = ""
    status: Annotated[MessageStatus | None, Meta(description="Only messages with this status.")] = None
    type: Annotated[str, Meta(max_length=64, description="Only messages of this event type.")] = ""
    subject: Annotated[str, Meta(max_length=64, description="A job's id, or a message's.")] = ""


class WebhookEventType(Struct, frozen=True, kw_only=True):
    """A type of event, with an example of what is posted."""

    type: str
    meaning: str
    example: dict[str, Any]


class WebhookEventTypeList(Struct, frozen=True, kw_only=True):
    """Everything that endpoints can be told of."""

    version: str
    items: list[WebhookEventType]
