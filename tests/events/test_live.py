"""Live streams end to end: a row in the log reaches browsers through a real server, none is lost, nobody is held up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connection, transaction

from apps.core.ids import new_id
from apps.events import log
from tests.servers import Server, serve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    with django_db_blocker.unblock(), serve("tests.events.live_server:app", ready="/count") as started:
        yield started


def add(job: str, type: str = "job.stage", organization: int = 7, **data: object) -> int:
    return log.record(type=type, actor=None, organization_id=organization, subject=("job", job), data=data).pk


def tell(job: str, organization: int = 7, **data: object) -> None:
    with connection.cursor() as cursor:
        payload = json.dumps({"job": job, "organization": organization, **data})
        cursor.execute("SELECT pg_notify('kinoglot_progress', %s)", [payload])


@contextlib.contextmanager
def slow_event(job: str) -> Iterator[tuple[psycopg.Connection[Any], int]]:
    """A transaction of its own that has written an event and not committed it: the connection, and the event's number."""
    params = {k: v for k, v in connection.get_connection_params().items() if k not in ("context", "cursor_factory")}
    with psycopg.connect(**params) as slow:
        row = slow.execute(
            "INSERT INTO events_event (organization_id, type, subject_type, subject_id, actor, data, request_id)"
            " VALUES (7, 'job.late', 'job', %s, '{}', '{}', '') RETURNING id",
            [job],
        ).fetchone()
        assert row
        yield slow, row[0]


class Stream:
    """One client, reading in its own thread: (event, data, id) as they come."""

    def __init__(self, url: str, organization: int = 7, **headers: str) -> None:
        self.seen: list[tuple[str, Any, str]] = []
        self.status = 0
        self.problem: Any = None
        self._changed = threading.Condition()
        self._client = httpx.Client(timeout=30, cookies={"organization": str(organization)})
        self._thread = threading.Thread(target=self._read, args=(url, headers), daemon=True)
        self._thread.start()
        self.wait(lambda: self.status)

    def _read(self, url: str, headers: dict[str, str]) -> None:
        try:
            with self._client.stream(
                "GET", url, headers={k.replace("_", "-"): v for k, v in headers.items()}
            ) as answer:
                if answer.status_code != 200:
                    answer.read()
                    self.problem = answer.json()
                self._socket = answer.extensions["network_stream"].get_extra_info("socket")
                self._set(status=answer.status_code)
                event, data, position = "message", "", ""
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "event":
                        event = value
                    elif name == "data":
                        data = value
                    elif name == "id":
                        position = value
                    elif not line and data:
                        with self._changed:
                            self.seen.append((event, json.loads(data), position))
                            self._changed.notify_all()
                        event, data = "message", ""
        except (httpx.HTTPError, RuntimeError, OSError):
            pass
        self._set(status=self.status or -1)

    def _set(self, status: int) -> None:
        with self._changed:
            self.status = status
            self._changed.notify_all()

    def wait(self, condition: Any, seconds: float = 10) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, seconds), f"waited {seconds} s; seen {self.seen[-5:]}"

    def ready(self) -> Stream:
        self.wait(lambda: any(event == "ready" for event, _, _ in self.seen))
        return self

    def events(self) -> list[dict[str, Any]]:
        return [data for event, data, _ in self.seen if event == "event"]

    @property
    def position(self) -> str:
        return next(position for _, _, position in reversed(self.seen) if position)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # already ended by the server
            # Closing alone would not wake the thread that is reading.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._client.close()


def test_an_event_reaches_the_page_of_its_job_and_no_other(server: Server) -> None:
    job, other = new_id("job"), new_id("job")
    mine = Stream(f"{server.url}/live/jobs/{job}").ready()
    stranger = Stream(f"{server.url}/live/jobs/{job}", organization=8).ready()
    add(other)
    started = time.monotonic()
    with transaction.atomic():
        number = add(job, "job.completed", charged="18.4")
    mine.wait(lambda: mine.events())
    assert time.monotonic() - started < 2
    (event,) = mine.events()
    assert event["id"] == number
    assert event["type"] == "job.completed"
    assert event["subject"] == {"type": "job", "id": job}
    assert event["data"] == {"charged": "18.4"}
    assert event["created_at"].endswith("Z")
    assert stranger.events() == []
    mine.close()
    stranger.close()


def test_the_organizations_stream_has_all_of_its_jobs(server: Server) -> None:
    first, second = new_id("job"), new_id("job")
    stream = Stream(f"{server.url}/live/organization").ready()
    wanted = [add(first), add(second), add(first)]
    add(new_id("job"), organization=9)
    stream.wait(lambda: len(stream.events()) == 3)
    assert [event["id"] for event in stream.events()] == wanted
    stream.close()


