"""Our adapters against our own dialect of the same vendor: one portal orders at another, as it would at Volcengine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from django.test import Client

from apps.accounts.actor import Actor
from apps.engine.transcript import Transcript as Document
from apps.jobs import services
from apps.jobs.models import Job
from apps.plans.services import check_books
from apps.projects.models import Asset, Transcript
from apps.projects.services.fetch import probe_asset, store_remote_asset
from apps.providers.conversation import Account, Step, WireReply
from apps.providers.local.provider import LOCAL
from apps.providers.volcengine_translate.provider import VENDOR as TRANSLATE
from apps.providers.volcengine_vod.provider import VENDOR as VOD
from tests.dialects.volcengine.conftest import BOTH_SRT, Signer, signer
from tests.factories import make_organization, owner_of
from tests.providers import media
from tests.providers.stub import StubRequest, StubVendor
from tests.providers.volcengine import talk
from tests.providers.volcengine.talk import Talk, order

HOST = "http://testserver"
SUBMIT, GET, CONTINUE, REFRESH = (
    "SubmitAITranslationWorkflow",
    "GetAITranslationProject",
    "ContinueAITranslationWorkflow",
    "RefreshAITranslationProject",
)


class Files(StubVendor):
    """The ordering portal's links."""

    def operation_of(self, request: StubRequest) -> str:
        return "none"


@pytest.fixture
def files(settings: Any) -> Iterator[Files]:
    with Files() as running:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        yield running


@pytest.fixture
def portal(db: None) -> tuple[Actor, dict[str, str]]:
    """An organization of the portal that carries out, and the values of the ordering portal's account there."""
    organization = make_organization(credits=10_000)
    made: Signer = signer(organization)
    return owner_of(organization), {"access_key_id": made.access, "secret_access_key": made.secret, "space": "test"}


@pytest.fixture(autouse=True)
def wired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests reach the portal under test; nothing else of the conversation is changed."""

    def send(step: Step) -> WireReply:
        wanted, parts = step.request, urlsplit(step.request.url)
        headers = {"Host": parts.netloc, **wanted.headers}
        kind = headers.pop("Content-Type", "")
        answer = Client(raise_request_exception=False).generic(
            wanted.method, f"{parts.path}?{parts.query}", wanted.body, content_type=kind, headers=headers
        )
        return WireReply(answer.status_code, {name.lower(): value for name, value in answer.items()}, answer.content)

    monkeypatch.setattr(talk, "send", send)


def conversation(remote: Any, values: dict[str, str], files: Files, **fields: Any) -> Talk:
    parts = {
        name: fields.pop(name) for name in list(fields) if name in ("iteration", "earlier", "transcript", "reviewed")
    }
    made = Talk(remote, files, values, asked=order(**fields), **parts)
    made.account = Account("pac_1", HOST, values=values, now=made.account.now)
    made.work = replace(
        made.work,
        source_url=files.publish("clip.mp4", media.mp4(), "video/mp4"),
        subtitle_url=files.publish("both.srt", BOTH_SRT.encode(), "text/plain"),
    )
    return made


def work() -> Job:
    """The carrying portal's worker: links are fetched, the newest job is done by the engine."""
    for asset in Asset.objects.filter(status=Asset.Status.REMOTE):
        stored = store_remote_asset(asset)
        if stored.kind == Asset.Kind.MEDIA:
            probe_asset(stored)
    job = Job.objects.order_by("-id").first()
    if job is not None and job.status == "processing":
        services.advance(job.public_id)
        assert services.run_engine(job.public_id)
        job.refresh_from_db()
    return job  # type: ignore[return-value]


