"""Every code of seed 000's two tables through Vozo's calls, in the order of DESIGN section 4; HTTP 200 and 400, no other."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from apps.accounts.models import ApiKey, Organization
from apps.accounts.services import revoke_api_key
from apps.core import errors
from apps.core.errors import JobError
from apps.dialects.models import Resource
from apps.dialects.vozo import tasks
from apps.jobs.models import Artefact, Job
from apps.jobs.services import cancel_job
from apps.jobs.services.finish import fail_job
from apps.plans.models import Hold, Plan, Subscription
from apps.plans.services import check_books
from apps.providers.vozo import wire
from tests.api.test_admission_codes import spend_all
from tests.dialects.vozo.conftest import ADDRESS, Vozo, refused
from tests.factories import make_key, make_organization, owner_of
from tests.sites import challenged


def nothing_left() -> bool:
    return not Job.objects.exists() and not Hold.objects.exists() and not Resource.objects.exists()


class TestKeys:
    def test_7(self, vozo: Vozo) -> None:
        for text in (
            "",
            "Bearer",
            "Bearer sk_",
            "Basic abc",
            "sk_12345678_" + "a" * 43,
            "Bearer sk_00000000_" + "a" * 43,
        ):
            nobody = Vozo()
            for answer in (
                nobody.call("POST", ADDRESS, {}, **({"Authorization": text} if text else {})),
                nobody.call("GET", f"{ADDRESS}/job_x", **({"Authorization": text} if text else {})),
            ):
                assert refused(answer, "7")["message"] == "No permission to request."
        refused(Vozo(vozo.key[:-4] + "AAAA").create(), "7")
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        refused(vozo.create(), "7")
        assert nothing_left()

    def test_a_session_is_no_key(self, organization: Organization) -> None:
        person = Client(enforce_csrf_checks=True)
        person.force_login(owner_of(organization).user)  # type: ignore[arg-type]
        refused(person.post(ADDRESS, {}, content_type="application/json"), "7")

    def test_1302_814_1503_1305(self, vozo: Vozo, organization: Organization) -> None:
        task = vozo.create().json()["task_id"]
        revoke_api_key(actor=owner_of(organization), key_id=ApiKey.objects.get().key_id)
        for answer in (vozo.create(), vozo.create(without="media_url"), vozo.show(task)):
            assert refused(answer, "1302")["message"] == "API key has been revoked."
        ApiKey.objects.update(revoked_at=None)
        Subscription.objects.update(status="canceled")
        for answer in (vozo.create(), vozo.show(task)):
            refused(answer, "814")
        Subscription.objects.update(status="active")
        reader, writer = (Vozo(make_key(organization, [scope])[1]) for scope in ("jobs:read", "jobs:write"))
        refused(reader.create(), "1503")
        refused(reader.create(without="media_url"), "1503")
        assert reader.show(task).status_code == 200
        refused(writer.show(task), "1503")
        Plan.objects.update(api_access=False)
        for answer in (vozo.create(), vozo.create(without="media_url"), vozo.show(task)):
            refused(answer, "1305")


class TestLimits:
    def test_1301(self, vozo: Vozo, settings: Any) -> None:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        with challenged() as (base, seen):
            assert "callback_url" in refused(vozo.create(callback_url=f"{base}/deaf"), "1301")["message"]
        assert seen[0]["type"] == "callback.challenge"
        assert nothing_left()
        with challenged() as (base, seen):
            assert vozo.create(callback_url=f"{base}/json").status_code == 200
            assert len(seen) == 1

    def test_1304(self, vozo: Vozo, organization: Organization) -> None:
        Plan.objects.update(translate_concurrency=1)
        assert vozo.create().status_code == 200
        answer = vozo.create()
        assert refused(answer, "1304")["message"].startswith(errors.api_codes()[1304].title)
        assert int(answer["Retry-After"]) > 0
        assert (Job.objects.count(), Resource.objects.count()) == (1, 1)

    def test_too_many_requests_are_1304(self, vozo: Vozo) -> None:
        Plan.objects.update(requests_per_minute=1)
        assert vozo.create().status_code == 200
        for answer in (vozo.create(), vozo.show("job_x")):
            refused(answer, "1304")
            assert int(answer["Retry-After"]) > 0

    def test_104(self, vozo: Vozo, organization: Organization) -> None:
        spend_all(organization, "api")
        assert refused(vozo.create(), "104")["message"].startswith("Insufficient credits. This needs ")
        assert nothing_left()
        assert check_books() == []

    def test_each_check_in_turn(self, settings: Any) -> None:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        organization = make_organization(credits=0)
        spend_all(organization, "api")
        vozo = Vozo(make_key(organization, ["jobs:read"])[1])
        ApiKey.objects.update(revoked_at=timezone.now(), max_concurrency=0)
        Subscription.objects.update(status="canceled")
        Plan.objects.update(api_access=False, translate_concurrency=0)
        hook = {"callback_url": "http://127.0.0.1:9/hook"}
        refused(Vozo(vozo.key + "x").create(target_language="xx", **hook), "7")
        refused(vozo.create(target_language="xx", **hook), "1302")
        ApiKey.objects.update(revoked_at=None)
        refused(vozo.create(target_language="xx", **hook), "814")
        Subscription.objects.update(status="active")
        refused(vozo.create(target_language="xx", **hook), "1503")
        ApiKey.objects.update(scopes=["jobs:write"])
        refused(vozo.create(target_language="xx", **hook), "1305")
        Plan.objects.update(api_access=True)
        refused(vozo.create(target_language="xx", **hook), "5")
        refused(vozo.create(**hook), "1301")
        refused(vozo.create(), "1304")
        ApiKey.objects.update(max_concurrency=None)
        Plan.objects.update(translate_concurrency=5)
        refused(vozo.create(), "104")


class TestFaults:
    def test_1000(self, vozo: Vozo, monkeypatch: pytest.MonkeyPatch) -> None:
        for fault in (RuntimeError("secret detail"), OperationalError("no route to database")):

            def fail(*args: object, fault: Exception = fault, **more: object) -> None:
                raise fault

            monkeypatch.setattr(tasks, "submit", fail)
            said = refused(vozo.create(), "1000")["message"]
            assert said.startswith("Internal Server Error.") and "secret" not in said and "route" not in said

    def test_addresses_and_methods_that_vozo_does_not_have(self, vozo: Vozo) -> None:
        for path in ("/v1", "/v1/", "/v1/media", f"{ADDRESS}/", f"{ADDRESS}/a/b", "/v1/video", "/v1/%00"):
            refused(vozo.call("GET", path), "5", 404)
        answer = vozo.call("GET", ADDRESS)
        refused(answer, "5", 405)
        assert answer["Allow"] == "POST"
        answer = vozo.call("DELETE", f"{ADDRESS}/job_x")
        refused(answer, "5", 405)
        assert answer["Allow"] == "GET"
        assert vozo.call("HEAD", f"{ADDRESS}/job_x").status_code == 400

    def test_what_fails_before_any_view(self, vozo: Vozo, settings: Any) -> None:
        refused(vozo.call("GET", f"{ADDRESS}/job_x", Host="elsewhere.example.com"), "5")
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        refused(vozo.create(user_prompt="a" * 200), "5")


def test_every_job_code(vozo: Vozo) -> None:
    """Failed jobs tell Vozo's numbers as they are, and ours from 10900 up."""
    Plan.objects.update(translate_concurrency=100)
    for code, row in errors.job_codes().items():
        task = vozo.create().json()["task_id"]
        fail_job(Job.objects.get(public_id=task), JobError(code, f"reason {code}"))
        answer = vozo.show(task)
        assert answer.status_code == 200
        assert answer.json() == {
            "task_id": task, "status": "failed", "err_code": str(code), "err_message": f"reason {code}",
        }, row.title  # fmt: skip


