"""The sender: one asyncio loop that makes messages of events and posts them, beside the poller's own work.

Fairness: every destination has a lane, and lanes take turns. Within a turn few requests are open at once; a request that takes longer
than a second gives its place to others; lanes that fail or are slow have places of their own. So a dead endpoint costs itself only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import Error, connections

from apps.core.clock import Deadline
from apps.core.http import OutboundPolicy, async_client
from apps.webhooks.courier import Courier, Places
from apps.webhooks.services import cleaning, delivery, fanout, health
from apps.webhooks.services.delivery import Freed, Outcome, Turn
from apps.webhooks.threads import Threads

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS: Final = 15.0
IDLE_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 0.03
"""Results are collected for so long, so that a batch is one statement."""
FAST_LANES: Final = 128
SLOW_LANES: Final = 512
AT_ONCE: Final = 128
SLOW_AT_ONCE: Final = 512
DRAIN_SECONDS: Final = 8.0
SWEEP_SECONDS: Final = 60.0


class Sender:
    """Runs until `stop` is set; any number of them may run beside each other, in any number of processes."""

    def __init__(self, *, policy: OutboundPolicy | None = None) -> None:
        self._policy = policy or outbound_policy()
        self._threads = Threads()
        self._lanes = {False: set[asyncio.Task[None]](), True: set[asyncio.Task[None]]()}
        self._wake = {False: asyncio.Event(), True: asyncio.Event()}
        self._outcomes: list[Outcome] = []
        self._freed: list[Freed] = []
        self._health: list[tuple[int, str]] = []
        self._settle_now = asyncio.Event()
        self._bell = asyncio.Event()
        self.sent = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Fan-out, both kinds of lanes, settling, sweeping; what is open when `stop` comes gets DRAIN_SECONDS."""
        settling = asyncio.Event()
        settler = asyncio.create_task(self._settle(settling))
        listener = asyncio.create_task(self._listen())
        async with async_client(self._policy, max_connections=AT_ONCE + SLOW_AT_ONCE) as http:
            courier = Courier(http, self._policy, Places(AT_ONCE, SLOW_AT_ONCE))
            await asyncio.gather(
                self._fan_out(stop),
                self._lanes_of(courier, stop, False),
                self._lanes_of(courier, stop, True),
                self._sweep(stop),
            )
            listener.cancel()
            open_ones = self._lanes[False] | self._lanes[True]
            if open_ones:
                await asyncio.wait(open_ones, timeout=DRAIN_SECONDS)
            for task in open_ones:
                task.cancel()
            await asyncio.gather(*open_ones, listener, return_exceptions=True)
        settling.set()
        self._settle_now.set()
        await settler
        await self._threads.close()

    async def run_until_idle(self) -> None:
        """For tests and commands: fans out and sends all that is due now, then returns."""
        async with async_client(self._policy, max_connections=AT_ONCE + SLOW_AT_ONCE) as http:
            courier = Courier(http, self._policy, Places(AT_ONCE, SLOW_AT_ONCE))
            while True:
                read, _made = await self._threads.run(fanout.fan_out)
                turns = [
                    *await self._threads.run(delivery.take_turns, slow=False, limit=FAST_LANES),
                    *await self._threads.run(delivery.take_turns, slow=True, limit=SLOW_LANES),
                ]
                if not turns and not read:
                    break
                await asyncio.gather(*(self._turn(courier, turn, asyncio.Event()) for turn in turns))
                await self._write()
        await self._threads.close()

    # --- from the log to messages

    async def _fan_out(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._bell.clear()
            read, made = await self._quietly(fanout.fan_out) or (0, 0)
            if made:
                for wake in self._wake.values():
                    wake.set()
            if read < fanout.BATCH:
                await _either(stop, self._bell, IDLE_SECONDS)

    async def _listen(self) -> None:
        """Rings when an Event is written; without it the log is looked at every second."""
        while True:
            with contextlib.suppress(psycopg.Error):
                params = connections["default"].get_connection_params()
                params = {
                    k: v for k, v in params.items() if k not in ("context", "cursor_factory", "prepare_threshold")
                }
                async with await psycopg.AsyncConnection.connect(**params, autocommit=True) as listener:
                    await listener.execute("LISTEN kinoglot_events")
                    async for _notice in listener.notifies():
                        self._bell.set()
            await asyncio.sleep(IDLE_SECONDS)

    # --- lanes

    async def _lanes_of(self, courier: Courier, stop: asyncio.Event, slow: bool) -> None:
        """Keeps as many lanes of one kind going as there is room for."""
        running, most = self._lanes[slow], SLOW_LANES if slow else FAST_LANES
        while not stop.is_set():
            self._wake[slow].clear()
            free = most - len(running)
            turns: Sequence[Turn] = (
                await self._quietly(delivery.take_turns, slow=slow, limit=free) or () if free else ()
            )
            for turn in turns:
                task = asyncio.create_task(self._turn(courier, turn, stop))
                running.add(task)
                task.add_done_callback(running.discard)
            if len(turns) < free or not free:
                await _either(stop, self._wake[slow], IDLE_SECONDS)

    async def _turn(self, courier: Courier, turn: Turn, stop: asyncio.Event) -> None:
        result = await courier.deliver(turn, stop, self._note)
        self._freed.append(Freed(turn.lane, result.slow))
        if turn.endpoint is not None:
            if result.gone or result.failed:
                self._health.append((turn.endpoint, "gone" if result.gone else "failure"))
            if result.succeeded and not result.gone and (turn.failing_since is not None or result.failed):
                self._health.append((turn.endpoint, "success"))
        self._settle_now.set()

    def _note(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self.sent += outcome.started_at is not None
        self._settle_now.set()

    # --- writing down what happened

    async def _settle(self, over: asyncio.Event) -> None:
        while not (over.is_set() and not self._outcomes and not self._freed):
            if not self._outcomes and not self._freed:
                self._settle_now.clear()
                await self._settle_now.wait()
            elif not over.is_set():
                await asyncio.sleep(SETTLE_SECONDS)
            if not await self._write():
                if over.is_set():
                    return  # the database is gone; what was sent is sent once more by whoever takes the lanes next
                await asyncio.sleep(IDLE_SECONDS)

    async def _write(self) -> bool:
        outcomes, self._outcomes = self._outcomes, []
        freed, self._freed = self._freed, []
        notes, self._health = self._health, []
        if not outcomes and not freed:
            return True
        done = await self._quietly(_settle, outcomes, freed, notes)
        if done is None:
            self._outcomes, self._freed, self._health = (
                outcomes + self._outcomes,
                freed + self._freed,
                notes + self._health,
            )
            return False
        for one in freed:
            self._wake[one.slow].set()
        return True

    async def _sweep(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._quietly(cleaning.sweep)
            await _either(stop, stop, SWEEP_SECONDS)

    async def _quietly(self, work: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """In a thread; a fault is logged and answered with None, and the caller's loop tries again."""
        try:
            return await self._threads.run(work, *args, **more)
        except Exception:
            logger.exception("webhooks stumbled")
            return None


def outbound_policy() -> OutboundPolicy:
    """Where webhooks may go, and how long one request may take."""
    return OutboundPolicy(
        allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED),
        max_redirects=0,
        total_seconds=TIMEOUT_SECONDS,
        connect_seconds=10.0,
        read_seconds=TIMEOUT_SECONDS,
        max_reply_bytes=64 * 1024,
        user_agent="Kinoglot-Webhooks/1",
    )


def _settle(outcomes: list[Outcome], freed: list[Freed], notes: list[tuple[int, str]]) -> bool:
    delivery.settle(outcomes, freed)
    for endpoint, what in notes:
        try:
            if what == "success":
                health.note_success(endpoint)
            else:
                health.note_failure(endpoint, gone=what == "gone")
        except Error:
            # Its next failure is noted again; what was settled must not be settled twice.
            logger.exception("the state of an endpoint could not be noted")
    return True


async def _either(stop: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    """Until one of them is set or the time is up."""
    deadline = Deadline(seconds)
    waiting = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(other.wait())}
    try:
        await asyncio.wait(waiting, timeout=deadline.left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
