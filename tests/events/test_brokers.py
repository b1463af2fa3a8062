"""The same promises on all three brokers: nothing before the commit, nothing after a rollback, and kill -9 loses nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dramatiq
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from apps.events import queue
from apps.events.broker import make_broker
from tests.servers import ROOT, database_url

pytestmark = pytest.mark.django_db(transaction=True)
SERVERS = {
    "postgresql": "",
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
    "rabbitmq": os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/"),
}


@pytest.fixture(params=list(SERVERS))
def url(request: pytest.FixtureRequest, settings: Any) -> Iterator[str]:
    """BROKER_URL of a server that is there, in force for this process; skips where it is not."""
    found = SERVERS[request.param]
    if found:
        parts = urlsplit(found)
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
        except OSError:
            pytest.skip(f"no {request.param} at {parts.hostname}:{parts.port}")
    before = dramatiq.get_broker()
    settings.BROKER_URL = found
    made = make_broker(found)
    dramatiq.set_broker(made)
    yield found
    dramatiq.set_broker(before)
    made.close()


@pytest.fixture
def name() -> Iterator[str]:
    """A queue of this test alone."""
    made = f"tests-{uuid.uuid4().hex[:10]}"
    yield made
    broker = dramatiq.get_broker()
    if hasattr(broker, "flush") and type(broker).__name__ != "TransactionalPostgresBroker":
        broker.declare_queue(made)
        broker.flush(made)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE dramatiq.queue, dramatiq.worker")


Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(url: str, name: str) -> Iterator[Start]:
    """Starts a worker program on the queue; all are ended afterwards."""
    started: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": database_url(),
        "BROKER_URL": url,
        "TEST_QUEUE": name,
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "dramatiq", "tests.events.worker_app:broker", "--queues", name]
    command += ["--processes", "1", "--threads", "1"]

    def run() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def words(path: Path, number: int, seconds: float) -> list[str]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if len(lines) >= number:
            return lines
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {number} lines")


def test_work_is_done_after_the_commit_only(url: str, name: str, start: Start, tmp_path: Path) -> None:
    start()
    path = tmp_path / "words"
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.enqueue("append", str(path), "rolled back", queue=name)
        raise ZeroDivisionError
    with transaction.atomic():
        queue.enqueue("append", str(path), "first", queue=name)
        time.sleep(2)
        assert not path.exists()
    assert words(path, 1, 20) == ["first"]
    queue.enqueue("append", str(path), "later", queue=name, delay_ms=2000)
    queue.enqueue("append", str(path), "at once", queue=name)
    assert words(path, 3, 30) == ["first", "at once", "later"]


@pytest.mark.long
def test_a_worker_killed_at_work_loses_nothing(url: str, name: str, start: Start, tmp_path: Path) -> None:
    """As a supervisor would see it: the process dies, dramatiq's master ends, another is started."""
    path = tmp_path / "words"
    master = start()
    queue.enqueue("hang_once", str(path), queue=name)
    (line,) = words(path, 1, 30)
    os.kill(int(line.split()[1]), signal.SIGKILL)
    assert master.wait(20) != 0
    killed = time.monotonic()
    start()
    assert words(path, 2, 90)[1] == "done"
    assert time.monotonic() - killed < 60


def test_a_broker_that_is_down_fails_no_request(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The row is the truth: the message is lost, the change is not, and the reconciler sends it again."""
    before = dramatiq.get_broker()
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    dramatiq.set_broker(make_broker(settings.BROKER_URL))
    try:
        with transaction.atomic():
            queue.enqueue("append", "x", "y")
    finally:
        dramatiq.set_broker(before)
    assert "reconciler" in caplog.text


def test_other_addresses_are_a_mistake_in_the_settings() -> None:
    with pytest.raises(ImproperlyConfigured, match="BROKER_URL"):
        make_broker("kafka://127.0.0.1/")
