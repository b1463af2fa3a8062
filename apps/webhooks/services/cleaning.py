"""What nobody needs any more, and lanes put right; one process at a time (advisory lock)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from apps.core import clock

LOCK: Final = 0x4B494E57
BATCH: Final = 2000


def sweep() -> int:
    """Removes messages that ended before settings.WEBHOOK_RETENTION_DAYS with their attempts; how many. Wakes lanes that slept on.

    At most BATCH a round; does nothing while another process is at it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        (alone,) = cursor.fetchone()
        if not alone:
            return 0
        cursor.execute(_REPAIR)
    return remove_old()


def remove_old() -> int:
    """Removes a batch of messages past the retention."""
    before = clock.now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            # By number, not by time: the oldest rows are the first of the primary key.
            "SELECT id FROM (SELECT id, created_at, state FROM webhooks_message ORDER BY id LIMIT %s) m"
            " WHERE created_at < %s AND state <> 'due'",
            [BATCH, before],
        )
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        cursor.execute("DELETE FROM webhooks_attempt WHERE message_id = ANY(%s)", [ids])
        cursor.execute("DELETE FROM webhooks_message WHERE id = ANY(%s)", [ids])
        return len(ids)


# Rows are the truth: a lane whose due_at is later than its first message, or that has one and no due_at.
_REPAIR: Final = """
WITH first AS (
    SELECT lane_id, min(next_attempt_at) AS due FROM webhooks_message WHERE state = 'due' GROUP BY lane_id
), wrong AS (
    SELECT l.id, f.due FROM webhooks_lane l JOIN first f ON f.lane_id = l.id
     WHERE (l.due_at IS NULL OR l.due_at > f.due) AND (l.busy_until IS NULL OR l.busy_until < now())
     ORDER BY l.id FOR UPDATE OF l SKIP LOCKED
)
UPDATE webhooks_lane l SET due_at = w.due FROM wrong w WHERE l.id = w.id
"""
