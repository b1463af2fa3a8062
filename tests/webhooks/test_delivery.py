"""From an event to a signed request: bodies, signatures, schedule, answers that mean something, endpoints that are switched off."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db.models import F

from apps.accounts.actor import Actor
from apps.accounts.models import Role
from apps.core import clock
from apps.events import log
from apps.events.models import Event
from apps.jobs.models import Job
from apps.jobs.services import cancel_job
from apps.webhooks import schedule
from apps.webhooks.models import Attempt, Endpoint, Lane, Message
from apps.webhooks.services import endpoints, notices, replay
from apps.webhooks.services.secrets import rotate_secret
from tests.factories import add_member, make_organization, owner_of
from tests.webhooks.receiver import Answer, Receiver

pytestmark = pytest.mark.django_db(transaction=True)
Send = Callable[[], int]


def event(actor: Actor, type: str = "asset.ready", subject: str = "ast_1", **data: Any) -> Event:
    return log.record(
        type=type, actor=actor, organization_id=actor.organization.pk, subject=("asset", subject), data=data
    )


def make(actor: Actor, receiver: Receiver, path: str = "/hook", **more: Any) -> tuple[Endpoint, str]:
    return endpoints.create_endpoint(actor=actor, url=receiver.url(path), **more)


def rewind(**more: Any) -> None:
    """Lets the time of what waits come."""
    Message.objects.filter(state="due", **more).update(next_attempt_at=clock.now())
    Lane.objects.update(due_at=clock.now())


def by_hand(secret: str, headers: dict[str, str], body: bytes) -> str:
    """The signature as the specification words it, made without our code."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def test_an_event_arrives_once_signed_and_logged(actor: Actor, receiver: Receiver, send: Send) -> None:
    event(actor)  # before there was an endpoint
    endpoint, secret = make(actor, receiver)
    receiver.plan["/hook"] = Answer(200, {"X-Request-Id": "theirs"}, b"thank you")
    made = event(actor, duration_ms=1500, content_type="video/mp4", size=7, inside="never told")
    assert send() == 1
    assert send() == 0
    (got,) = receiver.got
    assert got.json == {
        "type": "asset.ready",
        "timestamp": clock.to_text(Event.objects.get(pk=made.pk).created_at),
        "version": "2026-11-01",
        "data": {"asset": "ast_1", "duration_ms": 1500, "content_type": "video/mp4", "size": 7},
    }
    assert got.headers["webhook-signature"] == by_hand(secret, got.headers, got.body)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "Kinoglot-Webhooks/1"
    message = Message.objects.get()
    assert (message.public_id, message.state, message.attempt_count) == (got.headers["webhook-id"], "sent", 1)
    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.response_body, attempt.url) == (200, "thank you", endpoint.url)
    assert attempt.request_headers["webhook-id"] == message.public_id
    assert attempt.response_headers["x-request-id"] == "theirs"
    lane = Lane.objects.get()
    assert (lane.due_at, lane.busy_until, lane.slow) == (None, None, False)


