"""Real servers for tests: our own apps under granian on a free port, over the test database."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port below 32768 (above it, outgoing connections of other tests take them)."""
    for _ in range(200):
        port = random.randint(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def database_url() -> str:
    """The test database as DATABASE_URL, for programs started by a test."""
    found = connection.settings_dict
    host, port = found["HOST"], f":{found['PORT']}" if found["PORT"] else ""
    login = quote(found["USER"]) + (f":{quote(found['PASSWORD'])}" if found["PASSWORD"] else "")
    if host.startswith("/"):
        return f"postgres://{login}@{port}/{found['NAME']}?host={quote(host, safe='')}"
    return f"postgres://{login}@{host}{port}/{found['NAME']}"


@dataclass(frozen=True)
class Server:
    """A running server: its process and address without a slash at the end."""

    process: subprocess.Popen[bytes]
    url: str
    port: int

    @property
    def worker_pid(self) -> int:
        """The process that serves (granian's only worker)."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        return int(tasks[-1])


@contextmanager
def serve(
    target: str, *, interface: str = "asgi", ready: str = "/healthz", env: dict[str, str] | None = None
) -> Iterator[Server]:
    """Start `target` ("portal.asgi:application"), wait until `ready` answers below 500, and end it by its own id."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--workers",
        "1",
        "--no-access-log",
        "--backlog",
        "4096",
        "--backpressure",
        "4096",
        "--workers-kill-timeout",
        "3",
    ]
    command.append(target)
    environment = os.environ | {
        # The product's own settings over this run's database and folders.
        "DJANGO_SETTINGS_MODULE": "tests.server_settings",
        "DATABASE_URL": database_url(),
        "KINOGLOT_DATA_DIR": str(settings.DATA_DIR),
        "PYTHONWARNINGS": "ignore",
        **(env or {}),
    }
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    server = Server(process, f"http://127.0.0.1:{port}", port)
    try:
        until = time.monotonic() + 60
        while True:
            assert process.poll() is None, f"{target} ended with {process.returncode}"
            try:
                if httpx.get(server.url + ready, timeout=5).status_code < 500:
                    break
            except httpx.TransportError:
                pass
            assert time.monotonic() < until, f"{target} did not answer within 60 s"
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
