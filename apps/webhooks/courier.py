"""One turn of a lane: its messages posted, signed, a few at once, in order for each subject."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx

from apps.core import clock, signatures
from apps.core.clock import Deadline
from apps.core.http import OutboundError, OutboundPolicy, Reply, async_request
from apps.core.sealing import SealBroken
from apps.webhooks.models import Message
from apps.webhooks.schedule import GONE, next_attempt
from apps.webhooks.services.delivery import Outcome, Outgoing, Turn
from apps.webhooks.services.fanout import DISABLED, host_of
from apps.webhooks.services.secrets import secrets_of

LANE_AT_ONCE: Final = 8
SLOW_LANE_AT_ONCE: Final = 2
HOST_AT_ONCE: Final = 32
"""Open requests to one host and port, whoever's endpoints are there."""
TURN_SECONDS: Final = 30.0
"""No request of a turn starts later: with its own 15 s it ends well before the lane's lease."""
SLOW_AFTER: Final = 1.0
KEPT_BYTES: Final = 1024
_KEPT_HEADERS: Final = ("content-type", "retry-after", "location", "server", "date", "x-request-id")
_SECRET_WORDS: Final = ("authorization", "token", "secret", "key", "password", "cookie")


class Places:
    """Places for open requests. A request that takes long leaves its place and waits on outside of it, up to `most_slow` of them."""

    def __init__(self, at_once: int, most_slow: int) -> None:
        self._fast = asyncio.Semaphore(at_once)
        self._slow = asyncio.Semaphore(most_slow)
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def host(self, name: str):  # type: ignore[no-untyped-def]
        """A place at this host."""
        self._users[name] += 1
        try:
            async with self._hosts.setdefault(name, asyncio.Semaphore(HOST_AT_ONCE)):
                yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._hosts[name]

    @contextlib.asynccontextmanager
    async def request(self, slow: bool):  # type: ignore[no-untyped-def]
        """A place for one request; those of slow lanes have their own."""
        if slow:
            async with self._slow:
                yield
            return
        await self._fast.acquire()
        left = False

        def leave() -> None:
            nonlocal left
            left = True
            self._fast.release()

        timer = asyncio.get_running_loop().call_later(SLOW_AFTER, leave)
        try:
            yield
        finally:
            timer.cancel()
            if not left:
                self._fast.release()


@dataclass(slots=True)
class TurnResult:
    """How a turn went: what the lane's next one is to be like, and what it tells of the endpoint."""

    succeeded: bool = False
    failed: bool = False
    gone: bool = False
    late: bool = False

    @property
    def slow(self) -> bool:
        return self.failed or self.late


class Courier:
    """Posts the messages of turns over one client."""

    def __init__(self, http: httpx.AsyncClient, policy: OutboundPolicy, places: Places) -> None:
        self._http = http
        self._policy = policy
        self._places = places

    async def deliver(self, turn: Turn, stop: asyncio.Event, note: Callable[[Outcome], None]) -> TurnResult:
        """Sends what is due in a lane and reports each outcome to `note`; what there was no time for stays due."""
        result = TurnResult(late=False)
        try:
            secrets = secrets_of(turn.sealed, turn.sealed_previous, turn.previous_until)
        except (SealBroken, ValueError):
            for message in turn.messages:
                note(_failure(message, turn, clock.now(), 0, "The secret cannot be read.", {}))
            result.failed = True
            return result
        budget = Deadline(TURN_SECONDS)
        groups = _by_subject(turn.messages)

        async def work() -> None:
            while groups:
                for message in groups.popleft():
                    if not turn.enabled and not message.is_test:
                        note(_switched_off(message, turn))
                        continue
                    # A lane that has just failed is left after the requests that are open: it comes back as a slow one.
                    broken = result.gone or (result.failed and not result.succeeded)
                    if broken or stop.is_set() or budget.over:
                        return
                    await self._send(turn, message, secrets, result, note, budget, stop)

        most = SLOW_LANE_AT_ONCE if turn.slow else LANE_AT_ONCE
        if len(groups) == 1 or most == 1:
            await work()
        else:
            await asyncio.gather(*(work() for _ in range(min(most, len(groups)))))
        return result

    async def _send(
        self,
        turn: Turn,
        message: Outgoing,
        secrets: list[str],
        result: TurnResult,
        note: Callable[[Outcome], None],
        budget: Deadline,
        stop: asyncio.Event,
    ) -> None:
        url = turn.url or message.url
        async with self._places.host(host_of(url)), self._places.request(turn.slow):
            if stop.is_set() or budget.over:
                return
            headers = request_headers(message, secrets)
            started, tick = clock.now(), time.perf_counter()
            reply: Reply | None = None
            trouble = ""
            try:
                reply = await async_request(
                    self._http,
                    "POST",
                    url,
                    policy=self._policy,
                    headers=headers,
                    content=message.body,
                    follow_redirects=False,
                    keep_bytes=KEPT_BYTES,
                )
            except OutboundError as error:
                trouble = str(error)
        took = time.perf_counter() - tick
        result.late |= took > SLOW_AFTER
        if reply is not None and 200 <= reply.status < 300:
            result.succeeded = True
        elif not message.is_test:
            result.failed = True
            result.gone |= reply is not None and reply.status == GONE
        note(_outcome(turn, message, url, headers, started, round(took * 1000), reply, trouble))


