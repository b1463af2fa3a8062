"""The queue's door: a message exists when, and only if, the change that caused it was committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import dramatiq
import psycopg
import pytest
from django.db import connection, transaction
from dramatiq.worker import Worker

from apps.core.ids import new_id
from apps.events import queue
from apps.events.broker import TransactionalPostgresBroker, get_broker

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = "tests"
seen: list[tuple[str, float]] = []
done = threading.Event()


@dramatiq.actor(queue_name=QUEUE, max_retries=2, min_backoff=100)
def note(word: str) -> None:
    seen.append((word, time.monotonic()))
    done.set()


@dramatiq.actor(queue_name=QUEUE, max_retries=3, min_backoff=100)
def fail_once(word: str) -> None:
    seen.append((word, time.monotonic()))
    if len(seen) == 1:
        raise RuntimeError("first time")
    done.set()


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    seen.clear()
    done.clear()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE dramatiq.queue, dramatiq.worker")
    yield


@pytest.fixture
def other() -> Iterator[psycopg.Connection]:
    """A second connection: what other processes see."""
    params = {k: v for k, v in connection.get_connection_params().items() if k not in ("context", "cursor_factory")}
    with psycopg.connect(**params, autocommit=True) as made:
        yield made


def waiting(other: psycopg.Connection) -> int:
    row = other.execute("SELECT count(*) FROM dramatiq.queue WHERE state = 'queued'").fetchone()
    assert row
    return int(row[0])


@pytest.fixture
def worker(broker: dramatiq.Broker) -> Iterator[Worker]:
    made = Worker(broker, queues={QUEUE}, worker_threads=2, worker_timeout=100)
    made.start()
    yield made
    made.stop()


def test_nothing_is_seen_before_the_commit_and_one_after(other: psycopg.Connection) -> None:
    with transaction.atomic():
        queue.enqueue("note", "a", queue=QUEUE)
        assert waiting(other) == 0
    assert waiting(other) == 1


def test_a_rollback_takes_the_message_along(other: psycopg.Connection) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.enqueue("note", "a", queue=QUEUE)
        note.send("b")
        raise ZeroDivisionError
    assert waiting(other) == 0


def test_dramatiqs_own_send_joins_the_transaction_too(other: psycopg.Connection) -> None:
    with transaction.atomic():
        note.send("a")
        assert waiting(other) == 0
    assert waiting(other) == 1


def test_sql_puts_the_same_message_in_with_one_function(other: psycopg.Connection, worker: Worker) -> None:
    import json

    message = queue.encode_message("note", (new_id("job"),), queue=QUEUE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT events_enqueue(%s)", [json.dumps(message)])
    assert done.wait(10)
    assert seen[0][0] == message["args"][0]


def test_work_is_done_once_and_the_message_is_gone(other: psycopg.Connection, worker: Worker) -> None:
    started = time.monotonic()
    queue.enqueue("note", "a", queue=QUEUE)
    assert done.wait(10)
    assert seen[0][1] - started < 2  # woken by NOTIFY, not found by chance much later
    until = time.monotonic() + 5
    while time.monotonic() < until and rows(other):
        time.sleep(0.05)
    assert rows(other) == 0
    assert [word for word, _ in seen] == ["a"]


def rows(other: psycopg.Connection) -> int:
    row = other.execute("SELECT count(*) FROM dramatiq.queue").fetchone()
    assert row
    return int(row[0])


def test_a_delayed_message_waits(worker: Worker) -> None:
    started = time.monotonic()
    queue.enqueue("note", "later", queue=QUEUE, delay_ms=1500)
    assert done.wait(20)
    assert 1.4 < seen[0][1] - started < 10


def test_a_failed_task_is_tried_again(worker: Worker) -> None:
    queue.enqueue("fail_once", "x", queue=QUEUE)
    assert done.wait(20)
    assert [word for word, _ in seen] == ["x", "x"]


def test_the_message_of_a_vanished_worker_comes_back(other: psycopg.Connection, worker: Worker) -> None:
    """As kill -9 leaves it: consumed by a worker whose heartbeat has stopped."""
    broker = get_broker()
    assert isinstance(broker, TransactionalPostgresBroker)
    assert broker.heartbeat_ttl <= 15
    message = queue.encode_message("note", ("lost",), queue=QUEUE)
    with transaction.atomic(), connection.cursor() as cursor:
        queue.insert(message)
        cursor.execute(
            "UPDATE dramatiq.queue SET state = 'consumed', worker_id = gen_random_uuid(), consumed_at = now()"
        )
    assert done.wait(25)
    assert seen[0][0] == "lost"


def test_names_of_job_and_request_reach_the_log_context(worker: Worker) -> None:
    import structlog

    with structlog.contextvars.bound_contextvars(request_id="req-12345678"):
        queue.enqueue("report_context", new_id("job"), queue=QUEUE)
    assert done.wait(10)
    assert contexts[0]["request_id"] == "req-12345678"
    assert contexts[0]["job_id"].startswith("job_")
    assert contexts[0]["actor"] == "report_context"


contexts: list[dict[str, str]] = []


@dramatiq.actor(queue_name=QUEUE)
def report_context(job_id: str) -> None:
    import structlog

    contexts.append(dict(structlog.contextvars.get_contextvars()))
    done.set()