def test_the_official_library_verifies_it(actor: Actor, receiver: Receiver, send: Send) -> None:
    standardwebhooks = pytest.importorskip("standardwebhooks")
    endpoint, secret = make(actor, receiver)
    event(actor)
    send()
    newer = rotate_secret(actor=actor, row=endpoint)
    event(actor, subject="ast_2")
    send()
    first, second = receiver.got
    assert standardwebhooks.Webhook(secret).verify(first.body, first.headers)["type"] == "asset.ready"
    for one in (secret, newer):
        assert standardwebhooks.Webhook(one).verify(second.body, second.headers)["data"]["asset"] == "ast_2"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(newer).verify(first.body, first.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(second.body + b" ", second.headers)


def test_a_rotated_secret_signs_on_until_the_overlap_is_over(actor: Actor, receiver: Receiver, send: Send) -> None:
    endpoint, old = make(actor, receiver)
    new = rotate_secret(actor=actor, row=endpoint)
    event(actor)
    send()
    Endpoint.objects.update(previous_until=clock.now() - timedelta(seconds=1))
    event(actor)
    send()
    both, later = receiver.got
    assert both.headers["webhook-signature"].split() == [by_hand(one, both.headers, both.body) for one in (new, old)]
    assert later.headers["webhook-signature"] == by_hand(new, later.headers, later.body)
    newest = rotate_secret(actor=actor, row=endpoint, overlap=timedelta(0))
    event(actor)
    send()
    assert receiver.got[-1].headers["webhook-signature"] == by_hand(
        newest, receiver.got[-1].headers, receiver.got[-1].body
    )


def test_filters_and_other_organizations(actor: Actor, receiver: Receiver, send: Send) -> None:
    make(actor, receiver, "/some", event_types=["asset.failed"])
    make(actor, receiver, "/all")
    stranger = owner_of(make_organization())
    make(stranger, receiver, "/stranger")
    event(actor, "asset.ready")
    event(actor, "asset.failed", error_code=10901, error="no")
    event(actor, "member.joined", email="a@example.org")  # not one that endpoints are told of
    send()
    assert [one.json["type"] for one in receiver.at("/some")] == ["asset.failed"]
    assert sorted(one.json["type"] for one in receiver.at("/all")) == ["asset.failed", "asset.ready"]
    assert receiver.at("/stranger") == []


def test_the_schedule_runs_for_three_days_and_ends(actor: Actor, receiver: Receiver, send: Send) -> None:
    make(actor, receiver)
    receiver.plan["/hook"] = Answer(500, {}, b"\x00oops" * 1000)
    event(actor)
    waited = 0.0
    for number, delay in enumerate(schedule.DELAYS, 1):
        assert send() == 1
        message = Message.objects.get()
        assert (message.state, message.attempt_count, message.last_status) == ("due", number, 500)
        assert message.next_attempt_at is not None
        pause = (message.next_attempt_at - clock.now()).total_seconds()
        assert 0.89 * delay - 2 < pause < 1.11 * delay
        waited += pause
        assert send() == 0, "not before its time"
        rewind()
    assert 2.5 < waited / 86_400 < 3.6
    assert send() == 1
    message = Message.objects.get()
    assert (message.state, message.next_attempt_at, message.attempt_count) == ("failed", None, 10)
    assert message.finished_at is not None
    rewind()
    assert send() == 0
    attempt = Attempt.objects.order_by("-id")[0]
    assert attempt.number == 10
    assert len(attempt.response_body) == 1024
    assert "\x00" not in attempt.response_body
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 1
    assert len({one.body for one in receiver.got}) == 1


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (429, "900", 900),
        (503, "900", 900),
        (500, "900", 5),
        (429, "2", 5),
        (429, "999999999", 86_400),
        (429, "soon", 5),
    ],
)
def test_retry_after_is_waited_for(
    actor: Actor, receiver: Receiver, send: Send, status: int, text: str, expected: float
) -> None:
    make(actor, receiver)
    receiver.plan["/hook"] = Answer(status, {"Retry-After": text})
    event(actor)
    send()
    message = Message.objects.get()
    assert message.next_attempt_at is not None
    assert (message.next_attempt_at - clock.now()).total_seconds() == pytest.approx(expected, rel=0.12, abs=2)


def test_retry_after_as_a_date() -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    when = schedule.next_attempt(now, 1, status=503, retry_after="Sun, 22 Nov 2026 10:20:00 GMT")
    assert when == now + timedelta(minutes=20)


def test_410_switches_the_endpoint_off_and_says_so(actor: Actor, receiver: Receiver, send: Send) -> None:
    endpoint, _ = make(actor, receiver)
    admin = add_member(actor.organization, Role.ADMIN)
    add_member(actor.organization, Role.EDITOR)
    receiver.plan["/hook"] = Answer(410)
    for number in range(4):
        event(actor, subject=f"ast_{number}")
    send()
    assert 1 <= len(receiver.got) <= 4
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")
    assert set(Message.objects.values_list("state", flat=True)) == {"failed"}
    assert Event.objects.filter(type="webhook_endpoint.disabled", subject_id=endpoint.public_id).count() == 1
    assert notices.tell_disabled(endpoint_pk=endpoint.pk) == 2
    assert {tuple(one.to) for one in mail.outbox} == {(actor.user.email,), (admin.user.email,)}  # type: ignore[union-attr]
    assert endpoint.url in str(mail.outbox[0].body)
    assert f"/webhooks/{endpoint.public_id}" in str(mail.outbox[0].body)


def test_five_days_of_failure_switch_it_off_and_recover_sends_what_it_missed(
    actor: Actor, receiver: Receiver, send: Send
) -> None:
    endpoint, _ = make(actor, receiver)
    receiver.plan["/hook"] = Answer(500)
    start = clock.now()
    event(actor, subject="ast_a")
    send()
    Endpoint.objects.update(failing_since=F("failing_since") - timedelta(days=4, hours=23))
    event(actor, subject="ast_b")
    send()
    endpoint.refresh_from_db()
    assert endpoint.enabled
    Endpoint.objects.update(
        failing_since=F("failing_since") - timedelta(hours=2), last_failure_at=clock.now() - timedelta(hours=40)
    )
    event(actor, subject="ast_c")
    send()
    endpoint.refresh_from_db()
    assert endpoint.enabled, "after a quiet of 40 hours the failures begin anew"
    Endpoint.objects.update(failing_since=clock.now() - timedelta(days=5))
    event(actor, subject="ast_d")
    send()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failing")
    event(actor, subject="ast_e")
    made = len(receiver.got)
    rewind()
    assert send() == 0
    assert set(Message.objects.values_list("state", flat=True)) == {"failed"}
    receiver.plan.clear()
    endpoint = endpoints.update_endpoint(actor=actor, endpoint=endpoint, enabled=True)
    assert replay.recover(actor=actor, endpoint=endpoint, since=start - timedelta(hours=1)) == 5
    assert send() == 5
    assert sorted(one.json["data"]["asset"] for one in receiver.got[made:]) == [
        "ast_a",
        "ast_b",
        "ast_c",
        "ast_d",
        "ast_e",
    ]
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None
    assert replay.recover(actor=actor, endpoint=endpoint, since=start - timedelta(hours=1)) == 0


