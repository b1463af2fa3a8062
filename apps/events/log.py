"""Writing to the event log: one row per fact, in the transaction of the change that it tells of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from apps.events.models import Event


class HasJson(Protocol):
    """An actor: apps.accounts.actor.Actor, which sits above this layer."""

    def as_json(self) -> dict[str, str]: ...


class HasPublicId(Protocol):
    """A model with a public id; what kind it is is told by its class name."""

    @property
    def public_id(self) -> str: ...


Subject = HasPublicId | tuple[str, str]


def record(
    *,
    type: str,
    actor: HasJson | Mapping[str, str] | None,
    organization_id: int | None,
    subject: Subject,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Add a fact such as "job.completed" about a subject, itself or ("job", "job_…").

    The row is part of the caller's transaction; listeners hear of it on commit (a trigger notifies). actor None is the
    system itself. data must be JSON. The request id comes from the log context.
    """
    kind, identifier = (
        subject if isinstance(subject, tuple) else (subject.__class__.__name__.lower(), subject.public_id)
    )
    if actor is None:
        who: dict[str, str] = {"kind": "system", "id": "", "label": "system"}
    else:
        who = dict(actor) if isinstance(actor, Mapping) else actor.as_json()
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]
    return Event.objects.create(
        type=type,
        actor=who,
        organization_id=organization_id,
        subject_type=kind[:32],
        subject_id=identifier,
        data=dict(data or {}),
        request_id=request_id,
    )
