"""From the event log to messages: once for each event and destination, in the transaction that moves the reader's position."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from django.db import connection

from apps.core import clock
from apps.events.cursor import PAGE, read_new
from apps.events.models import Event
from apps.jobs.models import Job
from apps.webhooks import payloads, shapes
from apps.webhooks.catalog import BY_NAME, is_job_type
from apps.webhooks.models import Endpoint, Lane, Message

logger = logging.getLogger(__name__)
READER: Final = "webhooks"
BATCH: Final = PAGE
DISABLED: Final = "The endpoint was switched off."


def fan_out(*, limit: int = BATCH) -> tuple[int, int]:
    """Makes the messages of the next events; (events read, messages made). Fewer events than `limit`: the log's end.

    While another process is at it, nothing is read.
    """
    with read_new(READER, limit=limit) as events:
        messages = _messages(events) if events else []
        if messages:
            Message.objects.bulk_create(messages, batch_size=500)
            wake_lanes({message.lane_id for message in messages if message.state == Message.State.DUE})
    return len(events), len(messages)


def wake_lanes(lanes: Iterable[int]) -> None:
    """These lanes have something that is due now. Call it in the transaction that made it so, after the messages."""
    ids = sorted(lanes)
    if not ids:
        return
    with connection.cursor() as cursor:
        # In one order everywhere, so that two who wake or free several lanes do not wait for each other.
        cursor.execute(
            "WITH held AS (SELECT id FROM webhooks_lane WHERE id = ANY(%s) ORDER BY id FOR UPDATE)"
            " UPDATE webhooks_lane l SET due_at = least(l.due_at, now()) FROM held WHERE l.id = held.id",
            [ids],
        )


def endpoint_lane(endpoint: Endpoint) -> Lane:
    """The endpoint's lane."""
    return Lane.objects.get_or_create(endpoint=endpoint, defaults={"organization_id": endpoint.organization_id})[0]


def _messages(events: Sequence[Event]) -> list[Message]:
    organizations = {event.organization_id for event in events if event.organization_id is not None}
    endpoints: dict[int, list[Endpoint]] = {}
    rows = Endpoint.objects.filter(organization_id__in=organizations, deleted_at=None).select_related("lane")
    for endpoint in rows.order_by("id"):
        endpoints.setdefault(endpoint.organization_id, []).append(endpoint)
    jobs = _jobs(events, set(endpoints))
    made: list[Message] = []
    for event in events:
        job = jobs.get(event.subject_id) if event.subject_type == "job" else None
        if job is not None and job.organization_id != event.organization_id:
            continue
        made += _for_endpoints(event, job, endpoints.get(event.organization_id or 0, ()))
        if job is not None and job.callback_url and (message := _callback(event, job)) is not None:
            made.append(message)
    return _with_lanes(made)


def _jobs(events: Sequence[Event], with_endpoints: set[int]) -> dict[str, Job]:
    """Jobs that someone is told of, by id: those of organizations with endpoints, and those with a callback URL."""
    every = {event.subject_id for event in events if event.subject_type == "job"}
    told = {
        event.subject_id
        for event in events
        if event.subject_type == "job" and event.organization_id in with_endpoints and event.type in BY_NAME
    }
    rows = Job.objects.select_related("organization", "translation", "hold").prefetch_related("artefacts")
    found = {job.public_id: job for job in rows.filter(public_id__in=told)}
    rest = rows.filter(public_id__in=every - told).exclude(callback_url="")
    return found | {job.public_id: job for job in rest}


def _for_endpoints(event: Event, job: Job | None, endpoints: Iterable[Endpoint]) -> Iterable[Message]:
    wanting = [
        endpoint
        for endpoint in endpoints
        if endpoint.created_at <= event.created_at and (not endpoint.event_types or event.type in endpoint.event_types)
    ]
    if not wanting or event.type not in BY_NAME:
        return
    body = payloads.body_of(event, job if is_job_type(event.type) else None)
    if body is None:
        return
    now = clock.now()
    for endpoint in wanting:
        on = endpoint.enabled
        yield Message(
            organization_id=endpoint.organization_id,
            lane=endpoint_lane(endpoint) if not hasattr(endpoint, "lane") else endpoint.lane,
            endpoint=endpoint,
            event_id=event.pk,
            type=event.type,
            subject_id=event.subject_id,
            body=body,
            # Kept for a switched-off endpoint, too: "recover" sends what it has missed.
            state=Message.State.DUE if on else Message.State.FAILED,
            next_attempt_at=now if on else None,
            finished_at=None if on else now,
            last_error="" if on else DISABLED,
        )


def _callback(event: Event, job: Job) -> Message | None:
    shape = shapes.shape_for(job.dialect)
    try:
        if not shape.wants(event.type, event.data):
            return None
        body = shape.body(job, event)
        if not body:
            return None
        headers = dict(shape.headers(job, body))
    except Exception:
        # A fault of one dialect must not stop everyone's webhooks.
        logger.exception("no callback could be made", extra={"job": job.public_id, "event": event.type})
        return None
    return Message(
        organization_id=job.organization_id,
        event_id=event.pk,
        type=event.type,
        subject_id=job.public_id,
        url=job.callback_url,
        headers=headers,
        bare=shape.bare,
        body=body.decode(),
        next_attempt_at=clock.now(),
    )


def _with_lanes(messages: list[Message]) -> list[Message]:
    """Gives callbacks the lane of their organization and host."""
    wanted = {(m.organization_id, host_of(m.url)) for m in messages if m.endpoint_id is None}
    if not wanted:
        return messages
    lanes = host_lanes(wanted)
    for message in messages:
        if message.endpoint_id is None:
            message.lane_id = lanes[message.organization_id, host_of(message.url)]
    return messages


def host_lanes(wanted: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Lanes of callback hosts by (organization, host), made where there are none yet."""
    Lane.objects.bulk_create(
        [Lane(organization_id=organization, host=host) for organization, host in sorted(wanted)], ignore_conflicts=True
    )
    rows = Lane.objects.filter(
        endpoint=None, organization_id__in={o for o, _ in wanted}, host__in={h for _, h in wanted}
    )
    return {(lane.organization_id, lane.host): lane.pk for lane in rows}


def host_of(url: str) -> str:
    """Host and port of an address, in lower case."""
    try:
        return urlsplit(url).netloc.lower()[:260]
    except ValueError:
        return ""