def test_progress_is_passed_on_and_only_the_latest_counts(server: Server) -> None:
    job = new_id("job")
    stream = Stream(f"{server.url}/live/jobs/{job}").ready()
    for done in range(100):
        tell(job, done=done, total=100, unit="line")
    stream.wait(lambda: any(event == "progress" and data["done"] == 99 for event, data, _ in stream.seen))
    told = [data["done"] for event, data, _ in stream.seen if event == "progress"]
    assert len(told) < 20
    assert told == sorted(told)
    stream.close()


def test_a_client_that_comes_back_gets_what_it_missed(server: Server) -> None:
    job = new_id("job")
    stream = Stream(f"{server.url}/live/jobs/{job}").ready()
    known = add(job)
    stream.wait(lambda: stream.events())
    position = stream.position
    stream.close()
    missed = [add(job), add(job), add(job)]
    back = Stream(f"{server.url}/live/jobs/{job}", Last_Event_ID=position).ready()
    later = add(job)
    back.wait(lambda: back.events() and back.events()[-1]["id"] == later)
    numbers = [event["id"] for event in back.events()]
    assert [number for number in numbers if number != known] == [*missed, later]
    back.close()


def test_a_page_can_say_what_it_was_rendered_with(server: Server) -> None:
    job = new_id("job")
    known, missed = add(job), add(job)
    stream = Stream(f"{server.url}/live/jobs/{job}?since={known}").ready()
    told = [event["id"] for event in stream.events()]
    stream.close()
    # At least once: where the tail was behind, the one that the page knows may follow.
    assert told[0] == missed and set(told) <= {known, missed}


def test_an_event_that_was_committed_late_is_not_lost(server: Server) -> None:
    """A transaction that took a smaller number, and committed while the client was away, after a larger one was seen."""
    job = new_id("job")
    stream = Stream(f"{server.url}/live/jobs/{job}").ready()
    with slow_event(job) as (slow, late):
        seen = add(job)
        stream.wait(lambda: stream.events())
        assert seen > late
        position = stream.position
        stream.close()
        slow.commit()
    back = Stream(f"{server.url}/live/jobs/{job}", Last_Event_ID=position).ready()
    assert late in [event["id"] for event in back.events()]
    back.close()


def test_someone_far_behind_is_told_to_reload(server: Server) -> None:
    job = new_id("job")
    first = add(job)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (organization_id, type, subject_type, subject_id, actor, data, request_id)"
            " SELECT 7, 'job.stage', 'job', %s, '{}', '{}', '' FROM generate_series(1, 600)",
            [job],
        )
    stream = Stream(f"{server.url}/live/jobs/{job}?since={first}")
    stream.wait(lambda: stream.seen)
    assert stream.seen[0][0] == "reset"
    assert stream.events() == []
    stream.close()


def test_refusals_are_problems_with_a_code(server: Server) -> None:
    anonymous = httpx.get(f"{server.url}/live/organization")
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, 7)
    cookies = {"organization": "7"}
    foreign = httpx.get(f"{server.url}/live/jobs/job_of_another", cookies=cookies)
    assert (foreign.status_code, foreign.json()["code"]) == (404, 4040)
    assert httpx.get(f"{server.url}/live/elsewhere", cookies=cookies).status_code == 404
    posted = httpx.post(f"{server.url}/live/organization", cookies=cookies)
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET")


def test_a_stream_outlives_neither_its_session_nor_a_quiet_proxy(server: Server) -> None:
    cookies = {"organization": "7", "until": str(time.time() + 2.5)}
    with httpx.stream("GET", f"{server.url}/live/organization", cookies=cookies, timeout=10) as answer:
        assert answer.status_code == 200
        text = "".join(answer.iter_text())  # ends by itself
    assert text.count(": keep-alive") >= 1
    assert float(cookies["until"]) < time.time() < float(cookies["until"]) + 4


def test_a_stream_ends_when_its_reader_now_belongs_elsewhere(server: Server) -> None:
    cookies = {"organization": "7", "moves": str(time.time() + 2)}
    with httpx.stream("GET", f"{server.url}/live/organization", cookies=cookies, timeout=10) as answer:
        assert answer.status_code == 200
        "".join(answer.iter_text())  # ends by itself; the next request gets the other organization's events
    assert time.time() < float(cookies["moves"]) + 4


def open_streams(server: Server) -> int:
    return int(httpx.get(f"{server.url}/count").text)


def wait_for_streams(server: Server, number: int) -> None:
    until = time.monotonic() + 15
    while open_streams(server) != number and time.monotonic() < until:
        time.sleep(0.1)
    assert open_streams(server) == number


def test_one_organization_cannot_take_every_stream(server: Server) -> None:
    wait_for_streams(server, 0)
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            line.sendall(b"GET /live/organization HTTP/1.1\r\nHost: x\r\nCookie: organization=11\r\n\r\n")
        wait_for_streams(server, 200)
        refused = Stream(f"{server.url}/live/organization", organization=11)
        assert (refused.status, refused.problem["code"]) == (429, 4290)
        refused.close()
        Stream(f"{server.url}/live/organization", organization=12).ready().close()
    wait_for_streams(server, 0)


