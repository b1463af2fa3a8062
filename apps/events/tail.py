"""The log's tail in one process: one LISTEN connection, one reader, many subscribers.

Delivery is at least once: an event may come twice after a reconnect, never be missing. Ids are handed out before the
commit, so a smaller id can become visible after a larger one; a position in the log is therefore "<id>-<xid>", where no
transaction older than xid was still open when everything up to id had been delivered.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from apps.core import clock

logger = logging.getLogger(__name__)

QUEUE_SIZE: Final = 256  # events that one client may fall behind before it is dropped
BACKLOG: Final = 500  # events that a returning client is sent; further behind, it is told to reload
_FLOOR_SECONDS: Final = 5.0  # longer than any notification travels
_ID_WINDOW: Final = 100_000  # how far below a known id a late commit is looked for
_COLUMNS: Final = "id, type, subject_type, subject_id, actor, data, created_at, organization_id"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client may see: one organization's events, of one subject or of the named types (by their beginnings)."""

    organization_id: int
    subject_id: str | None = None
    types: tuple[str, ...] = ()

    def covers(self, organization_id: int | None, subject_id: str, type: str) -> bool:
        if organization_id != self.organization_id:
            return False
        if self.subject_id is not None:
            return subject_id == self.subject_id
        return type.startswith(self.types) if self.types else True


@dataclass(eq=False, slots=True)
class Subscription:
    """One client's inbox: events in order, and per job only the latest progress. Ended when it fell too far behind."""

    grant: Grant
    events: list[tuple[int, bytes]] = field(default_factory=list)
    progress: dict[str, bytes] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> bool:
        return self.over.is_set()

    def put(self, event_id: int, frame: bytes) -> None:
        if len(self.events) >= QUEUE_SIZE:
            self.end()
            return
        self.events.append((event_id, frame))
        self.wake.set()

    def end(self) -> None:
        self.over.set()
        self.events.clear()
        self.wake.set()


def frame(event: str, data: Any, position: str = "") -> bytes:
    """One server-sent event."""
    head = f"id: {position}\n" if position else ""
    return f"{head}event: {event}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


