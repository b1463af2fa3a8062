"""Vozo's three lip-sync calls: every field, what is refused by its name, the status words, and the callbacks on each change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.core.errors import JobError
from apps.dialects.models import Resource
from apps.dialects.vozo.shape import video_word_of
from apps.events import log
from apps.jobs.models import Job
from apps.jobs.services.finish import fail_job
from apps.webhooks.sender import Sender
from tests.dialects.vozo.conftest import Vozo, finish, refused
from tests.jobs.helpers import stored_asset
from tests.webhooks.receiver import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model_dir")]
VIDEOS, REUSABLE = "/v1/video_generation", "/v1/reusable_lipsync_model_video_generation"
BODY = {
    "reference_file_url": "https://media.example.com/face.mp4",
    "audio_url": "https://media.example.com/voice.mp3",
    "model": "standard_v1",
    "reference_file_type": "video",
}


def ordered(vozo: Vozo, path: str = VIDEOS, **changes: Any) -> Job:
    """The job of an accepted body."""
    answer = vozo.call("POST", path, (BODY | changes) if path == VIDEOS else changes)
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"task_id"}
    return Job.objects.get(public_id=answer.json()["task_id"])


def test_what_a_body_becomes(vozo: Vozo, organization: Organization) -> None:
    job = ordered(vozo)
    assert (job.service, job.model, job.dialect, job.pool, job.translation_id) == (
        "lipsync",
        "lipsync-video",
        "vozo",
        "api",
        None,
    )
    assert job.order["video"] == {"asset": None, "url": BODY["reference_file_url"]}
    assert (job.order["audio"]["url"], job.order["resolution"]) == (BODY["audio_url"], "480p")
    task = Resource.objects.get()
    assert (task.dialect, task.kind, task.external_id, task.subject) == ("vozo", "video", job.public_id, job.public_id)
    pictured = ordered(vozo, model="precision_v1", reference_file_type="image", callback_url="", extra=1)
    assert (pictured.model, pictured.order["resolution"], pictured.order["video"]) == ("lipsync-image", "720p", None)


def test_a_reusable_model_is_a_video_of_ours(vozo: Vozo, organization: Organization) -> None:
    video, sound = (
        stored_asset(organization),
        stored_asset(organization, probe={"duration": 61.2, "video": None, "audio": [{}]}),
    )
    given = {"model_id": video.public_id, "audio_url": BODY["audio_url"]}
    job = ordered(vozo, REUSABLE, **given)
    assert (job.model, job.order["video"]["asset"]) == ("lipsync-video", video.public_id)
    assert vozo.call("GET", f"{VIDEOS}/{job.public_id}").json()["status"] == "pending"
    for wrong in ("mod_1", "ast_0000000000000000", sound.public_id):
        assert "model_id" in refused(vozo.call("POST", REUSABLE, given | {"model_id": wrong}), "5")["message"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reference_file_url": ""}, "reference_file_url"),
        ({"reference_file_url": "ftp://x.example/a"}, "reference_file_url"),
        ({"reference_file_url": "http://10.0.0.1/a.mp4"}, "reference_file_url"),
        ({"audio_url": ""}, "audio_url"),
        ({"audio_url": "http://127.0.0.1/a.mp3"}, "audio_url"),
        ({"model": "turbo_v9"}, "model"),
        ({"reference_file_type": "text"}, "reference_file_type"),
        ({"callback_url": "http://localhost/x"}, "callback_url"),
    ],
)
def test_wrong_fields(vozo: Vozo, changes: dict[str, Any], field: str) -> None:
    assert field in refused(vozo.call("POST", VIDEOS, BODY | changes), "5")["message"]
    assert not Job.objects.exists()


def test_missing_fields_and_strangers(vozo: Vozo, stranger: Vozo) -> None:
    for name in ("audio_url", "model"):
        body = {key: value for key, value in BODY.items() if key != name}
        assert name in refused(vozo.call("POST", VIDEOS, body), "5")["message"]
    refused(Vozo("sk_no").call("POST", VIDEOS, BODY), "7")
    refused(Vozo().call("POST", VIDEOS, {}), "7")
    job = ordered(vozo)
    refused(stranger.call("GET", f"{VIDEOS}/{job.public_id}"), "5")
    # A task of one address is none of the other.
    refused(vozo.show(job.public_id), "5")
    refused(vozo.call("GET", f"{VIDEOS}/{vozo.create().json()['task_id']}"), "5")
    refused(vozo.call("GET", VIDEOS), "5", 405)


def test_the_status_answer(vozo: Vozo) -> None:
    job = ordered(vozo)

    def shown() -> dict[str, Any]:
        return dict(vozo.call("GET", f"{VIDEOS}/{job.public_id}").json())

    assert shown() == {"status": "pending", "task_id": job.public_id}
    Job.objects.filter(pk=job.pk).update(stage="lipsync")
    assert shown()["status"] == "processing"
    finish(job)
    done = shown()
    assert (set(done), done["status"]) == ({"status", "video_url", "task_id"}, "done")
    assert done["video_url"].startswith("http")


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [(10902, "audio: the file is damaged", "1502"), (10042, "nobody speaks", "1502"), (10901, "video: gone", "10901")],
)
def test_what_is_wrong_with_the_audio_is_1502(vozo: Vozo, code: int, reason: str, told: str) -> None:
    job = ordered(vozo)
    assert fail_job(job, JobError(code, reason))
    body = vozo.call("GET", f"{VIDEOS}/{job.public_id}").json()
    assert body == {"status": "failed", "err_code": told, "err_message": reason, "task_id": job.public_id}


@pytest.fixture
def customer(settings: Any) -> Iterator[Receiver]:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    with Receiver() as made:
        yield made


@pytest.mark.django_db(transaction=True)
def test_a_callback_on_each_change(vozo: Vozo, customer: Receiver) -> None:
    job = ordered(vozo, callback_url=customer.url())
    for name in ("fetch", "probe", "lipsync", "publish"):
        for state in ("started", "finished"):
            data = {"stage": name, "state": state}
            log.record(type="job.stage", actor=None, organization_id=job.organization_id, subject=job, data=data)
    finish(job)
    asyncio.run(Sender().run_until_idle())
    told = [posted.json for posted in customer.at("/hook")]
    assert [body["status"] for body in told] == ["pending", "processing", "done"]
    assert [set(body) for body in told] == [
        {"status", "task_id"},
        {"status", "task_id"},
        {"status", "task_id", "video_url"},
    ]
    shown = vozo.call("GET", f"{VIDEOS}/{job.public_id}").json()
    assert json.dumps(shown["status"]) == json.dumps(told[-1]["status"])


def test_words_of_events() -> None:
    assert [video_word_of(kind, {}) for kind in ("job.created", "job.retried", "job.completed", "job.failed", "job.paused")] == [
        "pending", "pending", "done", "failed", "",
    ]  # fmt: skip
    assert video_word_of("job.stage", {"stage": "publish", "state": "started"}) == "processing"
