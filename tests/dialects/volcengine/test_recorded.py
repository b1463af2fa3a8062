"""Requests that real clients sent, replayed: the stored signatures hold, and our answers have all that their servers gave."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.jobs.models import Artefact, Job
from apps.plans.models import Plan
from apps.projects.models import Transcript
from apps.providers.local.provider import LOCAL
from apps.providers.volcengine_sign import parse_authorization, verify
from tests.conftest import SHARED
from tests.dialects.volcengine.conftest import Answer, Signer, signer
from tests.jobs.helpers import stored_asset

RECORDED = SHARED / "reference" / "recorded" / "volcengine_clients.json"
SECRET = "RXhhbXBsZVNlY3JldEtleUZvclRlc3RzT25seQ=="  # the vectors' own, made up
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not RECORDED.is_file(), reason=f"recorded requests not found at {RECORDED}"),
]
# What is kept of a recorded request's headers; the rest is made anew by signing or by the transport.
_KEPT = ("content-type", "x-sdk-invocation-id", "x-sdk-request", "user-agent", "accept")


def cases() -> Iterator[Any]:
    if not RECORDED.is_file():
        return
    for case in json.loads(RECORDED.read_text(encoding="utf-8")):
        for number, request in enumerate(case["requests"], 1):
            yield pytest.param(request, id=f"{case['case']} {number}")


CASES = list(cases())


@pytest.fixture
def all_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the engine's weights for every pair were installed: nothing of these orders is worked on."""
    monkeypatch.setattr(LOCAL, "_look", lambda *_: "")
    monkeypatch.setattr(LOCAL, "_known", {})


@pytest.fixture
def stage(volc: Signer, organization: Organization, all_weights: None) -> dict[str, str]:
    """What the recorded requests speak of, and our ids for it."""
    clip = stored_asset(organization, file_name="v0ccfeg7007acsg")
    submit = {
        "SpaceName": "test",
        "Vid": clip.public_id,
        "TranslationConfig": {
            "SourceLanguage": "en", "TargetLanguage": "zh", "TranslationTypeList": ["SubtitleTranslation", "VoiceTranslation"],
        },
    }  # fmt: skip
    project = str(volc.post("SubmitAITranslationWorkflow", submit).result["ProjectBaseInfo"]["ProjectId"])
    job = Job.objects.get(translation__public_id=project)
    assert job.translation is not None
    line = {"id": "L1", "start": 0.0, "end": 1.0, "source": "Hello", "target": "你好", "speaker": "s1"}
    document = {
        "source_language": "en-US", "target_locale": "zh-CN", "duration": 3.0, "lines": [line], "speakers": [{"id": "s1", "label": "S"}],
    }  # fmt: skip
    Transcript.objects.create(
        translation=job.translation,
        revision=1,
        origin="translated",
        source_language="en-US",
        document=document,
        line_count=1,
    )
    Artefact.objects.create(
        organization=job.organization, job=job, kind="video", format="mp4", file_name="v.mp4", storage_key="x/v", content_type="video/mp4",
        size=1, sha256="0" * 64, duration_ms=12_500, is_main=True,
    )  # fmt: skip
    Job.objects.filter(pk=job.pk).update(status="completed", stage="done")
    words = {
        "SpaceName": "test",
        "Name": "W",
        "Scenario": "AITranslation",
        "SourceLanguage": "zh",
        "TargetLanguage": "en",
    }
    termbase = str(volc.post("CreateAITermbase", words).result["Termbase"]["Id"])
    return {
        '"684038d6b71c9005b266fefe"': f'"{project}"',
        '"ProjectId": "p"': f'"ProjectId": "{project}"',
        '"u1"': '"tgt-L1"',
        '"asdasda"': f'"{job.public_id}"',
        '"6900"': f'"{termbase}"',
    }


def replay(volc: Signer, request: dict[str, Any], ids: dict[str, str]) -> Answer:
    """The same request by our key, now, about our ids."""
    body = request["body"] or ""
    for theirs, ours in ids.items():
        body = body.replace(theirs, ours)
    kept = {name: value for name, value in request["headers"] if name.lower() in _KEPT}
    raw = body.encode()
    extra = {name: value for name, value in kept.items() if name.lower() not in ("user-agent", "accept")}
    signed = volc.sign(request["method"], request["target"], raw, extra)
    recorded = dict(request["headers"])["Authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    assert f"SignedHeaders={recorded}," in signed["Authorization"], "signed as the client signed it"
    return volc.send(request["method"], request["target"], raw, kept | signed)


def lacking(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """What is in their answer and not, or of another kind, in ours."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict):
            return [path]
        return [
            name
            for key, value in theirs.items()
            for name in ([f"{path}.{key}"] if key not in ours else lacking(ours[key], value, f"{path}.{key}"))
        ]
    if isinstance(theirs, list):
        if not isinstance(ours, list) or bool(theirs) > bool(ours):
            return [path]
        return [name for one in ours for name in lacking(one, theirs[0], f"{path}[]")] if theirs else []
    numbers = isinstance(theirs, int | float) and isinstance(ours, int | float)
    return [] if numbers or theirs is None or type(ours) is type(theirs) else [path]


@pytest.mark.parametrize("request_", CASES)
def test_the_stored_signature_holds(request_: dict[str, Any]) -> None:
    headers = {name.lower(): value for name, value in request_["headers"]}
    query = request_["target"].partition("?")[2]
    claim = parse_authorization(headers, query)
    body = (request_["body"] or "").encode()

    def good(secret: str, body: bytes) -> bool:
        return verify(claim, secret, method=request_["method"], path="/", query=query, headers=headers, body=body)

    assert good(SECRET, body) and not good("another", body) and not good(SECRET, body + b" ")
    assert time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(claim.moment)) == headers["x-date"]


@pytest.mark.parametrize("request_", CASES)
def test_our_answer_has_what_theirs_had(
    request_: dict[str, Any], volc: Signer, stage: dict[str, str], organization: Organization
) -> None:
    theirs = request_["mock_response"]
    error = theirs["body"]["ResponseMetadata"].get("Error")
    caller = volc
    if error and error["CodeN"] == 100010:
        caller = signer(organization)
        caller.secret = "not its own"
    if error and error["CodeN"] == 100018:
        Plan.objects.update(requests_per_minute=1)
        assert caller.get("ListAITermbase", {"SpaceName": "test"}).status in (200, 429)
    answer = replay(caller, request_, stage)
    assert answer.status == theirs["status"], answer.body
    assert lacking(answer.body, theirs["body"]) == []
    if error:
        assert answer.refusal == (theirs["status"], error["Code"], error["CodeN"])
    else:
        assert not answer.error
        same = ("Action", "Version", "Service", "Region")
        assert [answer.meta[name] for name in same] == [theirs["body"]["ResponseMetadata"][name] for name in same]
        assert ("Error" in answer.meta) == ("Error" in theirs["body"]["ResponseMetadata"])
        assert ("Result" in answer.body) >= ("Result" in theirs["body"])


def test_as_they_are_they_are_about_things_that_are_not_here(volc: Signer) -> None:
    """Without our ids and weights every one gets an error of the documented shape, none a fault of ours."""
    for case in CASES:
        answer = replay(volc, case.values[0], {})
        assert answer.status in (200, 400, 404), answer.body
        assert answer.error is None or answer.error["Code"] in {"InvalidParameter", "ResourceNotFound", "-400"}