def test_one_message_is_resent_with_its_id(actor: Actor, receiver: Receiver, send: Send) -> None:
    make(actor, receiver)
    event(actor)
    send()
    message = Message.objects.get()
    replay.resend_message(actor=actor, message=message)
    assert send() == 1
    first, second = receiver.got
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert [one.number for one in message.attempts.order_by("id")] == [1, 2]


def test_a_test_is_sent_once_even_to_a_switched_off_endpoint(actor: Actor, receiver: Receiver, send: Send) -> None:
    endpoint, _ = make(actor, receiver)
    endpoints.update_endpoint(actor=actor, endpoint=endpoint, enabled=False)
    receiver.plan["/hook"] = [Answer(500)]
    endpoints.send_test(actor=actor, endpoint=endpoint)
    assert send() == 1
    message = Message.objects.get()
    assert (message.type, message.state, message.attempt_count) == ("webhook.test", "failed", 1)
    assert receiver.got[0].json["type"] == "webhook.test"
    endpoints.send_test(actor=actor, endpoint=endpoint)
    send()
    assert Message.objects.order_by("-id")[0].state == "sent"


def test_redirects_are_not_followed_and_long_answers_are_cut(actor: Actor, receiver: Receiver, send: Send) -> None:
    make(actor, receiver, "/moved")
    make(actor, receiver, "/long")
    receiver.plan["/moved"] = Answer(302, {"Location": receiver.url("/elsewhere")})
    receiver.plan["/long"] = Answer(200, {}, b"x" * 300_000)
    event(actor)
    send()
    assert receiver.at("/elsewhere") == []
    states = {attempt.url.rsplit("/", 1)[1]: attempt.message.state for attempt in Attempt.objects.all()}
    assert states == {"moved": "due", "long": "sent"}


def test_a_job_of_a_native_order_is_told_to_its_callback_url(
    actor: Actor, receiver: Receiver, send: Send, tmp_path: Any
) -> None:
    from apps.webhooks.services.secrets import callback_secret, show_secret
    from tests.jobs.helpers import submitted, subtitles_order

    job = submitted(actor, subtitles_order(actor, tmp_path))
    Job.objects.filter(pk=job.pk).update(callback_url=receiver.url("/done"))
    make(actor, receiver, "/endpoint")
    receiver.plan["/done"] = [Answer(500)]
    cancel_job(actor=actor, job=job)
    assert send() == 2
    rewind()
    assert send() == 1
    secret = show_secret(actor=actor, row=callback_secret(actor.organization.pk))
    first, second = receiver.at("/done")
    for got in (first, second):
        told = got.json
        assert (told["id"], told["status"], told["output"], told["error_code"]) == (
            job.public_id,
            "canceled",
            None,
            10909,
        )
        assert set(told) == {
            "id", "model", "status", "output", "error", "error_code", "executionTime", "timings", "target_locale"
        }  # fmt: skip
        assert got.headers["webhook-signature"] == by_hand(secret, got.headers, got.body)
    (told,) = (one.json for one in receiver.at("/endpoint"))
    assert (told["type"], told["data"]["id"], told["data"]["status"]) == ("job.canceled", job.public_id, "canceled")
    assert told["data"]["translation"] == job.translation.public_id  # type: ignore[union-attr]
    assert "artefacts" not in told["data"]
    assert "output" not in told["data"]
    assert json.dumps(told).count("/files/") == 0


def test_examples_have_the_members_of_real_payloads(actor: Actor, tmp_path: Any) -> None:
    from apps.webhooks import payloads
    from apps.webhooks.catalog import EVENT_TYPES, is_job_type
    from tests.jobs.helpers import submitted, subtitles_order

    job = submitted(actor, subtitles_order(actor, tmp_path))
    for kind in EVENT_TYPES:
        made = Event(type=kind.name, subject_id="x", data={}, created_at=clock.now())
        body = payloads.body_of(made, job if is_job_type(kind.name) else None)
        assert body is not None
        real, shown = json.loads(body), payloads.example(kind)
        assert real.keys() == shown.keys()
        assert real["data"].keys() == shown["data"].keys(), kind.name
