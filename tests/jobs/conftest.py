"""Fixtures of the job tests: a customer's server that answers callback challenges."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest


class Callback(BaseHTTPRequestHandler):
    """Answers the challenge in the way that its path asks for."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        challenge = msgspec.json.decode(body)["challenge"]
        answers = {"/json": msgspec.json.encode({"challenge": challenge}), "/plain": challenge.encode()}
        answer = answers.get(self.path, b"no")
        assert self.headers["webhook-signature"].startswith("v1,")
        self.server.calls += 1  # type: ignore[attr-defined]
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.fixture
def callback_server() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Callback)
    server.calls = 0  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
