"""The log's tail in one process: one LISTEN connection, one reader, many subscribers.

Delivery is at least once: an event may come twice after a reconnect, never be missing. Ids are handed out before the
commit, so a smaller id can become visible after a larger one; a position in the log is therefore "<id>-<xid>", where no
transaction older than xid was still open when everything up to id had been delivered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from apps.core import clock

logger = logging.getLogger(__name__)

QUEUE_SIZE: Final = 256  # events that one client may fall behind before it is dropped
BACKLOG: Final = 500  # events that a returning client is sent; further behind, it is told to reload
_ID_WINDOW: Final = 100_000  # how far below a known id a late commit is looked for
_SCAN_SECONDS: Final = 0.02  # at most fifty readings a second, however often the bell rings
_LOOK_SECONDS: Final = 1.0  # a look without a bell: admission does not ring inside its transaction
_SCAN_ROWS: Final = 2000
_MAX_GAPS: Final = 1000
_GAP_SECONDS: Final = 60.0  # a transaction open for longer is told of when the page is opened again
_XMIN: Final = "pg_snapshot_xmin(pg_current_snapshot())::text"
_COLUMNS: Final = f"id, type, subject_type, subject_id, actor, data, created_at, organization_id, {_XMIN}"


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
    """Started by its first subscriber, on the loop that serves it. connect_params: psycopg's, asked for anew each time.

    The log is read by position: what lies after the last number seen, and the numbers left out so far. A notification
    is only a doorbell; without any, the log is looked at every second.
    """

    def __init__(self, connect_params: Callable[[], dict[str, Any]]) -> None:
        self._connect_params = connect_params
        self._by_organization: dict[int, set[Subscription]] = {}
        self._reader: psycopg.AsyncConnection[Any] | None = None
        self._reader_lock = asyncio.Lock()
        self._bell = asyncio.Event()
        self._started = asyncio.Event()
        self._last = 0
        # Numbers handed out but not seen: still open transactions, or rolled back. Value: until when to look for them.
        self._gaps: dict[int, clock.Deadline] = {}
        self._tasks: list[asyncio.Task[None]] = []

    # --- subscribers

    async def subscribe(self, grant: Grant) -> Subscription:
        """Start to receive; raises TimeoutError when the database cannot be read within 10 s."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._follow())]
        async with asyncio.timeout(10):
            await self._started.wait()
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

    def count_of(self, organization_id: int) -> int:
        """Subscribers of one organization now."""
        return len(self._by_organization.get(organization_id, ()))

    def end_streams(self) -> None:
        """Send every client away; they come back, to whichever process then serves, from their last position."""
        for group in self._by_organization.values():
            for subscription in group:
                subscription.end()

    async def stop(self) -> None:
        """End every subscription and both connections."""
        self.end_streams()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._reader is not None:
            await self._reader.close()
            self._reader = None

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
        return None if len(rows) > BACKLOG else [(row[0], _frame_of(row)) for row in rows]

    async def position(self) -> str:
        """The end of the log as it is now."""
        ((last, xid),) = await self._query(f"SELECT coalesce(max(id), 0), {_XMIN} FROM events_event")
        return f"{last}-{xid}"

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
                    delay = 0.2
                    async for notice in listener.notifies():
                        if notice.channel == "kinoglot_events":
                            self._bell.set()
                        else:
                            self._on_progress(notice.payload)
            except psycopg.Error:
                logger.warning("the event listener lost the database; trying again", exc_info=True)
            await asyncio.sleep(delay)
            delay = min(5.0, delay * 2)

    async def _follow(self) -> None:
        while True:
            try:
                if not self._started.is_set():
                    await self._find_end()
                    self._started.set()
                more = await self._scan()
            except psycopg.Error:
                logger.warning("events cannot be read; trying again", exc_info=True)
                more = False
            await asyncio.sleep(_SCAN_SECONDS)
            if not more:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._bell.wait()
            self._bell.clear()

    async def _find_end(self) -> None:
        ((self._last,),) = await self._query("SELECT coalesce(max(id), 0) FROM events_event")
        seen = await self._query("SELECT id FROM events_event WHERE id > %(first)s", {"first": self._last - _MAX_GAPS})
        self._note_gaps(range(max(1, self._last - _MAX_GAPS + 1), self._last + 1), {row[0] for row in seen})

    async def _scan(self) -> bool:
        """Deliver what is new; True when there is more than one reading holds."""
        self._gaps = {number: until for number, until in self._gaps.items() if not until.over}
        rows = await self._query(
            f"SELECT {_COLUMNS} FROM events_event WHERE id > %(last)s OR id = ANY(%(gaps)s) ORDER BY id LIMIT %(limit)s",
            {"last": self._last, "gaps": list(self._gaps), "limit": _SCAN_ROWS},
        )
        if not rows:
            return False
        found = {row[0] for row in rows}
        for number in found & self._gaps.keys():
            del self._gaps[number]
        last = max(self._last, rows[-1][0])
        self._note_gaps(range(self._last + 1, last), found)
        self._last = last
        for row in rows:
            self._fan_out(row)
        return len(rows) == _SCAN_ROWS

    def _note_gaps(self, numbers: range, found: set[int]) -> None:
        # The sequence may jump far (after a crash, or in an emptied log); what is still open then is among the last numbers.
        until = clock.Deadline(_GAP_SECONDS)
        self._gaps |= {number: until for number in numbers[-2 * _MAX_GAPS :] if number not in found}

    def _fan_out(self, row: tuple[Any, ...]) -> None:
        event_id, type_, _, subject_id, _, _, _, organization_id, _ = row
        made: bytes | None = None
        for subscription in self._by_organization.get(organization_id, ()):
            if not subscription.ended and subscription.grant.covers(organization_id, subject_id, type_):
                made = made or _frame_of(row)
                subscription.put(event_id, made)

    def _on_progress(self, payload: str) -> None:
        try:
            data = json.loads(payload)
            job, organization = str(data["job"]), int(data["organization"])
        except (ValueError, TypeError, KeyError):
            logger.warning("a progress notification that is not ours: %.100s", payload)
            return
        group = self._by_organization.get(organization, ())
        made = frame("progress", data) if group else b""
        for subscription in group:
            if subscription.grant.subject_id in (None, job) and not subscription.ended:
                subscription.progress[job] = made
                subscription.wake.set()


def _frame_of(row: tuple[Any, ...]) -> bytes:
    event_id, type_, subject_type, subject_id, actor, data, created_at, _, xid = row
    payload = {
        "id": event_id,
        "type": type_,
        "subject": {"type": subject_type, "id": subject_id},
        "actor": actor,
        "data": data,
        "created_at": clock.to_text(created_at),
    }
    return frame("event", payload, f"{event_id}-{xid}")
