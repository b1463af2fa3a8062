"""Fixtures of Vozo's dialect: an organization with credits, and programs that speak Vozo's protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.jobs import states
from apps.jobs.models import Artefact, Job
from apps.jobs.services.finish import move_status, tell
from tests.api.conftest import Api
from tests.factories import make_key, make_organization

ADDRESS = "/v1/media/translate"
# Subtitles that are translated already: a task that needs no weights of the engine.
BODY: dict[str, Any] = {
    "media_type": "video",
    "media_url": "https://media.example.com/talk.mp4",
    "source_language": "en-US",
    "target_language": "pt-BR",
    "export_type": "auto",
    "subtitle_url": "https://media.example.com/talk.srt",
    "subtitle_usage_type": "final_translated",
}


class Vozo(Api):
    """A program that was written for Vozo, with a key in the place of Vozo's."""

    def create(self, without: str = "", **changes: Any) -> Any:
        """POST of BODY with changes; `without` names a field to leave out."""
        body = {name: value for name, value in (BODY | changes).items() if name != without}
        return self.call("POST", ADDRESS, body)

    def show(self, task: str) -> Any:
        return self.call("GET", f"{ADDRESS}/{task}")


def finish(job: Job) -> None:
    """A worker's good end."""
    Artefact.objects.create(
        organization=job.organization, job=job, kind="video", format="mp4", file_name="a.mp4", storage_key="artefacts/a.mp4",
        content_type="video/mp4", size=1, sha256="0" * 64, is_main=True,
    )  # fmt: skip
    assert move_status(job, "complete", stage=states.DONE)
    tell(job, "complete", None, {})


def refused(answer: Any, code: str, status: int = 400) -> dict[str, str]:
    """The answer is Vozo's error body with this code; returns it."""
    body = json.loads(answer.content)
    assert (answer.status_code, body.get("code")) == (status, code), body
    assert answer["Content-Type"] == "application/json"
    assert set(body) == {"code", "message", "serverTs"} and all(isinstance(value, str) for value in body.values())
    assert body["serverTs"].isdigit() and len(body["serverTs"]) == 13
    assert answer["X-Request-Id"]
    return dict(body)


@pytest.fixture
def vozo(organization: Organization) -> Vozo:
    """A program with a key of all scopes."""
    return Vozo(make_key(organization)[1])


@pytest.fixture
def stranger(db: None) -> Vozo:
    """A program of another organization."""
    return Vozo(make_key(make_organization(credits=10_000))[1])
