"""SubmitAudio and QueryAudio: flat and wrapped, each status, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from apps.jobs.models import Job
from apps.plans.models import Wallet
from apps.projects.models import Transcript
from apps.providers.local.provider import LOCAL
from tests.dialects.volcengine.conftest import Signer

pytestmark = pytest.mark.django_db
FLAT, WRAPPED = "2020-06-01", "2025-03-01"


@pytest.fixture(autouse=True)
def all_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the engine's weights for every pair were installed: nothing of these orders is worked on."""
    monkeypatch.setattr(LOCAL, "_look", lambda *_: "")
    monkeypatch.setattr(LOCAL, "_known", {})


def ask(**changes: Any) -> dict[str, Any]:
    return {"SourceLanguage": "en", "TargetLanguage": "zh", "Uri": "https://media.example.org/talk.mp4", **changes}


@pytest.mark.parametrize("version", [FLAT, WRAPPED])
def test_a_task_until_its_sentences(volc: Signer, version: str) -> None:
    def fields(answer: Any) -> dict[str, Any]:
        assert answer.status == 200 and not answer.error
        assert answer.meta["Service"] == "translate" and ("Error" in answer.meta) == (version == FLAT)
        return dict(answer.body if version == FLAT else answer.body["Result"])

    task = fields(volc.post("SubmitAudio", ask(), version))["TaskId"]
    job = Job.objects.get(public_id=task)
    assert (job.order["steps"], job.order["export_type"], job.dialect) == (["subtitles"], "subtitles", "volcengine")
    assert (job.order["source_language"], job.target_locale) == ("en-US", "zh-CN")

    def query() -> dict[str, Any]:
        found = fields(volc.post("QueryAudio", {"TaskId": task}, version))
        return {"Status": found["Status"], "Subtitles": found["Subtitles"]}

    assert query() == {"Status": "created", "Subtitles": []}
    line = {"id": "a", "start": 0.2504, "end": 1.9996, "source": "Hello", "target": "你好", "speaker": ""}
    document = {"source_language": "en-US", "target_locale": "zh-CN", "duration": 3.0, "lines": [line], "speakers": []}
    Transcript.objects.create(
        translation=job.translation, revision=1, origin="translated", source_language="en-US", document=document
    )
    assert query()["Status"] == "created", "sentences are told when all is done"
    Job.objects.update(status="completed")
    sentence = {"StartTime": 250, "EndTime": 2000, "Text": "Hello", "Translation": "你好"}
    assert query() == {"Status": "success", "Subtitles": [sentence]}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (10901, "download_failed"),
        (10902, "download_failed"),
        (10002, "asr_failed"),
        (10020, "asr_failed"),
        (10042, "asr_failed"),
        (10030, "translate_failed"),
        (10908, "failed"),
        (10903, "failed"),
        (10999, "failed"),
        (None, "failed"),
    ],
)
def test_what_failed_is_said_in_their_words(volc: Signer, code: int | None, status: str) -> None:
    task = volc.post("SubmitAudio", ask(), WRAPPED).result["TaskId"]
    Job.objects.update(status="failed", error_code=code, error="it broke")
    assert volc.post("QueryAudio", {"TaskId": task}, WRAPPED).result == {"Status": status, "Subtitles": []}
    Job.objects.update(status="canceled", error_code=None)
    assert volc.get("QueryAudio", {"TaskId": task}, WRAPPED).result["Status"] == "failed"


@pytest.mark.parametrize("version", [FLAT, WRAPPED])
def test_what_is_wrong_comes_with_200_and_a_number(volc: Signer, stranger: Signer, version: str) -> None:
    for changes, named in (
        ({"Uri": "ftp://media.example.org/x"}, "Uri"),
        ({"Uri": "http://169.254.169.254/latest"}, "Uri"),
        ({"Uri": "x"}, "Uri"),
        ({"TargetLanguage": "xx"}, "TargetLanguage"),
        ({"TargetLanguage": "en"}, "TargetLanguage"),
        ({"SourceLanguage": "klingon"}, "SourceLanguage"),
        ({"SourceLanguage": ""}, "SourceLanguage"),
    ):
        answer = volc.post("SubmitAudio", ask(**changes), version)
        assert answer.refusal == (200, "-400", 0) and named in str(answer.error), (changes, answer.body)
    without = volc.post("SubmitAudio", {"SourceLanguage": "en", "TargetLanguage": "zh"}, version)
    assert without.refusal == (400, "MissingParameter", 100002) and "Uri" in str(without.error)
    assert not Job.objects.exists()
    task = volc.post("SubmitAudio", ask(), version).result
    task_id = task.get("TaskId") or Job.objects.get().public_id
    theirs = stranger.post("QueryAudio", {"TaskId": task_id}, version)
    never = stranger.post("QueryAudio", {"TaskId": "asdasda"}, version)
    assert theirs.refusal == never.refusal == (200, "-400", 0)
    Wallet.objects.update(available=0)
    assert volc.post("SubmitAudio", ask(), version).refusal == (403, "AccountOverdue", 0)
