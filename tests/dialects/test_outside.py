"""Hosts that callers name while they wait: they hold up nobody for long, and few at once."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.dialects import outside
from apps.jobs.models import Job
from tests.factories import make_key, make_organization, owner_of

pytestmark = pytest.mark.django_db
PATH = "/videotranslation/translations/one-1?api-version=2026-03-01"


@pytest.fixture
def silent(settings: Any) -> Iterator[str]:
    """A host that takes connections and never says a word."""
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/text.vtt"


def test_a_silent_host_and_many_at_once_take_no_threads(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "SECONDS", 0.3)
    monkeypatch.setattr(outside.quick_policy, "__kwdefaults__", {"max_bytes": 0, "seconds": 0.3})
    actor = owner_of(make_organization())
    _key, secret = make_key(actor.organization)
    given: dict[str, Any] = {
        "targetLocale": "en-US",
        "voiceKind": "PlatformVoice",
        "videoFileUrl": "https://media.example.com/a.mp4",
    }
    given["autoCreateFirstIteration"] = True
    file = {"kind": "MetadataJson", "url": silent}
    body = {"input": given, "firstIterationInput": {"webvttFile": file}}

    def put() -> Any:
        headers = {"Ocp-Apim-Subscription-Key": secret, "Operation-Id": "operation-1"}
        return Client(raise_request_exception=False).put(PATH, body, content_type="application/json", headers=headers)

    began = time.monotonic()
    answer = put()
    assert answer.status_code == 400, answer.content
    assert (answer.status_code, answer.json()["error"]["target"]) == (400, "firstIterationInput.webvttFile.url")
    assert time.monotonic() - began < 3
    with outside.waiting_for(actor), outside.waiting_for(actor):
        answer = put()
    assert answer.status_code == 429 and int(answer["Retry-After"]) >= 0
    other = owner_of(make_organization())
    with outside.waiting_for(actor), outside.waiting_for(other):
        assert put().status_code == 400, "one more of each has a place"
    assert not Job.objects.exists() and not outside._waiting
