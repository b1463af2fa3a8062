"""The live app (ASGI): server-sent events of a job or an organization under /live/."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from types import FrameType
from typing import Any, Final
from urllib.parse import parse_qs

from apps.core import errors
from apps.events.tail import Grant, Subscription, Tail, frame

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

KEEP_ALIVE_SECONDS: Final = 15.0
REAUTHORIZE_SECONDS: Final = 60.0
PROGRESS_SECONDS: Final = 0.25  # progress is shown, not recorded: four times a second is smooth enough
SEND_SECONDS: Final = 20.0  # a client that takes nothing for so long is let go
MAX_STREAMS: Final = 5000
MAX_STREAMS_EACH: Final = 1000  # of one organization, so that it cannot take everybody's
_PATH: Final = re.compile(r"^/live/(?:(?P<organization>organization)|jobs/(?P<job>[A-Za-z0-9_]{1,40}))/?\Z")
_POSITION: Final = re.compile(r"^[0-9]{1,18}(-[0-9]{1,18})?\Z")
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """Who asks for what: job_id is None for the organization's stream. Header names are in lower case."""

    job_id: str | None
    headers: Mapping[str, str]
    cookies: Mapping[str, str]


# Says what the client may see, or raises ApiError. Asked again every minute while the stream lasts.
Authorize = Callable[[LiveRequest], Awaitable[Grant]]


def make_live_app(authorize: Authorize, tail: Tail) -> Application:
    """The ASGI application for /live/. Answers lifespan too, so it can be served alone."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(tail, receive, send)
        elif scope["type"] == "http":
            try:
                await _http(scope, receive, send)
            except errors.ApiError as error:
                await _refuse(send, error)

    async def _http(scope: Scope, receive: Receive, send: Send) -> None:
        match = _PATH.match(scope["path"])
        if match is None:
            raise errors.not_found("address")
        if scope["method"] != "GET":
            raise errors.ApiError(errors.METHOD, headers={"Allow": "GET"})
        if tail.count >= MAX_STREAMS:
            raise errors.unavailable("Too many live streams are open.", retry_after=30)
        request = LiveRequest(match["job"], *_headers(scope))
        grant = await authorize(request)
        if tail.count_of(grant.organization_id) >= MAX_STREAMS_EACH:
            raise errors.rate(30, "Your organization has too many live streams open.")
        position = _position(request, scope)
        try:
            subscription = await tail.subscribe(grant)
        except TimeoutError:
            raise errors.unavailable("The event log cannot be reached.") from None
        gone = asyncio.create_task(_until_gone(receive))
        over = asyncio.create_task(subscription.over.wait())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            stream = asyncio.create_task(_stream(subscription, request, position, send))
            await asyncio.wait({gone, over, stream}, return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                # A client that reads is told the end; one that does not is cut off.
                await asyncio.wait({stream}, timeout=1)
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)
        finally:
            gone.cancel()
            over.cancel()
            tail.unsubscribe(subscription)

    async def _stream(subscription: Subscription, request: LiveRequest, position: str, send: Send) -> None:
        try:
            await _relay(tail, subscription, position, lambda: authorize(request), send)
        except errors.ApiError:
            pass  # signed out, or no longer a member: the stream just ends, and the next request says why
        except TimeoutError:
            logger.info("a live client took nothing for %s s and was let go", SEND_SECONDS)
        except Exception:
            logger.exception("a live stream failed")
        # The client reconnects by itself, from its last position.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


async def _relay(
    tail: Tail,
    subscription: Subscription,
    position: str,
    check: Callable[[], Awaitable[Grant]],
    send: Send,
) -> None:
    """Send what was missed, then what comes, until the subscription ends. Raises TimeoutError for a stuck client."""

    async def write(data: bytes) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": data, "more_body": True})

    loop = asyncio.get_running_loop()
    sent: set[int] = set()
    if position:
        missed = await tail.backlog(subscription.grant, position)
        if missed is None:
            await write(frame("reset", {}, await tail.position()))
        else:
            sent = {event_id for event_id, _ in missed}
            await write(b"retry: 2000\n\n" + b"".join(data for _, data in missed) + frame("ready", {}))
    else:
        await write(b"retry: 2000\n\n" + frame("ready", {}, await tail.position()))
    checked = spoke = progressed = loop.time()
    while not subscription.ended:
        wait = KEEP_ALIVE_SECONDS - (loop.time() - spoke)
        if subscription.progress:
            wait = min(wait, PROGRESS_SECONDS - (loop.time() - progressed))
        if not subscription.events and wait > 0:
            subscription.wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await subscription.wake.wait()
        if loop.time() - checked > REAUTHORIZE_SECONDS:
            # Another grant is another stream: someone who left this organization may still be a member elsewhere.
            if await check() != subscription.grant:
                return
            checked = loop.time()
        events, subscription.events = subscription.events, []
        parts = [data for event_id, data in events if event_id not in sent]
        if subscription.progress and loop.time() - progressed >= PROGRESS_SECONDS:
            parts += subscription.progress.values()
            subscription.progress = {}
            progressed = loop.time()
        if not parts and loop.time() - spoke >= KEEP_ALIVE_SECONDS:
            parts = [b": keep-alive\n\n"]
        if parts:
            await write(b"".join(parts))
            spoke = loop.time()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(tail: Tail, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _end_on_signal(tail)
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await tail.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _end_on_signal(tail: Tail) -> None:
    """A server that is told to stop waits for its answers to end, and a stream never does: end them at the signal.

    The server's own handling is not disturbed: an event loop's handlers run beside this one, a plain one is called.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def handler(signum: int, stack: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(tail.end_streams)
            if callable(before):
                before(signum, stack)

        signal.signal(number, handler)


async def _refuse(send: Send, error: errors.ApiError) -> None:
    body = {"type": "about:blank", "title": error.title, "status": error.http_status, "code": error.code}
    headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
    headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    await send({"type": "http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body | {"detail": error.detail}).encode()})


def _headers(scope: Scope) -> tuple[dict[str, str], dict[str, str]]:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        cookies = {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        cookies = {}
    return headers, cookies


def _position(request: LiveRequest, scope: Scope) -> str:
    """Where the client was: Last-Event-ID, else ?since= of the page that opened the stream; "" for now."""
    since = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("since", [""])[0]
    for text in (request.headers.get("last-event-id", ""), since):
        if _POSITION.match(text):
            return text
    return ""