def test_a_closed_browser_leaves_nothing_behind(server: Server) -> None:
    wait_for_streams(server, 0)
    streams = [Stream(f"{server.url}/live/organization").ready() for _ in range(3)]
    assert open_streams(server) == 3
    for stream in streams:
        stream.close()
    wait_for_streams(server, 0)


def test_a_client_that_does_not_read_is_let_go_and_holds_nobody_up(server: Server) -> None:
    wait_for_streams(server, 0)
    organization = 77
    stuck = socket.create_connection(("127.0.0.1", server.port))
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.sendall(f"GET /live/organization HTTP/1.1\r\nHost: x\r\nCookie: organization={organization}\r\n\r\n".encode())
    wait_for_streams(server, 1)
    lively = Stream(f"{server.url}/live/organization", organization=organization).ready()
    sent: list[int] = []
    started = time.monotonic()
    while open_streams(server) == 2 and time.monotonic() - started < 60:
        sent += [add(new_id("job"), organization=organization, filler="x" * 30_000) for _ in range(25)]
        last = sent[-1]
        lively.wait(lambda last=last: lively.events() and lively.events()[-1]["id"] == last)
    assert open_streams(server) == 1, "the stuck client is still there"
    assert [event["id"] for event in lively.events()] == sent
    assert len(sent) < 3000  # what sockets hold, and 256 more
    stuck.close()
    lively.close()


def test_two_hundred_clients_all_hear_everything(server: Server) -> None:
    wait_for_streams(server, 0)
    job = new_id("job")
    clients, rounds = 200, 20

    async def listen(http: httpx.AsyncClient, started: asyncio.Semaphore) -> list[int]:
        heard: list[int] = []
        async with http.stream("GET", f"{server.url}/live/jobs/{job}") as answer:
            async for line in answer.aiter_lines():
                if line == "event: ready":
                    started.release()
                if line.startswith('data: {"id"'):
                    heard.append(json.loads(line[6:])["id"])
                    if len(heard) == rounds:
                        return heard
        return heard

    async def everyone() -> tuple[list[list[int]], list[int]]:
        limits = httpx.Limits(max_connections=clients, max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=60, cookies={"organization": "7"}, limits=limits) as http:
            started = asyncio.Semaphore(0)
            tasks = [asyncio.create_task(listen(http, started)) for _ in range(clients)]
            for _ in range(clients):
                await started.acquire()
            sent = [await asyncio.to_thread(add_and_close, job) for _ in range(rounds)]
            return list(await asyncio.gather(*tasks)), sent

    heard, sent = asyncio.run(everyone())
    assert len(heard) == clients
    assert all(numbers == sent for numbers in heard)


def add_and_close(job: str) -> int:
    try:
        return add(job)
    finally:
        connection.close()


def test_streams_live_through_a_broken_database_connection(server: Server) -> None:
    job = new_id("job")
    stream = Stream(f"{server.url}/live/jobs/{job}").ready()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND (query LIKE 'LISTEN%%' OR query LIKE '%%pg_snapshot_xmin%%')"
            " AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 2  # type: ignore[index]
    made = add(job)
    stream.wait(lambda: made in [event["id"] for event in stream.events()])
    time.sleep(1)
    tell(job, done=1)
    stream.wait(lambda: any(event == "progress" for event, _, _ in stream.seen))
    stream.close()


def test_what_was_written_quietly_is_seen_within_two_seconds(server: Server) -> None:
    job = new_id("job")
    stream = Stream(f"{server.url}/live/jobs/{job}").ready()
    started = time.monotonic()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL kinoglot.quiet = 'on'")
        made = add(job)
    stream.wait(lambda: made in [event["id"] for event in stream.events()])
    assert time.monotonic() - started < 3
    stream.close()


@pytest.mark.parametrize("jump", [0, 5000])
def test_a_late_commit_reaches_an_open_page_too(server: Server, jump: int) -> None:
    job = new_id("job")
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('events_event_id_seq', nextval('events_event_id_seq') + %s)", [jump])
    stream = Stream(f"{server.url}/live/jobs/{job}").ready()
    with slow_event(job) as (slow, late):
        later = add(job)
        stream.wait(lambda: stream.events())
        slow.commit()
    stream.wait(lambda: len(stream.events()) == 2)
    assert [event["id"] for event in stream.events()] == [later, late]
    stream.close()


def test_a_server_told_to_stop_ends_its_streams_and_is_gone_at_once() -> None:
    with serve("tests.events.live_server:app", ready="/count") as server:
        stream = Stream(f"{server.url}/live/organization").ready()
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(10) == 0
        assert time.monotonic() - started < 2
        stream.wait(lambda: not stream._thread.is_alive())
        stream.close()