class TestStatus:
    def test_every_stage_has_its_word(self, vozo: Vozo) -> None:
        task = vozo.create().json()["task_id"]
        assert vozo.show(task).json() == {"task_id": task, "status": "queuing"}
        words = []
        for stage in Job.Stage.values:
            Job.objects.update(stage=stage)
            words.append(vozo.show(task).json()["status"])
        expected = [wire.QUEUING, *[wire.PREPROCESSING] * 3, wire.TRANSCRIBING, *[wire.TRANSLATING] * 2]
        expected += [*[wire.DUBBING] * 2, *[wire.RENDERING] * 2]
        assert words[: len(expected)] == expected
        Job.objects.update(status="paused", stage="review")
        assert vozo.show(task).json()["status"] == "translating"

    def test_canceled_is_failed(self, vozo: Vozo, organization: Organization) -> None:
        task = vozo.create().json()["task_id"]
        cancel_job(actor=owner_of(organization), job=Job.objects.get())
        assert vozo.show(task).json() == {
            "task_id": task, "status": "failed", "err_code": "10909", "err_message": "Canceled",
        }  # fmt: skip

    def test_done_gives_links(self, vozo: Vozo, settings: Any) -> None:
        settings.PUBLIC_URL = "https://portal.example.com"
        task = vozo.create(project_mode="editable").json()["task_id"]
        job = Job.objects.get()
        for place, (kind, form) in enumerate(
            [("video", "mp4"), ("audio", "wav"), ("audio_mp3", "mp3"), ("subtitle_source", "srt"), ("subtitle_target", "vtt"),
             ("subtitle_target", "srt"), ("report", "json")]
        ):  # fmt: skip
            Artefact.objects.create(
                organization=job.organization, job=job, kind=kind, format=form, file_name=f"{place}.{form}",
                storage_key=f"artefacts/x/{place}.{form}", content_type="x/y", size=1, sha256="0" * 64, position=place,
            )  # fmt: skip
        Job.objects.update(status="completed", stage="done")
        body = vozo.show(task).json()
        assert (body["status"], sorted(body["result"])) == (
            "done",
            ["audio_url", "project_url", "subtitle_url", "video_url"],
        )
        assert body["result"]["project_url"] == f"https://portal.example.com/jobs/{task}/"
        for name, ending in (("video_url", "/0.mp4"), ("audio_url", "/2.mp3"), ("subtitle_url", "/5.srt")):
            assert body["result"][name].startswith("https://portal.example.com/files/"), name
            assert body["result"][name].endswith(ending)

    def test_query_count(self, vozo: Vozo, django_assert_num_queries: Any) -> None:
        """Key, quota, task, job, artefacts: the same for the third task as for the first."""
        ids = [vozo.create().json()["task_id"] for _ in range(3)]
        for task in ids:
            with django_assert_num_queries(5):
                assert vozo.show(task).status_code == 200

    def test_strangers_see_nothing(self, vozo: Vozo, stranger: Vozo) -> None:
        task = vozo.create().json()["task_id"]
        own = refused(vozo.show("job_000000000000"), "5")["message"]
        assert refused(stranger.show(task), "5")["message"] == own
        for odd in ("x" * 300, "%00", "..", "job_'--", Resource.objects.get().pk):
            refused(vozo.show(str(odd)), "5")

    def test_a_job_of_another_door_is_no_task(self, vozo: Vozo, organization: Organization) -> None:
        body = json.dumps(
            {"source": {"url": "https://media.example.com/a.mp4"}, "source_language": "en", "target_locales": ["pt-BR"],
             "steps": ["subtitles"], "subtitle_source": "file",
             "subtitle": {"url": "https://media.example.com/a.srt", "usage": "final_translated"}}
        )  # fmt: skip
        answer = Client().post(
            "/api/v1/translations",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {vozo.key}"},
        )
        assert answer.status_code == 202
        refused(vozo.show(answer.json()["id"]), "5")


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Everything here writes."""
