"""Durable readers of the log: each event is read exactly once, whenever its transaction commits.

Numbers are handed out before the commit, so "after the last number seen" loses what commits late. A reader therefore keeps a
PostgreSQL snapshot: an event belongs to the next reading exactly when its writing transaction (the xid column) is not visible
in that snapshot and is visible now. No waiting for long transactions, no windows, no clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, transaction
from django.db.models.functions import Now

from apps.events.models import Cursor, Event

PAGE: Final = 1000

# All columns but xid, which only this file knows.
_COLUMNS: Final = "id, organization_id, type, subject_type, subject_id, actor, data, request_id, created_at"
# Transactions that the snapshot does not show: those that were open, and all later ones. Both are looked up by index.
_NEW: Final = """
    id > %(floor)s AND pg_visible_in_snapshot(xid, %(goal)s::pg_snapshot)
    AND (xid >= pg_snapshot_xmax(%(done)s::pg_snapshot) OR xid = ANY(ARRAY(SELECT pg_snapshot_xip(%(done)s::pg_snapshot))))
"""
_READ: Final = f"SELECT {_COLUMNS} FROM events_event WHERE id > %(after)s AND ({{new}}) ORDER BY id LIMIT %(limit)s"
_ENSURE: Final = """
INSERT INTO events_cursor (name, done, goal, after_id, last_id, floor, system, moved_at)
VALUES (%s, '1:1:', '', 0, 0, 0, (SELECT system_identifier FROM pg_control_system()), now()) ON CONFLICT DO NOTHING
"""


@contextmanager
def read_new(name: str, *, limit: int = PAGE) -> Iterator[list[Event]]:
    """The next events of the log for this reader, oldest number first, within a transaction that moves its position.

    Whatever the caller writes in the block commits together with the position, or not at all: exactly once. Yields nothing new
    while another process reads under this name. Fewer than `limit` events: the log was read to its end.
    """
    with transaction.atomic():
        cursor = _take(name)
        if cursor is None:
            yield []
            return
        rows, moved = _read(cursor, limit)
        yield [Event(**row) for row in rows]
        if moved:
            Cursor.objects.filter(name=name).update(**moved, moved_at=Now())


def _take(name: str) -> dict[str, Any] | None:
    """The locked position and the snapshot now; None while another transaction has it."""
    with connection.cursor() as db:
        for made in (False, True):
            found = _row(db, "SELECT * FROM events_cursor WHERE name = %s FOR UPDATE SKIP LOCKED", [name])
            if found is not None:
                break
            if made or Cursor.objects.filter(name=name).exists():
                return None
            db.execute(_ENSURE, [name])
        assert found is not None
        system = _row(db, "SELECT system_identifier FROM pg_control_system()", [])
        assert system is not None
        found["cluster"] = system["system_identifier"]
        if found["cluster"] != found["system"]:
            # Once after a restore: no writer is half way while old and new numbers are told apart.
            db.execute("LOCK TABLE events_event IN SHARE MODE")
        # A statement of its own, after the lock: an older snapshot than `done` would read rows twice.
        now = _row(db, "SELECT pg_current_snapshot()::text AS now, pg_current_xact_id()::text AS own", [])
        assert now is not None
        return found | {"now": _without(now["now"], int(now["own"]))}


def _without(snapshot: str, own: int) -> str:
    """The snapshot with this very transaction as one that is not visible (PostgreSQL leaves it out of the open ones).

    Else an Event recorded by who reads would count as read.
    """
    xmin, xmax, open_ones = snapshot.split(":")
    others = {int(number) for number in open_ones.split(",") if number}
    top = max(int(xmax), own + 1)
    # What is below the new top and above the old one had not begun, or had not ended: not visible either.
    others |= {own, *range(int(xmax), top)}
    return f"{min(int(xmin), own)}:{top}:{','.join(map(str, sorted(others)))}"


def _row(db: Any, query: str, params: list[Any]) -> dict[str, Any] | None:
    db.execute(query, params)
    row = db.fetchone()
    return dict(zip([column[0] for column in db.description], row, strict=True)) if row else None


def _read(at: dict[str, Any], limit: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if at["system"] != at["cluster"]:
        return _read_restored(at)
    goal = at["goal"] or at["now"]
    rows = _select(_NEW, at | {"goal": goal, "after": at["after_id"], "limit": limit})
    moved: dict[str, Any] = {"last_id": max([at["last_id"], *(row["id"] for row in rows)])}
    if len(rows) == limit:
        return rows, moved | {"goal": goal, "after_id": rows[-1]["id"]}
    if goal == at["done"]:
        return rows, {}
    return rows, moved | {"done": goal, "goal": "", "after_id": 0}


def _read_restored(at: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """In another cluster transactions are numbered anew: all that was restored unread, and all that came after it."""
    unread = _NEW.replace("pg_visible_in_snapshot(xid, %(goal)s::pg_snapshot)", "true")
    if at["goal"]:  # within pages: what had been read of them is below after_id
        unread = f"({unread}) AND NOT (id <= %(after_id)s AND pg_visible_in_snapshot(xid, %(goal)s::pg_snapshot))"
    rows = _select(f"(({unread}) OR id > %(last_id)s)", at | {"after": 0, "limit": None})
    with connection.cursor() as db:
        # Restored rows may bear numbers that this cluster has yet to reach; they are all below its own rows.
        query = "SELECT coalesce(max(id), 0) AS floor FROM events_event WHERE xid >= pg_snapshot_xmax(%s::pg_snapshot)"
        floor = _row(db, query, [at["now"]]) or {}
    last = max([at["last_id"], *(row["id"] for row in rows)])
    return rows, floor | {"system": at["cluster"], "done": at["now"], "goal": "", "after_id": 0, "last_id": last}


def _select(new: str, facts: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as db:
        db.execute(_READ.format(new=new), facts)
        names = [column[0] for column in db.description]
        rows = [dict(zip(names, row, strict=True)) for row in db.fetchall()]
    for row in rows:  # Django's connections give jsonb as text
        row |= {name: json.loads(row[name]) for name in ("actor", "data")}
    return rows