@pytest.mark.engine
@pytest.mark.django_db(transaction=True)
def test_vod_ordered_reviewed_and_rendered_again(portal: Any, files: Files) -> None:
    _, values = portal
    fields: dict[str, Any] = {
        "steps": ["subtitles"],
        "subtitle_source": "file",
        "subtitle": {"asset": "ast_00000001", "usage": "bilingual"},
        "export_type": "video",
        "review_after": "translate",
    }
    job = conversation(VOD.remote, values, files, **fields)
    job.until("QueryUploadTaskInfo")
    work()
    job.until(GET)
    assert work().status == "paused"
    stop = job.to_the_end()
    assert stop.status == "review" and stop.transcript is not None
    assert [line.source for line in stop.transcript.lines][1] == "Let us begin right now."
    changed = msgspec.convert(msgspec.to_builtins(stop.transcript), Document)
    changed.lines[0].target = "Boa noite a todos."
    job.work = replace(job.work, reviewed=True, transcript=changed)
    job.until(CONTINUE)
    job.step()
    assert work().status == "completed"
    end = job.to_the_end()
    assert (end.status, end.measured_seconds) == ("succeeded", pytest.approx(3.0, abs=0.2))
    assert end.transcript is not None and end.transcript.lines[0].target == "Boa noite a todos."
    (video,) = (output for output in end.outputs if output.main)
    assert b"".join(Client().get(urlsplit(video.url).path).streaming_content)[4:8] == b"ftyp"  # type: ignore[attr-defined]

    again = msgspec.convert(msgspec.to_builtins(end.transcript), Document)
    again.lines[1].target = "Comecemos já."
    parts = {"iteration": 2, "earlier": job.work.memo, "transcript": again, "reviewed": True}
    next_one = conversation(VOD.remote, values, files, **fields, **parts)
    next_one.until(REFRESH)
    next_one.step()
    assert next_one.step().status == "working", "the other portal renders it again"
    (newest,) = Job.objects.filter(iteration=2)
    assert newest.reviewed_revision and SUBMIT not in next_one.sent() and check_books() == []


@pytest.mark.django_db
def test_a_submit_is_found_in_our_own_list(portal: Any, files: Files) -> None:
    _, values = portal
    job = conversation(
        VOD.remote,
        values,
        files,
        steps=["subtitles"],
        subtitle_source="file",
        subtitle={"asset": "ast_00000001", "usage": "bilingual"},
    )
    job.until("QueryUploadTaskInfo")
    work()
    job.until(SUBMIT)
    before = VOD.remote.find_step(job.work, SUBMIT, job.account)
    assert before is not None and VOD.remote.take_found(job.work, SUBMIT, talk.send(before)) is None
    talk.send(VOD.remote.next_step(job.work, job.account))
    found = VOD.remote.take_found(job.work, SUBMIT, talk.send(before))
    assert found is not None and found.ref == Job.objects.get().translation.public_id  # type: ignore[union-attr]
    assert "termbases" in VOD.remote.take_test(talk.send(VOD.remote.test_step(job.account)))


@pytest.mark.django_db
@pytest.mark.parametrize("version", ["2020-06-01", "2025-03-01"])
def test_audio_ordered_and_told(portal: Any, files: Files, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOCAL, "_look", lambda *_: "")
    monkeypatch.setattr(LOCAL, "_known", {})
    _, values = portal
    job = conversation(TRANSLATE.remote, values | {"version": version}, files, steps=["subtitles"])
    assert job.step().ref == Job.objects.get().public_id
    assert job.step().status == "working"
    made = Job.objects.get()
    line = {"id": "a", "start": 0.25, "end": 2.0, "source": "Hello", "target": "Olá", "speaker": ""}
    document = {"source_language": "en-US", "target_locale": "pt-BR", "duration": 3.0, "lines": [line], "speakers": []}
    Transcript.objects.create(
        translation=made.translation, revision=1, origin="translated", source_language="en-US", document=document
    )
    Job.objects.update(status="completed")
    end = job.step()
    assert end.status == "succeeded" and end.transcript is not None
    assert [(one.start, one.end, one.source, one.target) for one in end.transcript.lines] == [
        (0.25, 2.0, "Hello", "Olá")
    ]
    assert TRANSLATE.remote.take_test(talk.send(TRANSLATE.remote.test_step(job.account))) == "The key is accepted."
