"""The sender as it runs: fair to all, once each beside others, killed at any line, never to a private address."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from apps.accounts.actor import Actor
from apps.core import clock, signatures
from apps.core.http import OutboundPolicy
from apps.events import log
from apps.events.models import Event
from apps.jobs.models import Job
from apps.jobs.services import callbacks
from apps.webhooks import shapes
from apps.webhooks.catalog import VERSION
from apps.webhooks.models import Attempt, Endpoint, Lane, Message
from apps.webhooks.sender import Sender
from apps.webhooks.services import cleaning, endpoints
from apps.webhooks.services.secrets import callback_secret, seal, show_secret
from tests.servers import database_url
from tests.webhooks.receiver import Answer, Posted, Receiver

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(django_settings.BASE_DIR)


def events(actor: Actor, count: int, subject: str = "ast") -> None:
    for number in range(count):
        log.record(
            type="asset.ready",
            actor=None,
            organization_id=actor.organization.pk,
            subject=("asset", f"{subject}_{number}"),
            data={},
        )


def run_until(done: Callable[[], bool], *senders: Sender, seconds: float = 20) -> float:
    """Runs senders until something is so; how long that took."""

    async def main() -> float:
        stop = asyncio.Event()
        tasks = [asyncio.create_task(sender.run(stop)) for sender in senders]
        began = time.monotonic()
        while not done() and time.monotonic() - began < seconds:
            await asyncio.sleep(0.02)
        took = time.monotonic() - began
        stop.set()
        await asyncio.gather(*tasks)
        return took

    return asyncio.run(main())


def test_slow_and_dead_endpoints_starve_nobody(actor: Actor, receiver: Receiver) -> None:
    receiver.plan["/slow"] = Answer(200, seconds=2.5)
    receiver.plan["/fails"] = Answer(500)
    for path in ("/slow", "/fails", "/good"):
        endpoints.create_endpoint(actor=actor, url=receiver.url(path))
    events(actor, 40)
    took = run_until(lambda: len(receiver.at("/good")) == 40, Sender())
    assert len(receiver.at("/good")) == 40
    assert took < 15
    assert len(receiver.at("/slow")) < 40, "the slow one has a few requests open, not all"
    lanes = {lane.endpoint.url.rsplit("/", 1)[1]: lane.slow for lane in Lane.objects.select_related("endpoint")}  # type: ignore[union-attr]
    assert lanes == {"slow": True, "fails": True, "good": False}
    assert not Lane.objects.exclude(busy_until=None).exists(), "a clean stop gives its lanes back"


def test_two_senders_send_each_message_once(actor: Actor, receiver: Receiver) -> None:
    for path in ("/a", "/b", "/c"):
        endpoints.create_endpoint(actor=actor, url=receiver.url(path))
    events(actor, 30)
    run_until(lambda: len(receiver.got) >= 90, Sender(), Sender())
    ids = Counter(one.headers["webhook-id"] for one in receiver.got)
    assert len(ids) == 90
    assert set(ids.values()) == {1}
    assert Attempt.objects.count() == 90


def test_kill_9_loses_nothing(actor: Actor, receiver: Receiver, send: Callable[[], int]) -> None:
    """Killed with requests open and answers unsettled: after the lane's time each message is sent, some of them twice."""
    receiver.plan["/hook"] = Answer(200, seconds=0.3)
    endpoints.create_endpoint(actor=actor, url=receiver.url())
    events(actor, 30)
    environment = dict(os.environ) | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": database_url(),
        "PRIVATE_HOSTS_ALLOWED": "127.0.0.1",
        "SECRET_KEY": django_settings.SECRET_KEY,
        "KINOGLOT_DATA_DIR": str(django_settings.DATA_DIR),
        "LOG_LEVEL": "ERROR",
    }
    program = (
        "import asyncio, django; django.setup(); from apps.webhooks.sender import Sender;"
        " asyncio.run(Sender().run(asyncio.Event()))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(receiver.got) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 5 <= len(receiver.got) < 30
    assert send() == 0, "the dead sender's lane is its own until its time is over"
    Lane.objects.filter(busy_until__gt=clock.now()).update(busy_until=clock.now())
    receiver.plan.clear()
    send()
    assert {one.json["data"]["asset"] for one in receiver.got} == {f"ast_{number}" for number in range(30)}
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 30


def test_a_name_that_turns_private_is_refused_when_it_is_called(
    actor: Actor, receiver: Receiver, settings: Any
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ()
    for host in ("rebound.example.org", "mixed.example.org"):
        row = Endpoint.objects.create(
            organization=actor.organization,
            url=f"http://{host}:{receiver.port}/inside",
            version=VERSION,
            sealed=seal(signatures.new_secret()),
        )
        Lane.objects.create(organization=actor.organization, endpoint=row)
    events(actor, 1)
    answers = {"rebound.example.org": ["127.0.0.1"], "mixed.example.org": ["93.184.216.34", "127.0.0.1"]}
    policy = OutboundPolicy(resolver=lambda host, port: answers[host], max_redirects=0)
    asyncio.run(Sender(policy=policy).run_until_idle())
    assert receiver.got == []
    errors = set(Attempt.objects.values_list("error", flat=True))
    assert len(errors) == 2
    assert all("not a public address" in one and "127.0.0.1" not in one for one in errors)


class Told:
    """A dialect's shape: every change, in its own words."""

    bare = False

    def wants(self, event_type: str, data: Any) -> bool:
        return event_type != "job.stage"

    def body(self, job: Job, event: Event) -> bytes:
        if event.type == "job.broken":
            raise ValueError("a fault of the dialect")
        return f'{{"task":"{job.public_id}","change":"{event.type}"}}'.encode()

    def headers(self, job: Job, body: bytes) -> dict[str, str]:
        return {"X-Their-Token": "hidden in the log", "X-Shape": "theirs"}


def test_a_dialects_callbacks_come_in_its_shape_and_in_order(
    actor: Actor, receiver: Receiver, send: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.jobs.helpers import submitted, subtitles_order

    monkeypatch.setitem(shapes._shapes, "theirs", Told())
    job = submitted(actor, subtitles_order(actor, tmp_path))
    Job.objects.filter(pk=job.pk).update(callback_url=receiver.url("/theirs"), dialect="theirs")
    for name in ("job.stage", "job.paused", "job.broken", "job.resumed"):
        log.record(type=name, actor=None, organization_id=job.organization_id, subject=job, data={})
    send()
    assert [one.json["change"] for one in receiver.at("/theirs")] == ["job.created", "job.paused", "job.resumed"]
    assert {one.headers["x-shape"] for one in receiver.got} == {"theirs"}
    attempt = Attempt.objects.order_by("id")[0]
    assert attempt.request_headers["x-their-token"] == "(hidden)"
    assert attempt.message.lane.host == f"127.0.0.1:{receiver.port}"


def test_the_challenge_is_signed_with_the_callback_secret(actor: Actor, receiver: Receiver) -> None:
    def echo(posted: Posted) -> Answer:
        return Answer(200, body=posted.json["challenge"].encode())

    receiver.plan["/new"] = echo
    callbacks.prove(organization_id=actor.organization.pk, url=receiver.url("/new"))
    (got,) = receiver.got
    assert got.json["type"] == "callback.challenge"
    secret = show_secret(actor=actor, row=callback_secret(actor.organization.pk))
    moment = int(got.headers["webhook-timestamp"])
    assert got.headers["webhook-signature"] == signatures.sign([secret], got.headers["webhook-id"], moment, got.body)


def test_old_messages_are_removed_and_sleeping_lanes_woken(
    actor: Actor, receiver: Receiver, send: Callable[[], int]
) -> None:
    endpoints.create_endpoint(actor=actor, url=receiver.url())
    events(actor, 2)
    send()
    Message.objects.filter(subject_id="ast_0").update(created_at=clock.now() - timedelta(days=31))
    Message.objects.filter(subject_id="ast_1").update(state="due", next_attempt_at=clock.now())
    assert send() == 0, "nobody woke its lane"
    assert cleaning.sweep() == 1
    assert list(Message.objects.values_list("subject_id", flat=True)) == ["ast_1"]
    assert Attempt.objects.count() == 1
    assert send() == 1


def _code(name: str) -> str:
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    return page.split(f"<!-- {name} -->\n")[1].split("```")[1].split("\n", 1)[1]


def test_the_programs_of_the_documentation_verify(actor: Actor, receiver: Receiver, send: Callable[[], int]) -> None:
    _row, secret = endpoints.create_endpoint(actor=actor, url=receiver.url())
    events(actor, 1)
    send()
    (got,) = receiver.got
    names: dict[str, Any] = {}
    exec(_code("python"), names)
    late = got.headers | {"webhook-timestamp": str(int(got.headers["webhook-timestamp"]) - 400)}
    cases = [
        (secret, got.headers, got.body, True),
        (secret, got.headers | {"webhook-signature": "v1,AAAA " + got.headers["webhook-signature"]}, got.body, True),
        (signatures.new_secret(), got.headers, got.body, False),
        (secret, got.headers, got.body + b" ", False),
        (secret, late, got.body, False),
    ]
    assert [names["verify"](key, headers, body) for key, headers, body, _ in cases] == [one[3] for one in cases]
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here; the Python program was run")
    import json

    given = json.dumps([[key, headers, body.decode()] for key, headers, body, _ in cases])
    script = _code("node") + f"console.log(JSON.stringify({given}.map(([s, h, b]) => verify(s, h, Buffer.from(b)))))"
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout) == [one[3] for one in cases]


def test_the_tables_of_the_documentation_are_current() -> None:
    from scripts.webhook_docs import PAGE, draw

    page = PAGE.read_text(encoding="utf-8")
    assert draw(page) == page
