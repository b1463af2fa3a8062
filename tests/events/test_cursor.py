"""Durable readers of the log: each event once, in whatever order the transactions end."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from apps.events import log
from apps.events.cursor import read_new
from apps.events.models import Cursor, Event

pytestmark = pytest.mark.django_db(transaction=True)
INSERT = (
    "INSERT INTO events_event (type, subject_type, subject_id, actor, data, request_id)"
    " VALUES ('t.e', 'job', %s, '{}', '{}', '') RETURNING id"
)


def connect(**more: Any) -> psycopg.Connection[Any]:
    params = {k: v for k, v in connection.get_connection_params().items() if k not in ("context", "cursor_factory")}
    return psycopg.connect(**params, **more)


def read_all(name: str = "test", limit: int = 1000) -> list[int]:
    found: list[int] = []
    while True:
        with read_new(name, limit=limit) as events:
            found += [event.pk for event in events]
        if len(events) < limit:
            return found


def add(subject: str = "job_1") -> int:
    return log.record(type="job.created", actor=None, organization_id=1, subject=("job", subject)).pk


def test_what_commits_late_is_read_late_and_everything_only_once() -> None:
    rng = random.Random(7)
    open_ones: list[tuple[psycopg.Connection[Any], list[int]]] = []
    written: set[int] = set()
    read: list[int] = []
    spare = [connect() for _ in range(6)]
    try:
        for _ in range(150):
            step = rng.random()
            if step < 0.45 and spare:
                one = spare.pop()
                open_ones.append((one, [one.execute(INSERT, ["x"]).fetchone()[0] for _ in range(rng.randint(1, 3))]))  # type: ignore[index]
            elif step < 0.75 and open_ones:
                one, ids = open_ones.pop(rng.randrange(len(open_ones)))
                if rng.random() < 0.2:
                    one.rollback()
                else:
                    one.commit()
                    written |= set(ids)
                spare.append(one)
            else:
                read += read_all(limit=rng.choice([1, 2, 5, 1000]))
                assert set(read) == written, "nothing waits for transactions that are still open"
        for one, ids in open_ones:
            one.commit()
            written |= set(ids)
    finally:
        for one in [*spare, *(one for one, _ in open_ones)]:
            one.close()
    read += read_all()
    assert sorted(read) == sorted(written)
    assert len(read) == len(set(read))


def test_position_and_work_commit_together_and_one_reads_at_a_time() -> None:
    first = add()
    with pytest.raises(ZeroDivisionError), read_new("test") as events:
        assert [event.pk for event in events] == [first]
        assert (events[0].type, events[0].data, events[0].actor["kind"]) == ("job.created", {}, "system")
        raise ZeroDivisionError
    with read_new("test") as events:
        assert [event.pk for event in events] == [first]
        with connect(autocommit=True) as other:
            locked = "SELECT 1 FROM events_cursor WHERE name = 'test' FOR UPDATE SKIP LOCKED"
            assert other.execute(locked).fetchone() is None
        own = add("job_written_by_the_reader")
    assert read_all() == [own], "what the reader itself writes is read next"
    assert read_all() == []
    assert read_all("another") == [first, own]


def test_the_log_restored_into_another_cluster_goes_on() -> None:
    early, late = add(), add()
    assert read_all() == [early, late]
    unread = add()
    with transaction.atomic(), connection.cursor() as db:
        # As a restore leaves it: rows bear the numbers of the old cluster's transactions, far above this one's.
        db.execute("SET LOCAL session_replication_role = 'replica'")
        db.execute("UPDATE events_event SET xid = ((xid::text)::bigint + 1000000000)::text::xid8")
        old = Cursor.objects.get(name="test")
        xmin, xmax, _ = old.done.split(":")
        done = f"{int(xmin) + 10**9}:{int(xmax) + 10**9}:"
        Cursor.objects.update(system=old.system + 1, done=done)
    fresh = add()
    assert read_all() == [unread, fresh]
    assert read_all() == []
    after = add()
    assert read_all() == [after]
    assert Event.objects.count() == 5
