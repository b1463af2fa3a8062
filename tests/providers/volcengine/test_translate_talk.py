"""The conversation with SubmitAudio/QueryAudio: both versions, milliseconds, refusals, what is not offered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from apps.core.errors import JobError
from apps.engine import subtitles
from apps.engine.transcript import Transcript
from apps.providers.base import problems
from apps.providers.conversation import AccountRefused, Forged, Throttled, Unavailable
from apps.providers.volcengine_translate import wire
from apps.providers.volcengine_translate.provider import VENDOR
from tests.providers.volcengine.gateway import CREDENTIALS
from tests.providers.volcengine.talk import Talk, order, send
from tests.providers.volcengine.translate_stub import FLAT, WRAPPED, TranslateStub

REMOTE = VENDOR.remote


@pytest.fixture
def vendor() -> Iterator[TranslateStub]:
    with TranslateStub() as running:
        yield running


def talk(vendor: TranslateStub, version: str = FLAT, **fields: Any) -> Talk:
    given = {"steps": ["subtitles"], **fields}
    return Talk(REMOTE, vendor, {**CREDENTIALS, "version": version}, asked=order(**given))


@pytest.mark.parametrize("version", [FLAT, WRAPPED])
def test_from_submit_to_sentences(vendor: TranslateStub, version: str) -> None:
    job = talk(vendor, version)
    made = job.step()
    assert (made.ref, made.memo) == ("task1", {"task": "task1", "version": version})
    assert job.body("SubmitAudio") == {"SourceLanguage": "en", "TargetLanguage": "pt", "Uri": job.work.source_url}
    assert job.steps[0].repeat == "once" and job.steps[0].kind == "create"
    assert job.step().status == "working"
    vendor.status = "success"
    end = job.step()
    assert all(f"Version={version}" in step.request.url for step in job.steps)
    assert end.status == "succeeded" and end.transcript is not None
    assert [(line.start, line.end, line.source, line.target) for line in end.transcript.lines] == [
        (0.1, 0.9, "Good morning.", "Bom dia a todos."),
        (1.1, 1.9, "Let us begin.", "Vamos começar."),
    ]
    assert {(output.kind, output.format) for output in end.outputs} == {
        (f"subtitle_{side}", form) for side in ("target", "source") for form in ("srt", "vtt")
    }
    (main,) = (output for output in end.outputs if output.main)
    assert (main.kind, main.format, main.language) == ("subtitle_target", "srt", "pt-BR")
    cues = subtitles.read(main.body)
    assert [(cue.start, cue.text) for cue in cues] == [(0.1, "Bom dia a todos."), (1.1, "Vamos começar.")]


def test_a_task_is_asked_for_in_the_version_that_made_it(vendor: TranslateStub) -> None:
    job = talk(vendor, WRAPPED)
    job.step()
    later = talk(vendor, FLAT)
    later.work = job.work
    assert f"Version={WRAPPED}" in REMOTE.next_step(later.work, later.account).request.url


@pytest.mark.parametrize("status", wire.FAILURES)
def test_each_failure_has_its_code(vendor: TranslateStub, status: str) -> None:
    job = talk(vendor)
    job.step()
    vendor.status = status
    end = job.step()
    assert (end.status, end.error_code) == ("failed", wire.FAILURES[status][0]) and status in end.error
    assert wire.status_of_error(end.error_code) == (status if status != "save_failed" else "failed")


def test_a_status_that_no_document_names_is_unknown(vendor: TranslateStub) -> None:
    job = talk(vendor)
    job.step()
    vendor.plan("QueryAudio", "unknown_status")
    assert job.step().status == "unknown"


@pytest.mark.parametrize(
    ("fault", "error"),
    [("401", AccountRefused), ("403", AccountRefused), ("429:3", Throttled), ("500", Unavailable), ("garbled", Unavailable)],
)  # fmt: skip
def test_trouble_is_told_apart(vendor: TranslateStub, fault: str, error: type[Exception]) -> None:
    vendor.plan("SubmitAudio", fault)
    with pytest.raises(error) as caught:
        talk(vendor).step()
    if isinstance(caught.value, Throttled):
        assert caught.value.retry_after == 3.0


def test_a_refusal_of_the_order_is_a_job_error(vendor: TranslateStub) -> None:
    job = talk(vendor)
    job.step()
    vendor.tasks.clear()
    with pytest.raises(JobError) as caught:
        job.step()
    assert caught.value.code == 10908 and "no such task" in caught.value.reason


def edited(transcript: Transcript | None) -> Transcript:
    assert transcript is not None
    document = msgspec.convert(msgspec.to_builtins(transcript), Transcript)
    document.lines[0].target = "Olá."
    return document


def test_the_review_is_our_own_gate(vendor: TranslateStub) -> None:
    job = talk(vendor, review_after="translate")
    job.step()
    vendor.status = "success"
    stop = job.step()
    assert stop.status == "review" and stop.outputs == ()
    job.work = replace(job.work, reviewed=True, transcript=edited(stop.transcript))
    end = job.step()
    assert end.status == "succeeded" and job.steps[-1].kind == "change", "only a worker knows the edited text"
    (main,) = (output for output in end.outputs if output.main)
    assert "Olá." in main.body.decode() and "Bom dia" not in main.body.decode() and len(vendor.tasks) == 1


def test_an_iteration_makes_files_of_the_edited_text(vendor: TranslateStub) -> None:
    base = talk(vendor)
    base.step()
    vendor.status = "success"
    text = edited(base.step().transcript)
    given = order(steps=["subtitles"], subtitle_style={"format": "vtt"})
    job = Talk(REMOTE, vendor, CREDENTIALS, asked=given, iteration=2, earlier=base.work.memo, transcript=text)
    end = job.step()
    (main,) = (output for output in end.outputs if output.main)
    assert (main.format, end.transcript) == ("vtt", text) and "Olá." in main.body.decode() and len(vendor.tasks) == 1


def test_an_iteration_of_a_forgotten_task_is_told(vendor: TranslateStub) -> None:
    job = Talk(REMOTE, vendor, CREDENTIALS, asked=order(steps=["subtitles"]), iteration=2)
    with pytest.raises(JobError):
        job.step()
    assert vendor.requests == []


def test_the_account_is_tried(vendor: TranslateStub) -> None:
    job = talk(vendor)
    assert REMOTE.take_test(send(REMOTE.test_step(job.account))) == "The key is accepted."
    other = Talk(REMOTE, vendor, {**CREDENTIALS, "secret_access_key": "wrong"}).account
    with pytest.raises(AccountRefused):
        REMOTE.take_test(send(REMOTE.test_step(other)))
    assert vendor.tasks == {}


def test_what_it_does_not_have() -> None:
    job = Talk.__new__(Talk)
    assert REMOTE.attachments(job) == {}  # type: ignore[arg-type]
    with pytest.raises(Forged):
        REMOTE.verify_callback(None, "", {}, b"{}", 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, set()),
        ({"source_language": "ko-KR", "target_locales": ["de-DE"]}, set()),
        ({"source_language": "auto"}, {"target_locales.0"}),
        ({"source_language": "fr-FR"}, {"target_locales.0"}),
        ({"target_locales": ["it-IT"]}, {"target_locales.0"}),
        ({"target_locales": ["zh-TW"]}, {"target_locales.0"}),
        ({"steps": ["subtitles", "voice"]}, {"steps.1"}),
        ({"subtitle_source": "ocr"}, {"subtitle_source"}),
        ({"export_type": "video"}, {"export_type"}),
        ({"review_after": "translate"}, set()),
        ({"review_after": "recognize"}, {"review_after"}),
        ({"glossaries": ["gls_00000000"]}, {"glossaries"}),
        ({"subtitle_style": {"burn_in": True}}, {"subtitle_style.burn_in"}),
        ({"timing": {"punctuation_split": False}}, {"timing.punctuation_split"}),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(fields: dict[str, Any], wrong: set[str]) -> None:
    assert set(problems(VENDOR, order(**({"steps": ["subtitles"]} | fields)))) == wrong


def test_languages_go_both_ways() -> None:
    assert {wire.language_of(locale): locale for locale in wire.LOCALES.values()} == wire.LOCALES
    assert set(wire.TARGET_LANGUAGES) == set(wire.LOCALES) >= set(wire.SOURCE_LANGUAGES)
    assert (wire.language_of("es-MX"), wire.language_of("zh-HK"), wire.language_of("it-IT")) == ("es", "", "")