class Tail:
    """Started by its first subscriber, on the loop that serves it. connect_params: psycopg's, asked for anew each time."""

    def __init__(self, connect_params: Callable[[], dict[str, Any]]) -> None:
        self._connect_params = connect_params
        self._by_organization: dict[int, set[Subscription]] = {}
        self._pending: list[int] = []
        self._pending_set = asyncio.Event()
        self._reader: psycopg.AsyncConnection[Any] | None = None
        self._reader_lock = asyncio.Lock()
        self._listening = asyncio.Event()
        self._floor = self._next_floor = 0
        self._tasks: list[asyncio.Task[None]] = []

    # --- subscribers

    async def subscribe(self, grant: Grant) -> Subscription:
        """Start to receive; raises TimeoutError when the database cannot be listened to within 10 s."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._deliver())]
        await asyncio.wait_for(self._listening.wait(), 10)
        subscription = Subscription(grant)
        self._by_organization.setdefault(grant.organization_id, set()).add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        group = self._by_organization.get(subscription.grant.organization_id, set())
        group.discard(subscription)
        if not group:
            self._by_organization.pop(subscription.grant.organization_id, None)

    @property
    def count(self) -> int:
        """Subscribers now."""
        return sum(len(group) for group in self._by_organization.values())

    async def stop(self) -> None:
        """End every subscription and both connections."""
        self._end_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._reader is not None:
            await self._reader.close()
            self._reader = None

    def _end_all(self) -> None:
        for group in self._by_organization.values():
            for subscription in group:
                subscription.end()

    # --- reading the log

    async def backlog(self, grant: Grant, position: str) -> list[tuple[int, bytes]] | None:
        """Frames after a position ("<id>" or "<id>-<xid>"), oldest first; None when there are more than BACKLOG."""
        last, _, xid = position.partition("-")
        # xmin is the row's inserting transaction: rows of the log are never updated. It counts modulo 2^32.
        late = "OR (id > %(last)s - %(window)s AND ((xmin::text::bigint - %(xid)s) & 4294967295) < 2147483648)"
        rows = await self._query(
            f"SELECT {_COLUMNS} FROM events_event WHERE organization_id = %(organization)s"
            " AND (%(subject)s::text IS NULL OR subject_id = %(subject)s)"
            " AND (%(types)s::text[] = '{}' OR EXISTS (SELECT FROM unnest(%(types)s::text[]) t WHERE starts_with(type, t)))"
            f" AND (id > %(last)s {late if xid else ''}) ORDER BY id LIMIT %(limit)s",
            {
                "organization": grant.organization_id,
                "subject": grant.subject_id,
                "types": list(grant.types),
                "last": int(last),
                "window": _ID_WINDOW,
                "xid": int(xid or 0),
                "limit": BACKLOG + 1,
            },
        )
        return None if len(rows) > BACKLOG else [(row[0], self._frame(row)) for row in rows]

    async def position(self) -> str:
        """The end of the log as it is now."""
        rows = await self._query(
            "SELECT coalesce(max(id), 0), pg_snapshot_xmin(pg_current_snapshot())::text FROM events_event"
        )
        return f"{rows[0][0]}-{rows[0][1]}"

    def _frame(self, row: tuple[Any, ...]) -> bytes:
        event_id, type_, subject_type, subject_id, actor, data, created_at, _ = row
        payload = {
            "id": event_id,
            "type": type_,
            "subject": {"type": subject_type, "id": subject_id},
            "actor": actor,
            "data": data,
            "created_at": clock.to_text(created_at),
        }
        return frame("event", payload, f"{event_id}-{self._floor}" if self._floor else str(event_id))

    async def _query(self, sql: str, params: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        async with self._reader_lock:
            for attempt in (1, 2):
                try:
                    if self._reader is None or self._reader.closed:
                        self._reader = await self._connect()
                    return await (await self._reader.execute(sql, params)).fetchall()
                except psycopg.OperationalError:
                    if self._reader is not None:
                        await self._reader.close()
                    self._reader = None
                    if attempt == 2:
                        raise
        raise AssertionError("unreachable")

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(**self._connect_params(), autocommit=True)

    # --- the two tasks

    async def _listen(self) -> None:
        delay = 0.2
        while True:
            try:
                async with await self._connect() as listener:
                    await listener.execute("LISTEN kinoglot_events")
                    await listener.execute("LISTEN kinoglot_progress")
                    self._floor = 0
                    await self._raise_floor()
                    self._listening.set()
                    delay = 0.2
                    while True:
                        async for notice in listener.notifies(timeout=_FLOOR_SECONDS):
                            self._on_notice(notice.channel, notice.payload)
                        await self._raise_floor()
            except psycopg.Error:
                logger.warning("the event listener lost the database; trying again", exc_info=True)
            # What was said meanwhile is not known: clients come back with the position they reached.
            self._listening.clear()
            self._end_all()
            await asyncio.sleep(delay)
            delay = min(5.0, delay * 2)

    async def _raise_floor(self) -> None:
        rows = await self._query("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        self._floor, self._next_floor = self._next_floor if self._floor else int(rows[0][0]), int(rows[0][0])

    def _on_notice(self, channel: str, payload: str) -> None:
        try:
            if channel == "kinoglot_progress":
                self._on_progress(json.loads(payload))
                return
            event_id, organization_id, subject_id, type_ = json.loads(payload)
        except (ValueError, TypeError):
            logger.warning("a notification on %s that is not ours: %.100s", channel, payload)
            return
        group = self._by_organization.get(organization_id, ())
        if any(s.grant.covers(organization_id, subject_id, type_) for s in group):
            self._pending.append(event_id)
            self._pending_set.set()

    def _on_progress(self, data: dict[str, Any]) -> None:
        group = self._by_organization.get(data.get("organization", 0))
        if not group:
            return
        job = str(data.get("job", ""))
        made = frame("progress", data)
        for subscription in group:
            if subscription.grant.subject_id in (None, job) and not subscription.ended:
                subscription.progress[job] = made
                subscription.wake.set()

    async def _deliver(self) -> None:
        while True:
            await self._pending_set.wait()
            self._pending_set.clear()
            ids, self._pending = self._pending, []
            try:
                rows = await self._query(f"SELECT {_COLUMNS} FROM events_event WHERE id = ANY(%(ids)s)", {"ids": ids})
            except psycopg.Error:
                logger.warning("events could not be read; clients are sent back to their last position", exc_info=True)
                self._end_all()
            else:
                self._fan_out(ids, rows)

    def _fan_out(self, ids: Iterable[int], rows: list[tuple[Any, ...]]) -> None:
        by_id = {row[0]: row for row in rows}
        for event_id in ids:
            row = by_id.get(event_id)
            if row is None:
                continue
            made = self._frame(row)
            for subscription in self._by_organization.get(row[7], ()):
                if not subscription.ended and subscription.grant.covers(row[7], row[3], row[1]):
                    subscription.put(event_id, made)
