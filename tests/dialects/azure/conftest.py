"""Fixtures of Azure's dialect: an organization with credits, and programs whose every answer is judged by Azure's own OpenAPI."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

import msgspec
import pytest
from django.test import Client

from apps.accounts.models import Organization
from apps.core import clock
from apps.engine.subtitles import Cue, write
from apps.engine.transcript import Line, Speaker, Transcript
from apps.jobs.models import Artefact, Job, ProviderAccount
from apps.plans.services import release_hold
from apps.projects import storage
from apps.projects.services import save_revision
from tests.factories import make_key, make_organization
from tests.providers.azure import openapi
from tests.providers.stub import StubReply, StubRequest, StubVendor

VERSION = "2026-03-01"
INPUT: dict[str, Any] = {
    "sourceLocale": "es-ES",
    "targetLocale": "en-US",
    "voiceKind": "PlatformVoice",
    "videoFileUrl": "https://media.example.com/talk.mp4?sig=a%2Bb",
}
_numbers = itertools.count(1)


class Azure:
    """A program that was written for Azure, with a key of ours in the place of Azure's."""

    def __init__(self, key: str = "", version: str = VERSION) -> None:
        self.client = Client(raise_request_exception=False)
        self.key, self.version = key, version

    def call(self, method: str, path: str, body: Any = None, version: str | None = None, **headers: str) -> Any:
        """One request below /videotranslation; a path may carry its own query. Header names use _ for -."""
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            extra.setdefault("Ocp-Apim-Subscription-Key", self.key)
        version = self.version if version is None else version
        target = f"/videotranslation{path}{'&' if '?' in path else '?'}api-version={version}"
        data = body if isinstance(body, bytes | str) else b"" if body is None else json.dumps(body)
        answer = self.client.generic(method, target, data, content_type="application/json", headers=extra)
        judge(method, target, answer)
        return answer

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def put(self, path: str, body: Any, operation: str | None = None, **more: Any) -> Any:
        """PUT with an Operation-Id, a new one unless told."""
        return self.call("PUT", path, body, Operation_Id=operation or f"op-{next(_numbers)}-x", **more)

    def translate(self, name: str = "tr-1", operation: str | None = None, **changes: Any) -> Any:
        """PUT of a translation with INPUT and changes in it."""
        body: dict[str, Any] = {"input": INPUT | changes}
        return self.put(f"/translations/{name}", body, operation)

    def ordered(self, name: str = "tr-1", **changes: Any) -> Job:
        """A translation with its first iteration; the job."""
        answer = self.translate(name, autoCreateFirstIteration=True, **changes)
        assert answer.status_code == 201, answer.content
        return Job.objects.latest("pk")


def judge(method: str, target: str, answer: Any) -> None:
    """Every answer against the service's own document, where that is at hand; errors also name their code in a header."""
    path, _, query = target.partition("?")
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/json", (answer.status_code, answer.content[:300])
        assert answer["x-ms-error-code"] == answer.json()["error"]["code"]
    if openapi.present() and answer.status_code != 204 and answer.content:
        version = next((found for found in openapi.VERSIONS if found in query), VERSION)
        openapi.check_answer(version, method, path, answer.status_code, answer.json())


def refused(answer: Any, status: int, code: str, target: str | None = None) -> dict[str, Any]:
    """The answer is an error of this status and code (and target); returns the error."""
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    if target is not None:
        assert error.get("target") == target, error
        assert target in {detail["target"] for detail in error["details"]}
    return error


def text() -> Transcript:
    """Two lines of one speaker."""
    return Transcript(
        source_language="es-ES",
        target_locale="en-US",
        duration=10.0,
        speakers=[Speaker("s1", "Speaker 1", pitch=210.0)],
        lines=[
            Line(id="l1", start=0.5, end=2.0, source="Hola --> todos.", target="Hello, all.", speaker="s1"),
            Line(id="l2", start=2.5, end=4.0, source="Adiós.", target="Good bye.", speaker="s1"),
        ],
    )


def finish(job: Job, document: Transcript | None = None, *, status: str = "completed", **more: Any) -> Job:
    """Ends a job as its provider would have, with files in storage and a transcript."""
    job.refresh_from_db()
    assert job.hold is not None and job.translation is not None
    release_hold(hold=job.hold)
    now = clock.now()
    done = (
        {"stage": "done", "provider": "azure", "started_at": now, "finished_at": now} if status == "completed" else {}
    )
    Job.objects.filter(pk=job.pk).update(**({"status": status, "finished_at": now} | done | more))
    job.refresh_from_db()
    if status != "completed":
        return job
    document = document or text()
    save_revision(actor=None, translation=job.translation, document=document, origin="translated")
    cues = [Cue(line.start, line.end, line.target) for line in document.lines]
    files = [
        ("video", "mp4", "video/mp4", b"video"),
        ("subtitle_source", "vtt", "text/vtt", write(cues, "vtt").encode()),
        ("subtitle_target", "vtt", "text/vtt", write(cues, "vtt").encode()),
        ("subtitle_target", "ass", "text/x-ssa", write(cues, "ass").encode()),
        ("transcript", "json", "application/json", document.to_json()),
        ("report", "json", "application/json", msgspec.json.encode({"quality": 5})),
    ]
    for place, (kind, form, content_type, data) in enumerate(files):
        key = f"artefacts/{job.public_id}/{place}"
        path = storage.local_path(key)
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        Artefact.objects.create(
            organization=job.organization, job=job, kind=kind, format=form, file_name=f"talk.{kind}.{form}", storage_key=key,
            content_type=content_type, size=len(data), sha256=hashlib.sha256(data).hexdigest(), position=place,
            is_main=kind == "video",
        )  # fmt: skip
    return job


def fetched(client: Client, link: str) -> bytes:
    """What a signed link of ours gives."""
    answer = client.get("/" + link.split("/", 3)[3])
    assert answer.status_code == 200, link
    return answer.getvalue()


class Hooks(StubVendor):
    """A customer's server that answers challenges, unless it is told not to."""

    deaf = False

    def operation_of(self, request: StubRequest) -> str:
        return request.path

    def handle(self, request: StubRequest) -> StubReply:
        body = request.json()
        if isinstance(body, dict) and body.get("type") == "callback.challenge" and not self.deaf:
            return StubReply(200, {"challenge": body["challenge"]})
        return StubReply(204 if not self.deaf else 500)


@pytest.fixture
def hooks(settings: Any) -> Any:
    """The server, listening."""
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    with Hooks() as running:
        yield running


@pytest.fixture(autouse=True)
def vendor_account(db: None) -> ProviderAccount:
    """An account at a vendor whose capabilities cover these orders, so that no weights are needed; nothing is sent to it here."""
    return ProviderAccount.objects.create(
        provider="azure", name="main", endpoint="https://vendor.example.com", values={}
    )


@pytest.fixture
def azure(organization: Organization) -> Azure:
    """A program with a key of all scopes."""
    return Azure(make_key(organization)[1])


@pytest.fixture
def stranger(db: None) -> Azure:
    """A program of another organization."""
    return Azure(make_key(make_organization(credits=10_000))[1])
