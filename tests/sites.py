"""Small web servers on loopback for tests: a folder's files, a customer's callback address, or whatever a handler makes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class FolderHandler(SimpleHTTPRequestHandler):
    """A folder's files, silently; /loop redirects for ever."""

    def do_GET(self) -> None:
        """GET of a file."""
        if self.path.startswith("/loop"):
            self.send_response(302)
            self.send_header("Location", "/loop")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def listening(handler: Callable[..., Any]) -> Iterator[ThreadingHTTPServer]:
    """A server on a free port of 127.0.0.1, gone at the end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def hosted(folder: Path) -> Iterator[str]:
    """A folder as a web site of its own: its address without a slash at the end."""
    with listening(partial(FolderHandler, directory=str(folder))) as server:
        yield f"http://127.0.0.1:{server.server_port}"


class ChallengedHandler(BaseHTTPRequestHandler):
    """Answers the challenge of a callback address as its path says: /json and /plain prove it, /broken is a 500, others are deaf."""

    def __init__(self, seen: list[dict[str, Any]], *args: Any) -> None:
        self.seen = seen
        super().__init__(*args)

    def do_POST(self) -> None:
        """The challenge."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["webhook-signature"].startswith("v1,")
        self.seen.append(body)
        answers = {"/json": json.dumps({"challenge": body["challenge"]}), "/plain": body["challenge"]}
        answer = answers.get(self.path, "no").encode()
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def challenged() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A customer's server: its address without a slash at the end, and the bodies that it was sent."""
    seen: list[dict[str, Any]] = []
    with listening(partial(ChallengedHandler, seen)) as server:
        yield f"http://127.0.0.1:{server.server_port}", seen