def request_headers(message: Outgoing, secrets: list[str]) -> dict[str, str]:
    """Headers of one attempt: those of its shape, and the signature made now."""
    headers = {"content-type": "application/json"} | {name.lower(): value for name, value in message.headers.items()}
    if not message.bare:
        headers |= signatures.headers(secrets, message.public_id, message.body)
    return headers


def _by_subject(messages: list[Outgoing]) -> deque[Iterator[Outgoing]]:
    """What is about the same job goes out one after the other; different ones beside each other."""
    groups: dict[str, list[Outgoing]] = defaultdict(list)
    for message in messages:
        groups[message.subject_id or message.public_id].append(message)
    return deque(iter(group) for group in groups.values())


def _outcome(
    turn: Turn,
    message: Outgoing,
    url: str,
    headers: Mapping[str, str],
    started: datetime,
    took_ms: int,
    reply: Reply | None,
    trouble: str,
) -> Outcome:
    if reply is None:
        return _failure(message, turn, started, took_ms, trouble, headers)
    ok = 200 <= reply.status < 300
    now = started + timedelta(milliseconds=took_ms)
    retry_at = None
    if not ok and reply.status != GONE and not message.is_test:
        retry_at = next_attempt(
            now, message.tries + 1, status=reply.status, retry_after=reply.headers.get("retry-after", "")
        )
    state = Message.State.SENT if ok else Message.State.DUE if retry_at else Message.State.FAILED
    return Outcome(
        message=message.pk,
        number=message.number,
        url=url,
        request_headers=_logged(headers),
        status=reply.status,
        response_headers={name: _text(reply.headers[name]) for name in _KEPT_HEADERS if name in reply.headers},
        response_body=_text(reply.content.decode("utf-8", "replace")),
        error="" if ok else _words(reply.status),
        started_at=started,
        duration_ms=took_ms,
        state=state.value,
        next_attempt_at=retry_at,
        finished_at=None if retry_at else now,
    )


def _failure(
    message: Outgoing, turn: Turn, started: datetime, took_ms: int, trouble: str, headers: Mapping[str, str]
) -> Outcome:
    now = started + timedelta(milliseconds=took_ms)
    retry_at = None if message.is_test else next_attempt(now, message.tries + 1)
    return Outcome(
        message=message.pk,
        number=message.number,
        url=turn.url or message.url,
        request_headers=_logged(headers),
        status=None,
        response_headers={},
        response_body="",
        error=trouble[:300],
        started_at=started,
        duration_ms=took_ms,
        state=(Message.State.DUE if retry_at else Message.State.FAILED).value,
        next_attempt_at=retry_at,
        finished_at=None if retry_at else now,
    )


def _switched_off(message: Outgoing, turn: Turn) -> Outcome:
    return Outcome(
        message=message.pk,
        number=message.number - 1,
        url=turn.url,
        request_headers={},
        status=None,
        response_headers={},
        response_body="",
        error=DISABLED,
        started_at=None,
        duration_ms=0,
        state=Message.State.FAILED.value,
        next_attempt_at=None,
        finished_at=clock.now(),
    )


def _words(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered with status {status}; redirects are not followed."
    return f"It answered with status {status}."


def _logged(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as the log shows them: what could be a secret is left out."""
    return {
        name: "(hidden)" if any(word in name for word in _SECRET_WORDS) else value for name, value in headers.items()
    }


def _text(text: str) -> str:
    return text.replace("\x00", "\ufffd")
