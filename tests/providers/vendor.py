"""A small real vendor on loopback and its adapter: what tests/providers/test_remote_road.py drives jobs through."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from apps.core.errors import JobError
from apps.providers.base import Capabilities, Output, Polled, Submitted, WireRequest
from apps.providers.orders import TranslationOrder

STATUSES = {"waiting": "queued", "working": "running", "ready": "succeeded", "broken": "failed"}


class Vendor(ThreadingHTTPServer):
    """Keeps works by our id; `script` is the list of statuses that polls see, the last one for ever."""

    daemon_threads = True

    def __init__(self, script: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.works: dict[str, int] = {}
        self.submits = 0
        self.deaf_once = False
        self.lock = threading.Lock()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """PUT /works/<id>, GET /works/<id>, GET /works, GET /files/<name>."""

    server: Vendor

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.rpartition("/")[2]
        with self.server.lock:
            self.server.submits += 1
            self.server.works.setdefault(name, 0)
            deaf, self.server.deaf_once = self.server.deaf_once, False
        if deaf:  # the work is taken, and the answer never arrives
            self.connection.close()
            return
        self._answer(200, {"work": name})

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if self.path.startswith("/files/"):
            self._send(200, f"this is {name}".encode(), "text/plain")
            return
        if self.path == "/works":
            self._answer(200, {"works": list(self.server.works)})
            return
        with self.server.lock:
            seen = self.server.works[name]
            self.server.works[name] = seen + 1
        status = self.server.script[min(seen, len(self.server.script) - 1)]
        body: dict[str, Any] = {"status": status, "percent": 40 * seen}
        if status == "ready":
            body["files"] = [{"kind": "video", "url": f"{self.server.base}/files/dub.mp4", "format": "mp4"}]
        if status == "broken":
            body["reason"] = "the voices are ill"
        self._answer(200, body)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, msgspec.json.encode(body), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Silent."""


class Adapter:
    """The pure half: requests built, answers parsed."""

    polls_per_second = 10.0

    def __init__(self, base: str, *, takes_client_id: bool) -> None:
        self.base = base
        self.takes_client_id = takes_client_id

    def build_submit(self, order: TranslationOrder, *, client_id: str, source_url: str) -> WireRequest:
        body = msgspec.json.encode({"source": source_url, "to": order.target_locales[0]})
        return WireRequest("PUT", f"{self.base}/works/{client_id}", {"Authorization": "secret"}, body)

    def parse_submit(self, status: int, body: bytes) -> Submitted:
        if status != 200:
            raise JobError(10908, f"the vendor answered {status}")
        return Submitted(msgspec.json.decode(body)["work"])

    def build_poll(self, ref: str) -> WireRequest:
        return WireRequest("GET", f"{self.base}/works/{ref}")

    def parse_poll(self, status: int, headers: Mapping[str, str], body: bytes) -> Polled:
        told = msgspec.json.decode(body)
        files = tuple(Output(f["kind"], f["url"], f["format"], main=True) for f in told.get("files", ()))
        state: Any = STATUSES.get(told["status"], "unknown")
        return Polled(state, told["percent"] / 100, error=told.get("reason", ""), outputs=files, retry_after=0.01)

    def build_find(self, client_id: str) -> WireRequest | None:
        return None if self.takes_client_id else WireRequest("GET", f"{self.base}/works")

    def parse_find(self, body: bytes, client_id: str) -> str | None:
        return client_id if client_id in msgspec.json.decode(body)["works"] else None

    def build_cancel(self, ref: str) -> WireRequest | None:
        return None


class VendorProvider:
    """What stands in the registry; it honours less than the built-in engine does."""

    name = "vendor"
    title = "The test vendor"

    def __init__(self, base: str, *, takes_client_id: bool) -> None:
        self.remote = Adapter(base, takes_client_id=takes_client_id)

    def capabilities(self) -> Capabilities:
        return Capabilities(
            steps=frozenset({"subtitles", "voice"}),
            subtitle_sources=frozenset({"asr", "file"}),
            export_types=frozenset({"auto", "video"}),
            media_types=frozenset({"auto", "video"}),
            options=frozenset({"prompt"}),
            pair=lambda source, target, heard, speaks: "",
        )
