"""The queue's door: messages by actor name, so that lower layers never import the code that works on them.

Rows are the truth and messages are hints: a message carries only ids, and the reconciler resends what got lost.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from functools import partial
from typing import Any

import dramatiq
import structlog
from django.conf import settings
from django.db import connection, transaction

logger = logging.getLogger(__name__)

Args = str | int | float | bool | None


def in_database() -> bool:
    """Whether the queue is in our own PostgreSQL (no BROKER_URL), so that messages join transactions."""
    return not settings.BROKER_URL


def encode_message(actor_name: str, args: tuple[Args, ...], queue: str = "default") -> dict[str, Any]:
    """A Dramatiq message as JSON data: what the SQL function events_enqueue(jsonb, delay) takes."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return {
        "queue_name": queue,
        "actor_name": actor_name,
        "args": list(args),
        "kwargs": {},
        "options": {"request_id": request_id} if request_id else {},
        "message_id": str(uuid.uuid4()),
        "message_timestamp": int(time.time() * 1000),
    }


def enqueue(actor_name: str, *args: Args, queue: str = "default", delay_ms: int = 0) -> None:
    """Ask for work in the background, at the earliest after delay_ms.

    On PostgreSQL the message is part of the caller's transaction. On Redis or RabbitMQ it is sent after the commit,
    best effort: a fault there is logged and left to the reconciler.
    """
    message = encode_message(actor_name, args, queue)
    if in_database():
        insert(message, delay_ms)
    else:
        transaction.on_commit(partial(_send, message, delay_ms))


def insert(message: dict[str, Any], delay_ms: int = 0) -> None:
    """Put an encoded message into the PostgreSQL queue over Django's connection."""
    if delay_ms > 0:
        # Dramatiq's own convention: delayed messages wait in a queue beside the real one, with their time in them.
        message = message | {"queue_name": message["queue_name"].removesuffix(".DQ") + ".DQ"}
        message["options"] = message["options"] | {"eta": int(time.time() * 1000) + delay_ms}
    with connection.cursor() as cursor:
        cursor.execute("SELECT events_enqueue(%s::jsonb, %s)", [json.dumps(message), delay_ms])


def send_after_commit(message: dict[str, Any], delay_ms: int = 0) -> None:
    """For Redis and RabbitMQ: what admission does in SQL on PostgreSQL. Does nothing when the queue is in PostgreSQL."""
    if not in_database():
        transaction.on_commit(partial(_send, message, delay_ms))


def _send(message: dict[str, Any], delay_ms: int) -> None:
    fields = message | {"args": tuple(message["args"])}
    try:
        # The broker made by apps.events.broker, set when this app got ready.
        broker = dramatiq.get_broker()
        broker.declare_queue(message["queue_name"])
        broker.enqueue(dramatiq.Message(**fields), delay=delay_ms or None)
    except Exception:
        logger.exception("could not send %s; the reconciler will", message["actor_name"])
