"""StubVendor: a real HTTP server on loopback that stands in for a vendor, with faults planned by operation.

A subclass says what the vendor does (`handle`) and what its requests are called (`operation_of`); everything that goes wrong on a
wire is done here, so that each vendor's stub fails in the same ways.
"""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

FILES = "/stub-files/"
FILE_OPERATION = "file"


@dataclass(frozen=True, slots=True)
class StubRequest:
    """What arrived: header names in lower case, `path` without the query, `target` with it. `fault` is what was planned for it."""

    method: str
    target: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    operation: str = ""
    fault: str = ""
    at: float = 0.0

    def json(self) -> Any:
        """The body as JSON; None when there is none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class StubReply:
    """What is answered; `json` instead of `body` for a document."""

    status: int = 200
    json: Any = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        return self.body if self.json is None else json.dumps(self.json).encode()


class StubVendor:
    """A vendor on loopback. Use it as a context manager, or `start()` and `close()`.

    Faults, planned with `plan(operation, *faults)`, one for each request of that operation in turn ("" is none):

    - "lost": the connection ends before anything was done
    - "deaf": the work is done, the connection ends without an answer; "deaf500": done, the answer is 500
    - "500", "401", "404", ...: that status (see `refusal`) and nothing done; "429:0.2" with Retry-After 0.2
    - "slow:0.5": answered after so many seconds
    - "garbled": the work is done, the answer is no JSON; "cut": done, the answer breaks off in its middle
    - "unknown_status": `handle` finds it in `request.fault` and answers with a status that no document names
      (any other word reaches `handle` the same way, for faults of one vendor)
    - on the operation "file" (links of `publish`): "expired_links": 403, and the link is dead for ever; "spoiled": other bytes
    """

    name = "stub"

    def __init__(self) -> None:
        self.requests: list[StubRequest] = []
        self.lock = threading.RLock()
        """Held around `handle`, so that subclasses need no locks of their own."""
        self.chaos: Callable[[StubRequest], str] | None = None
        """Asked for a fault when none is planned."""
        self._faults: dict[str, deque[str]] = {}
        self._files: dict[str, tuple[bytes, str]] = {}
        self._numbers = itertools.count(1)
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    # ---- for subclasses

    def operation_of(self, request: StubRequest) -> str:
        """The vendor's own word for a request, the same that the adapter's Steps use."""
        raise NotImplementedError

    def handle(self, request: StubRequest) -> StubReply:
        """Does the work and answers, as the vendor's document says."""
        raise NotImplementedError

    def refusal(self, status: int, request: StubRequest) -> StubReply:
        """The vendor's own body of a planned error status."""
        return StubReply(status, {"error": {"code": status, "message": f"planned {status}"}})

    def publish(self, name: str, body: bytes, content_type: str = "application/octet-stream") -> str:
        """A result file behind a link of its own; each call gives another link."""
        with self.lock:
            token = f"{next(self._numbers)}"
            self._files[token] = (body, content_type)
        return f"{self.base}{FILES}{token}/{name}"

    # ---- for tests

    @property
    def base(self) -> str:
        """http://127.0.0.1:<port>"""
        assert self._server is not None, "not started"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def plan(self, operation: str, *faults: str) -> Self:
        """Adds faults for the next requests of an operation."""
        with self.lock:
            self._faults.setdefault(operation, deque()).extend(faults)
        return self

    def seen(self, operation: str) -> list[StubRequest]:
        """The requests of one operation, in order."""
        with self.lock:
            return [request for request in self.requests if request.operation == operation]

    def counts(self) -> Counter[str]:
        """Requests by operation."""
        with self.lock:
            return Counter(request.operation for request in self.requests)

    def start(self) -> Self:
        """Listens on a free port."""

        bound = type("Bound", (_Handler,), {"vendor": self})
        self._server = _Server(("127.0.0.1", 0), bound)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=self.name, daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stops listening and waits for the thread."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *about: object) -> None:
        self.close()

    # ---- one request

    def answer(self, request: StubRequest) -> tuple[StubReply | None, bool]:
        """The reply (None: hang up) and whether it is cut in its middle."""
        fault, _, detail = request.fault.partition(":")
        if fault == "lost":
            return None, False
        if fault == "slow":
            time.sleep(float(detail or 0.5))
        if fault.isdigit():
            with self.lock:
                reply = self.refusal(int(fault), request)
            headers = {**reply.headers, **({"Retry-After": detail} if detail else {})}
            return StubReply(reply.status, reply.json, reply.body, headers), False
        if request.operation == FILE_OPERATION:
            return self._file(request)
        with self.lock:
            reply = self.handle(request)
            if fault == "deaf500":
                reply = self.refusal(500, request)
        if fault == "deaf":
            return None, False
        if fault == "garbled":
            reply = StubReply(reply.status, body=b"<html>\x00 not what you expect", headers=reply.headers)
        return reply, fault == "cut"

    def _file(self, request: StubRequest) -> tuple[StubReply | None, bool]:
        token = request.path.removeprefix(FILES).partition("/")[0]
        with self.lock:
            if request.fault == "expired_links":
                self._files.pop(token, None)
            body, kind = self._files.get(token, (b"", ""))
        if not kind:
            return StubReply(403, body=b"<Error><Code>AccessDenied</Code></Error>"), False
        if request.fault == "spoiled":
            body = b"\x00not a file" * 8
        return StubReply(200, body=body, headers={"Content-Type": kind}), request.fault == "cut"

    def take(self, request: StubRequest) -> StubRequest:
        """Names a request, gives it its fault, and keeps it."""
        with self.lock:
            operation = FILE_OPERATION if request.path.startswith(FILES) else self.operation_of(request)
            named = replace(request, operation=operation, at=time.monotonic())
            planned = self._faults.get(operation)
            if planned:
                named = replace(named, fault=planned.popleft())
            elif self.chaos is not None:
                named = replace(named, fault=self.chaos(named))
            self.requests.append(named)
            return named


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    vendor: StubVendor
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        arrived = StubRequest(
            self.command,
            self.path,
            parts.path,
            parse_qs(parts.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
        )
        reply, cut = self.vendor.answer(self.vendor.take(arrived))
        if reply is None:
            self._hang_up()
            return
        content = reply.content
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if cut:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self._hang_up()
            return
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = _serve

    def _hang_up(self) -> None:
        """Ends the connection with a reset, so that the client learns of it at once."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *args: object) -> None:
        """Silent."""
