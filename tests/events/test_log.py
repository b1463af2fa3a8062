"""The event log: rows are added, never changed, and told to listeners on commit."""

from __future__ import annotations

import psycopg
import pytest
import structlog
from django.db import IntegrityError, connection, transaction

from apps.events import doorbell, log, queue
from apps.events.models import Event


def add(subject: str = "job_0000000000000000", **data: object) -> Event:
    return log.record(type="job.created", actor=None, organization_id=7, subject=("job", subject), data=data)


@pytest.mark.django_db
def test_a_fact_keeps_who_what_and_which_request() -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-1234"):
        made = log.record(
            type="key.revoked",
            actor={"kind": "user", "id": "usr_1", "label": "Ana"},
            organization_id=7,
            subject=("apikey", "key_1"),
            data={"name": "build"},
        )
    made.refresh_from_db()
    assert (made.type, made.subject_type, made.subject_id) == ("key.revoked", "apikey", "key_1")
    assert made.actor["label"] == "Ana"
    assert made.request_id == "req-1234"
    assert made.created_at is not None


@pytest.mark.django_db
def test_the_database_refuses_to_change_or_delete_a_fact() -> None:
    made = add()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=made.pk).update(type="job.forged")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        made.delete()
    assert Event.objects.get(pk=made.pk).type == "job.created"


@pytest.mark.django_db
def test_retention_may_delete_when_it_says_so_in_its_transaction() -> None:
    made = add()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL kinoglot.purge_events = 'on'")
        made.delete()
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_listeners_hear_of_it_on_commit_and_not_of_a_rollback() -> None:
    params = {k: v for k, v in connection.get_connection_params().items() if k not in ("context", "cursor_factory")}
    with psycopg.connect(**params, autocommit=True) as listener:
        listener.execute("LISTEN kinoglot_events")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            add("job_rolled_back00000")
            raise ZeroDivisionError
        with transaction.atomic():
            add("job_committed0000000")
            assert not list(listener.notifies(timeout=0.3))
        heard = [notice.payload for notice in listener.notifies(timeout=2, stop_after=1)]
    assert heard == [""]  # a doorbell; readers look for themselves


@pytest.mark.django_db(transaction=True)
def test_a_quiet_transaction_rings_only_when_told_to_and_after_its_commit() -> None:
    params = {k: v for k, v in connection.get_connection_params().items() if k not in ("context", "cursor_factory")}
    with psycopg.connect(**params, autocommit=True) as listener:
        listener.execute("LISTEN kinoglot_events")
        listener.execute('LISTEN "dramatiq.quiet.enqueue"')
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL kinoglot.quiet = 'on'")
            add()
            queue.enqueue("nobody", queue="quiet")
        assert not list(listener.notifies(timeout=0.3))
        with transaction.atomic():
            doorbell.ring_after_commit("quiet")
            assert not list(listener.notifies(timeout=0.3))
        heard = {notice.channel for notice in listener.notifies(timeout=1)}
        assert heard == {"kinoglot_events", "dramatiq.quiet.enqueue"}
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE dramatiq.queue")
