"""Vozo's callbacks: the status answer at a real server of the customer's, on each change of the status and no oftener."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.core.errors import JobError
from apps.dialects.vozo.shape import VozoShape, word_of
from apps.events import log
from apps.jobs import services
from apps.jobs.models import Job
from apps.jobs.services.finish import fail_job
from apps.providers.vozo import wire
from apps.webhooks.sender import Sender
from tests.dialects.vozo.conftest import Vozo, finish, refused
from tests.factories import owner_of
from tests.webhooks.receiver import Answer, Posted, Receiver

pytestmark = pytest.mark.django_db(transaction=True)


def echo(posted: Posted) -> Answer:
    """A customer's server that answers challenges and takes everything else."""
    challenge = posted.json.get("challenge")
    return Answer(body=json.dumps({"challenge": challenge} if challenge else {}).encode())


@pytest.fixture
def customer(settings: Any) -> Iterator[Receiver]:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    with Receiver() as made:
        made.plan["/hook"] = echo
        yield made


def send() -> None:
    """Everything that is due goes out."""
    asyncio.run(Sender().run_until_idle())


def stage(job: Job, name: str, state: str = "started") -> None:
    """What a worker tells of a stage."""
    data = {"stage": name, "state": state}
    log.record(type="job.stage", actor=None, organization_id=job.organization_id, subject=job, data=data)


def told(customer: Receiver) -> list[dict[str, Any]]:
    return [posted.json for posted in customer.at("/hook") if "challenge" not in posted.json]


def ordered(vozo: Vozo, customer: Receiver, **changes: Any) -> Job:
    answer = vozo.create(callback_url=customer.url(), **changes)
    assert answer.status_code == 200, answer.content
    return Job.objects.get(public_id=answer.json()["task_id"])


def test_each_change_of_the_status_once(vozo: Vozo, customer: Receiver) -> None:
    job = ordered(vozo, customer, project_mode="editable")
    assert [posted.json["type"] for posted in customer.got] == ["callback.challenge"]
    send()
    for name in ("fetch", "probe", "separate", "recognize", "translate", "speak", "render", "publish"):
        stage(job, name)
        stage(job, name, "finished")
        send()
    finish(job)
    send()
    words = [body["status"] for body in told(customer)]
    assert words == [*wire.STAGES, "done"]
    assert all(body["task_id"] == job.public_id for body in told(customer))
    assert all(set(body) == {"status", "task_id"} for body in told(customer)[:-1])
    last = told(customer)[-1]
    polled = vozo.show(job.public_id).json()
    assert set(last) == set(polled) == {"status", "task_id", "result"}
    assert set(last["result"]) == set(polled["result"]) == {"video_url", "project_url"}
    assert customer.at("/hook")[-1].headers["content-type"] == "application/json"
    assert customer.at("/hook")[-1].headers["webhook-signature"].startswith("v1,")


def test_the_body_is_the_status_of_its_event(vozo: Vozo, customer: Receiver, organization: Organization) -> None:
    """Sent late, a callback still tells what happened then: a failure that was tried again keeps its number."""
    job = ordered(vozo, customer)
    stage(job, "fetch")
    fail_job(job, JobError(10042, "nobody speaks"))
    services.retry_job(actor=owner_of(organization), job=Job.objects.get())
    services.cancel_job(actor=owner_of(organization), job=Job.objects.get())
    send()
    mine = {"task_id": job.public_id}
    assert told(customer) == [
        mine | {"status": "queuing"},
        mine | {"status": "preprocessing"},
        mine | {"status": "failed", "err_code": "10042", "err_message": "nobody speaks"},
        mine | {"status": "queuing"},
        mine | {"status": "failed", "err_code": "10909", "err_message": "Canceled"},
    ]


def test_stages_of_a_vendor_come_as_they_come(vozo: Vozo, customer: Receiver) -> None:
    """A job at a vendor skips stages and repeats them: only a change of the word is told."""
    job = ordered(vozo, customer)
    for name in ("queued", "separate", "recognize", "recognize", "review", "translate", "speak", "lipsync", "publish"):
        stage(job, name)
    send()
    words = [body["status"] for body in told(customer)]
    assert words == ["queuing", "preprocessing", "transcribing", "translating", "dubbing", "rendering"]


def test_without_callback_url_nobody_is_told(vozo: Vozo, customer: Receiver) -> None:
    assert vozo.create().status_code == 200
    send()
    assert customer.got == []


def test_an_address_that_fails_its_challenge(vozo: Vozo, customer: Receiver) -> None:
    customer.plan["/hook"] = Answer(body=b"hello")
    refused(vozo.create(callback_url=customer.url()), "1301")
    customer.plan["/hook"] = echo
    assert vozo.create(callback_url=customer.url()).status_code == 200


def test_words_of_events() -> None:
    shape = VozoShape()
    for kind in ("job.paused", "job.resumed", "job.routed", "job.stage", "asset.ready"):
        assert not shape.wants(kind, {})
    assert word_of("job.stage", {"stage": "speak", "state": "started"}) == "dubbing"
    assert word_of("job.stage", {"stage": "odd", "state": "started"}) == ""
