"""Runs the WSGI site inside an ASGI server, so that `make run` has one origin for pages, API and event streams.

Why not a2wsgi: see docs/decisions/one-origin.md. What it is careful about: a slow download holds no thread between two
pieces, a client that goes away stops the reading, uploads arrive piece by piece, and ordinary answers cost one hop.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import itertools
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

PIECE: Final = 256 * 1024  # bytes of a file that are read in one hop to a thread
SMALL: Final = 4 << 20  # a body up to here is awaited on the loop: who sends it drop by drop holds no thread
BODY_SECONDS: Final = 120.0  # for all of a small body
UPLOAD_TYPE: Final = b"application/offset+octet-stream"  # tus: every byte that came is kept, so it is never gathered


class FileWrapper:
    """wsgi.file_wrapper: Django hands files over with it; read in large pieces rather than its own 4 kB."""

    def __init__(self, file: Any, block_size: int = PIECE) -> None:
        self._file = file
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(PIECE), b"")


class _Input(io.RawIOBase):
    """wsgi.input of a body that is still arriving. Each read asks the loop for more; a cut body ends early (EOF)."""

    def __init__(self, first: bytes, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._rest = memoryview(first)
        self._receive = receive
        self._loop = loop
        self.complete = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and not self.complete:
            # Servers may return any awaitable; a thread can only wait for a coroutine.
            message = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            self._rest = memoryview(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    async def _next(self) -> MutableMapping[str, Any]:
        return await self._receive()


class _Answer:
    """What the WSGI application makes, filled in a thread and sent from the loop."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.started = False
        self.sized = False
        self.written: list[bytes] = []
        self.iterable: Iterable[bytes] = ()
        self.iterator: Iterator[bytes] = iter(())

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.sized = any(name == b"content-length" for name, _ in self.headers)
        self.started = True
        return self.written.append

    def begin(self, app: WsgiApp, environ: dict[str, Any]) -> tuple[bytes, bool]:
        """Call the application; its first piece and whether that is all."""
        self.iterable = app(environ, self.start_response)
        self.iterator = itertools.chain(self.written, self.iterable)
        return self.more(whole=not getattr(self.iterable, "streaming", True))

    def more(self, whole: bool = False) -> tuple[bytes, bool]:
        """The next piece and whether it was the last. An answer of unknown length is not held back to fill a piece."""
        parts: list[bytes] = []
        size = 0
        for part in self.iterator:
            parts.append(part)
            size += len(part)
            if not whole and part and (size >= PIECE or not self.sized):
                return b"".join(parts), False
        self.close()
        return b"".join(parts), True

    def close(self) -> None:
        close = getattr(self.iterable, "close", None)
        self.iterable, self.iterator = (), iter(())
        if close is not None:
            close()


class WsgiBridge:
    """An ASGI application (http only) around a WSGI one. threads bounds how many requests are worked on at once.

    Bodies that are streamed (uploads) have threads of their own, half as many: slow ones wait for each other only.
    """

    def __init__(self, app: WsgiApp, threads: int) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="wsgi")
        self._uploads = ThreadPoolExecutor(max(4, threads // 2), thread_name_prefix="wsgi-upload")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        first = await receive()
        if first["type"] == "http.disconnect":
            return
        body, more = first.get("body", b""), first.get("more_body", False)
        if more and _is_small(scope):
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    rest = await _gather(receive)
            except TimeoutError:
                await send({"type": "http.response.start", "status": 408, "headers": [(b"content-length", b"0")]})
                await send({"type": "http.response.body", "body": b""})
                return
            if rest is None:
                return
            body, more = body + rest, False
        if more:
            raw: _Input | None = _Input(body, receive, loop)
            stream: Any = io.BufferedReader(raw, 128 * 1024)
        else:
            raw, stream = None, io.BytesIO(body)
        answer = _Answer()
        context = contextvars.copy_context()
        pool = self._pool if raw is None else self._uploads

        def run(function: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
            return loop.run_in_executor(pool, context.run, function, *args)

        gone: asyncio.Task[None] | None = None
        try:
            piece, last = await run(answer.begin, self._app, environ_of(scope, stream))
            head = scope["method"] == "HEAD"
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            if not last and (raw is None or raw.complete):
                # While a body is still arriving, receive belongs to the application's thread.
                gone = asyncio.create_task(_until_gone(receive))
            while True:
                await send({"type": "http.response.body", "body": b"" if head else piece, "more_body": not last})
                if last or (gone is not None and gone.done()):
                    return
                piece, last = await run(answer.more)
        except Exception:
            logger.exception("request failed in the server: %s %s", scope["method"], scope["path"])
            if not answer.started:
                await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
                await send({"type": "http.response.body", "body": b""})
            else:
                raise  # the server cuts the connection, so that the client sees a broken answer and not a short one
        finally:
            if gone is not None:
                gone.cancel()
            if answer.iterable != ():
                await run(answer.close)


def _is_small(scope: Scope) -> bool:
    """Whether the body has a length, and one that may wait in memory."""
    headers = dict(scope.get("headers", ()))
    length = headers.get(b"content-length", b"")
    kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    return length.isdigit() and len(length) < 10 and int(length) <= SMALL and kind != UPLOAD_TYPE


async def _gather(receive: Receive) -> bytes | None:
    """What is still to come of a body; None when the client went away."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def environ_of(scope: Scope, stream: Any) -> dict[str, Any]:
    """PEP 3333's environ of an ASGI scope."""
    root = scope.get("root_path", "")
    path = scope["path"]
    server = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root.encode().decode("latin-1"),
        "PATH_INFO": path.removeprefix(root).encode().decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": stream,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    if client := scope.get("client"):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = str(client[0]), str(client[1])
    for raw_name, raw_value in scope.get("headers", ()):
        name = raw_name.decode("latin-1")
        if "_" in name or name.lower() == "proxy":
            continue  # X_Forwarded_For would pass as X-Forwarded-For, and Proxy as HTTP_PROXY
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            key = f"HTTP_{key}"
        value = raw_value.decode("latin-1")
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    return environ
