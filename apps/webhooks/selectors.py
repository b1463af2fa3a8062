"""Reads of webhooks: one door per object, keyset lists; another tenant's object does not exist."""

from __future__ import annotations

from django.db.models import Q

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.projects.selectors import Page, newest_first
from apps.webhooks.models import Attempt, Endpoint, Message

VIEW = "webhooks.view"
STATES = ("waiting", "delivered", "failed")
_STATE = dict(zip(STATES, (Message.State.DUE, Message.State.SENT, Message.State.FAILED), strict=True))
_WORD = {row.value: word for word, row in _STATE.items()}


def state_word(message: Message) -> str:
    """waiting, delivered or failed."""
    return _WORD[message.state]


def endpoints_for(actor: Actor) -> list[Endpoint]:
    """The organization's endpoints, newest first (there are at most settings.WEBHOOK_MAX_ENDPOINTS)."""
    require(actor, VIEW)
    return list(Endpoint.objects.filter(organization=actor.organization, deleted_at=None).order_by("-id"))


def endpoint_for(actor: Actor, public_id: str) -> Endpoint:
    """The endpoint; ApiError 404 when it is not of this organization, or deleted."""
    require(actor, VIEW)
    found = Endpoint.objects.filter(organization=actor.organization, public_id=public_id, deleted_at=None).first()
    if found is None:
        raise errors.not_found("webhook endpoint")
    return found


def messages_for(
    actor: Actor,
    *,
    endpoint: str = "",
    state: str = "",
    type: str = "",
    subject: str = "",
    cursor: str = "",
    limit: int = 50,
) -> Page[Message]:
    """Messages, newest first, without their bodies. `endpoint` is an id, or "callbacks" for those of orders; `subject` a job's id.

    Raises ApiError 1503, 5, or 404.
    """
    require(actor, VIEW)
    rows = Message.objects.select_related("endpoint").filter(organization=actor.organization)
    if endpoint == "callbacks":
        rows = rows.filter(endpoint=None)
    elif endpoint:
        rows = rows.filter(endpoint=endpoint_for(actor, endpoint))
    if state:
        if state not in _STATE:
            raise errors.invalid("status", f"Must be one of {', '.join(STATES)}.")
        rows = rows.filter(state=_STATE[state])
    if type:
        rows = rows.filter(type=type)
    if subject := subject.strip()[:64]:
        rows = rows.filter(Q(subject_id=subject) | Q(public_id=subject))
    return newest_first(rows.defer("body"), cursor, max(1, min(limit, 200)))


def message_for(actor: Actor, public_id: str) -> Message:
    """The message with its endpoint; ApiError 404 when it is not of this organization."""
    require(actor, VIEW)
    rows = Message.objects.select_related("endpoint", "lane", "organization")
    found = rows.filter(organization=actor.organization, public_id=public_id).first()
    if found is None:
        raise errors.not_found("webhook message")
    return found


def attempts_of(message: Message, *, limit: int = 100) -> list[Attempt]:
    """The message's attempts, newest first."""
    return list(message.attempts.order_by("-id")[:limit])


def url_of(message: Message) -> str:
    """Where the message goes."""
    return message.endpoint.url if message.endpoint is not None else message.url
