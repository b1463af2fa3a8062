"""The poller's network half: thousands of jobs watched by one asyncio loop, each account at its own pace, results in batches."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

import httpx
from django.db import Error, InterfaceError, OperationalError, close_old_connections

from apps.core.errors import JobError
from apps.core.http import OutboundError, async_client, async_request
from apps.jobs.models import ProviderAccount
from apps.jobs.services import account_health, accounts
from apps.jobs.services.vendor import poll
from apps.jobs.services.vendor.calls import MAX_ANSWER, wire_reply
from apps.jobs.services.vendor.poll import Due, Told
from apps.jobs.services.vendor.waits import backoff, bounded
from apps.jobs.services.vendor.work import with_memo
from apps.providers.base import RemoteAdapter
from apps.providers.conversation import Account, AccountRefused, Throttled, Unavailable
from apps.providers.registry import PROVIDERS

logger = logging.getLogger(__name__)
MOST: Final = 2000
"""Polls under way at once in this process, and below that for one account: a dead vendor must not keep the others waiting."""
MOST_OF_ACCOUNT: Final = 1000
TICK_SECONDS: Final = 0.25
IDLE_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 0.2
ACCOUNTS_SECONDS: Final = 5.0
UNLIMITED: Final = 10_000.0
CALL_SECONDS: Final = 30.0
T = TypeVar("T")
# Tokens are asked for beside the loop: a host that an organization names may let its own jobs wait, and nobody else's.
_staff_tokens = ThreadPoolExecutor(4, thread_name_prefix="token")
_own_tokens = ThreadPoolExecutor(8, thread_name_prefix="own-token")


@dataclass(slots=True)
class Way:
    """An account with its adapter. `account` is None until its token came (`opening`), or while it cannot be opened (`error`)."""

    row: ProviderAccount
    remote: RemoteAdapter
    account: Account | None
    error: Exception | None = None
    rate: float = UNLIMITED
    opening: asyncio.Future[Account] | None = None


@dataclass(slots=True)
class Health:
    """What was heard of the accounts since the last settling."""

    ok: set[int] = field(default_factory=set)
    trouble: dict[int, tuple[Exception, account_health.Trouble]] = field(default_factory=dict)
    slow: dict[int, float] = field(default_factory=dict)


class Watch:
    """Polls until `stop` is set. All database work happens in threads."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._ways: dict[int, Way] = {}
        self._ways_until = 0.0
        self._under_way: Counter[int] = Counter()
        self._told: list[Told] = []
        self._health = Health()
        self._tasks: set[asyncio.Task[None]] = set()
        self.policy = accounts.policy(CALL_SECONDS, max_reply_bytes=MAX_ANSWER)
        self.polls = 0
        """Answers so far, for benchmarks."""

    async def run(self) -> None:
        """The whole loop; ends when all that is under way has been settled."""
        async with async_client(self.policy, max_connections=MOST) as http:
            settling = asyncio.create_task(self._keep_settling())
            while not self._stop.is_set():
                taken = await self.round(http)
                await _pause(self._stop, TICK_SECONDS if taken else await self._idle())
            for task in self._tasks:
                task.cancel()  # their claims run out
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await settling

    async def round(self, http: httpx.AsyncClient) -> int:
        """Claims what is due and sets off its polls; how many."""
        try:
            due = await _in_thread(self._claim)
        except Exception:  # the whole process would end with this loop
            logger.exception("due jobs could not be read")
            return 0
        for one in due:
            self._under_way[one.account] += 1
            task = asyncio.create_task(self._poll(http, one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(due)

    # ---- one poll

    async def _poll(self, http: httpx.AsyncClient, due: Due) -> None:
        try:
            if due.delay > 0.005:
                await asyncio.sleep(due.delay)
            told = await self._ask(http, due, self._ways[due.account])
            self._told.append(told)  # not in one line: the list is another one after the wait
            self.polls += 1
        finally:
            self._under_way[due.account] -= 1

    async def _ask(self, http: httpx.AsyncClient, due: Due, way: Way) -> Told:
        try:
            work = due.work()
            account = replace(await self._account(way), now=time.time())
            step = way.remote.next_step(work, account)
            if step.kind != "read":
                return Told(due, "submit", claimed=due.claimed)
            wanted = step.request
            reply = await async_request(
                http,
                wanted.method,
                wanted.url,
                policy=self.policy,
                headers=wanted.headers,
                content=wanted.body or None,
            )
            verdict = way.remote.take(work, step.operation, wire_reply(reply))
            self._health.ok.add(due.account)
            pace, following = way.remote.poll_seconds, "read"
            if verdict.memo is not None and verdict.memo != work.memo and verdict.status in ("working", "unknown"):
                coming = way.remote.next_step(with_memo(work, verdict.memo), account)
                following = coming.kind
                if coming.operation != step.operation:
                    pace = 0.0
            return poll.told(due, verdict, pace=pace, following=following)
        except JobError as error:
            return Told(due, "fail", error=error, claimed=due.claimed)
        except Exception as error:
            return self._trouble(due, way, error)

    @staticmethod
    async def _account(way: Way) -> Account:
        """The account opened; all polls of it wait for one and the same token. Raises whatever hinders it."""
        if way.error is not None:
            raise way.error.with_traceback(None)  # one exception for many polls: its trace would grow for ever
        if way.account is None:
            if way.opening is None:
                pool = _staff_tokens if way.row.organization_id is None else _own_tokens
                way.opening = asyncio.get_running_loop().run_in_executor(pool, accounts.open_account, way.row)
            way.account = await asyncio.shield(way.opening)
        return way.account

    def _trouble(self, due: Due, way: Way, error: Exception) -> Told:
        """No answer that tells anything: the job keeps its place, and is asked for again later and later."""
        failures = due.failures + 1
        pause = backoff(failures, first=way.remote.poll_seconds)
        if isinstance(error, Throttled):
            if error.retry_after is not None:
                pause = bounded(error.retry_after)
                self._health.slow[due.account] = max(pause, self._health.slow.get(due.account, 0.0))
        elif isinstance(error, AccountRefused):
            self._health.trouble[due.account] = (error, "refused")
        elif isinstance(error, Unavailable | OutboundError):
            self._health.trouble[due.account] = (error, "unavailable")
        else:
            logger.error("a poll could not be read", exc_info=error, extra={"job": due.public_id})
        return Told(due, "poll", pause=pause, failures=failures, claimed=due.claimed)

    # ---- the database's side, in threads

    def _claim(self) -> list[Due]:
        if time.monotonic() >= self._ways_until:
            rows = [row for row in ProviderAccount.objects.all() if _is_remote(row.provider)]
            self._ways = {row.pk: self._open(row, self._ways.get(row.pk)) for row in rows}
            self._ways_until = time.monotonic() + ACCOUNTS_SECONDS
        room = MOST - self._under_way.total()
        wanted = {pk: (way.rate, min(room, MOST_OF_ACCOUNT - self._under_way[pk])) for pk, way in self._ways.items()}
        return poll.claim_due(wanted)

    @staticmethod
    def _open(row: ProviderAccount, before: Way | None) -> Way:
        remote = accounts.adapter_of(row.provider)
        way = Way(row, remote, None, rate=row.polls_per_second or remote.polls_per_second or UNLIMITED)
        try:
            way.account = accounts.ready_account(row)
        except Exception as error:  # whatever is wrong with one account, all others go on
            if not isinstance(error, AccountRefused | Unavailable):
                logger.exception("an account could not be opened", extra={"account": row.public_id})
            way.error = error
        if before is not None and before.opening is not None and not before.opening.done():
            way.opening = before.opening
        return way

    def _taken(self) -> tuple[list[Told], Health]:
        """Everything heard since the last time. In the loop's thread: another one must not swap lists that polls append to."""
        taken = self._told, self._health
        self._told, self._health = [], Health()
        return taken

    def _settle(self, batch: list[Told], health: Health) -> list[Told]:
        """Writes it down, in batches; what the database did not take, for the next time."""
        try:
            if batch:
                poll.settle(batch)
        except (OperationalError, InterfaceError):
            logger.exception("polls could not be settled")
            return batch[-10 * MOST :]
        except Exception:
            logger.exception("polls could not be settled together")
            self._settle_each(batch)
        for pk, seconds in health.slow.items():
            poll.hold_polls(pk, seconds)
        for pk, (error, kind) in health.trouble.items():
            if kind == "refused":
                accounts.forget_token(self._ways[pk].row)
                self._ways_until = 0.0
            account_health.saw_trouble(self._ways[pk].row, str(error), kind)
        for pk in health.ok - health.trouble.keys():
            account_health.saw_ok(self._ways[pk].row, reading=True)
        return []

    @staticmethod
    def _settle_each(batch: list[Told]) -> None:
        """One by one: what cannot be written down of one job (its vendor may say anything) must not keep the others waiting."""
        for one in batch:
            try:
                poll.settle([one])
            except Exception:  # it is asked for again when its claim has run out
                logger.exception("a poll could not be settled", extra={"job": one.due.public_id})

    async def _keep_settling(self) -> None:
        while not (self._stop.is_set() and not self._tasks and not self._told):
            if self._told or self._health.trouble:
                taken = self._taken()
                try:
                    left = await _in_thread(partial(self._settle, *taken))
                    self._told = [*left, *self._told]
                except Exception:
                    logger.exception("the poller stumbled")
            await asyncio.sleep(SETTLE_SECONDS)

    async def _idle(self) -> float:
        try:
            left = await _in_thread(poll.next_due)
        except Error:
            return IDLE_SECONDS
        return IDLE_SECONDS if left is None else min(max(left, TICK_SECONDS), IDLE_SECONDS)


def poll_once() -> int:
    """One round and its settling, in this thread (tests, `manage.py poller --once`); how many jobs were asked about."""
    watch = Watch(asyncio.Event())
    due = watch._claim()

    async def ask() -> None:
        async with async_client(watch.policy) as http:
            await asyncio.gather(*(watch._poll(http, one) for one in due))

    if due:
        asyncio.run(ask())
    watch._settle(*watch._taken())
    return len(due)


def any_remote() -> bool:
    """Whether there is anything to watch at all."""
    return any(provider.remote is not None for provider in PROVIDERS.values())


def _is_remote(name: str) -> bool:
    provider = PROVIDERS.get(name)
    return provider is not None and provider.remote is not None


async def _in_thread(work: Callable[[], T]) -> T:
    """The database's side; a connection that died since the last time is opened again."""

    def fresh() -> T:
        close_old_connections()
        return work()

    return await asyncio.to_thread(fresh)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return
