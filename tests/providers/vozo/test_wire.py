"""Vozo's adapter as the pure functions it is: every field, word and code of the reference."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.core import errors, languages
from apps.core.errors import JobError
from apps.engine import subtitles
from apps.engine.transcript import Line, Transcript
from apps.providers.base import problems
from apps.providers.conversation import (
    Account,
    AccountRefused,
    Forged,
    PinnedGlossary,
    Throttled,
    Unavailable,
    WireReply,
    Work,
)
from apps.providers.orders import TranslationOrder
from apps.providers.registry import PROVIDERS
from apps.providers.vozo import wire
from apps.providers.vozo.provider import CAPABILITIES, VENDOR
from tests.conftest import SHARED
from tests.providers.vozo.stub import MESSAGES, check

REMOTE = VENDOR.remote
ACCOUNT = Account(
    "pac_1", "https://api.vozo.ai", values={"api_key": "vz-key", "glossaries": "gls_a=9001, gls_b = 9002"}
)
BOX = {"x": 0.1, "y": 0.8, "width": 0.8, "height": 0.15}


def order(**fields: Any) -> TranslationOrder:
    body = {
        "source": {"asset": "ast_000000000000"}, "source_language": "en-US", "target_locales": ["pt-BR"], "media_type": "video",
    }  # fmt: skip
    return msgspec.convert(body | fields, TranslationOrder)


def work(*, memo: dict[str, Any] | None = None, callback_url: str = "", **fields: Any) -> Work:
    return Work(
        asked=order(**fields),
        client_id="job_1-1",
        memo=memo or {},
        source_url="https://portal.example.com/files/t/talk.mp4",
        subtitle_url="https://portal.example.com/files/t/talk.srt" if "subtitle" in fields else "",
        callback_url=callback_url,
        glossaries=tuple(PinnedGlossary(name, 3, name.upper(), ()) for name in fields.get("glossaries", ())),
    )


def sent(wanted: Work) -> dict[str, Any]:
    """The create call's body; the reference's rules hold for it."""
    step = REMOTE.next_step(wanted, ACCOUNT)
    assert (step.operation, step.kind, step.repeat) == ("create", "create", "once")
    assert (step.request.method, step.request.url) == ("POST", "https://api.vozo.ai/v1/media/translate")
    assert step.request.headers["Authorization"] == "Bearer vz-key"
    body = json.loads(step.request.body)
    check(body)
    return dict(body)


def reply(body: Any, status: int = 200, **headers: str) -> WireReply:
    return WireReply(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def refusal(code: int | str, status: int = 400, **headers: str) -> WireReply:
    return reply({"code": str(code), "message": "said", "serverTs": "1795311287517"}, status, **headers)


def test_an_order_in_full() -> None:
    full = work(
        callback_url="https://portal.example.com/callbacks/vozo/x",
        export_type="all", speaker_count={"min": 2, "max": 34}, prompt="formal", glossaries=["gls_a", "gls_b"],
        voice={"kind": "personal"}, timing={"adjust_video_speed": True},
        subtitle_style={"burn_in": True, "erase_source": True},
        subtitle_source="file", subtitle={"asset": "ast_000000000001", "usage": "final_translated"},
    )  # fmt: skip
    assert problems(VENDOR, full.order) == {}
    assert sent(full) == {
        "media_type": "video", "media_url": "https://portal.example.com/files/t/talk.mp4", "source_language": "en-US",
        "target_language": "pt-BR", "export_type": "all", "subtitle_url": "https://portal.example.com/files/t/talk.srt",
        "subtitle_usage_type": "final_translated", "speaker_number": {"min": 2, "max": 34}, "user_prompt": "formal",
        "callback_url": "https://portal.example.com/callbacks/vozo/x", "project_mode": "none", "glossary_ids": ["9001", "9002"],
        "voice_model": "real", "subtitle_mode": "replace", "align_video": True,
    }  # fmt: skip


def test_what_is_not_asked_is_not_sent() -> None:
    assert sent(work()) == {
        "media_type": "video", "media_url": "https://portal.example.com/files/t/talk.mp4", "source_language": "en-US",
        "target_language": "pt-BR", "export_type": "auto", "project_mode": "none",
    }  # fmt: skip


def test_single_fields() -> None:
    assert sent(work(subtitle_source="ocr", ocr_text_box=BOX))["ocr_text_box"] == BOX
    assert "ocr_text_box" not in sent(work(ocr_text_box=BOX, subtitle_style={"erase_source": True, "burn_in": True}))
    assert sent(work(subtitle_style={"burn_in": True}))["subtitle_mode"] == "add"
    assert sent(work(speaker_count={"max": 3}))["speaker_number"] == {"min": 2, "max": 3}
    assert sent(work(speaker_count={"min": 4}))["speaker_number"] == {"min": 4, "max": 34}
    assert sent(work(source_language="auto"))["source_language"] == "auto"
    audio = sent(work(media_type="audio", export_type="auto"))
    assert (audio["media_type"], audio["export_type"]) == ("audio", "audio")
    given = sent(work(subtitle_source="file", subtitle={"asset": "ast_000000000001"}))
    assert given["subtitle_usage_type"] == "original"
    for name, kind in (("talk.mp3", "audio"), ("talk.MOV", "video"), ("talk", "video")):
        unsaid = msgspec.structs.replace(work().order, media_type="auto")
        link = f"https://portal.example.com/files/t/{name}?x=1"
        assert sent(Work(asked=unsaid, client_id="j", memo={}, source_url=link))["media_type"] == kind


def test_every_language_of_both_tables() -> None:
    for source in languages.sources():
        assert sent(work(source_language=source, target_locales=["zu-ZA"]))["source_language"] == source
        assert CAPABILITIES.pair(source, "zu-ZA", True, True) == ""
    for target in languages.targets():
        assert sent(work(target_locales=[target]))["target_language"] == target
        assert CAPABILITIES.pair("auto", target, True, True) == ""
    assert CAPABILITIES.pair("am-ET", "pt-BR", True, True) != ""
    assert CAPABILITIES.pair("am-ET", "am-ET", False, True) == ""
    assert CAPABILITIES.pair("en-US", "ur-IN", True, True) != ""


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"steps": ["subtitles"]}, "steps"),
        ({"steps": ["subtitles", "voice", "lipsync"]}, "steps.2"),
        ({"export_type": "subtitles", "steps": ["subtitles"]}, "export_type"),
        ({"media_type": "audio", "export_type": "all"}, "export_type"),
        ({"subtitle_source": "file", "subtitle": {"asset": "ast_0", "usage": "bilingual"}}, "subtitle.usage"),
        ({"subtitle_source": "ocr", "ocr_text_box": BOX, "source_language": "de-DE"}, "source_language"),
        ({"speaker_count": {"min": 1}}, "speaker_count.min"),
        ({"speaker_count": {"max": 1}}, "speaker_count.max"),
        ({"glossaries": ["gls_1", "gls_2", "gls_3", "gls_4"]}, "glossaries"),
        ({"subtitle_style": {"format": "ass"}}, "subtitle_style.format"),
        ({"subtitle_style": {"erase_source": True}}, "subtitle_style.erase_source"),
        ({"subtitle_style": {"burn_in": True, "font_size": 30}}, "subtitle_style.font_size"),
        ({"subtitle_style": {"burn_in": True, "primary_color": "FF0000"}}, "subtitle_style.primary_color"),
        ({"voice": {"emotion": "on"}}, "voice.emotion"),
        ({"voice": {"by_scene": True}}, "voice.by_scene"),
        ({"voice": {"lexicon_url": "https://example.com/l.xml"}}, "voice.lexicon_url"),
        ({"voice": {"background_volume": 50}}, "voice.background_volume"),
        ({"timing": {"rewrite": True}}, "timing.rewrite"),
        ({"review_after": "translate"}, "review_after"),
        ({"ocr_correction": True, "subtitle_source": "ocr", "ocr_text_box": BOX}, "ocr_correction"),
        ({"vision": True}, "vision"),
        ({"hls": True}, "hls"),
    ],
)
def test_what_vozo_cannot_do_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    assert named in problems(VENDOR, order(**fields))


def test_a_glossary_that_is_not_set_up() -> None:
    with pytest.raises(JobError) as caught:
        REMOTE.next_step(work(glossaries=["gls_a", "gls_zz"]), ACCOUNT)
    assert caught.value.code == errors.PROVIDER_FAILED
    assert "GLS_ZZ" in caught.value.reason and "GLS_A" not in caught.value.reason


def test_created_then_polled() -> None:
    made = REMOTE.take(work(), "create", reply({"task_id": "700001", "more": 1}))
    assert (made.status, made.ref, made.memo) == ("working", "700001", {"task": "700001"})
    step = REMOTE.next_step(work(memo={"task": "a/b?c"}), ACCOUNT)
    assert (step.operation, step.kind) == ("get", "read")
    assert (step.request.method, step.request.url) == ("GET", "https://api.vozo.ai/v1/media/translate/a%2Fb%3Fc")


def test_every_status_word() -> None:
    last = -1.0
    for word, (stage, fraction) in wire.STAGES.items():
        told = REMOTE.take(work(memo={"task": "1"}), "get", reply({"status": word, "result": None, "err_code": ""}))
        assert (told.status, told.stage, told.fraction) == ("working", stage, fraction)
        assert wire.status_word("processing", stage) == word
        assert fraction > last
        last = fraction
    for body in (
        {"status": "pondering"},
        {"status": "done"},
        {"status": "done", "result": {"subtitle_url": "https://x/y.srt"}},
    ):
        assert REMOTE.take(work(memo={"task": "1"}), "get", reply(body)).status == "unknown"


@pytest.mark.parametrize(
    ("result", "kinds"),
    [
        ({"video_url": "https://c/v.mp4?x=1", "audio_url": "", "subtitle_url": "https://c/s.srt"},
         [("video", "mp4"), ("subtitle_target", "srt")]),
        ({"video_url": "https://c/v", "audio_url": "https://c/a.mp3"}, [("video", "mp4"), ("audio_mp3", "mp3")]),
        ({"audio_url": "https://c/a.wav", "project_url": "https://c/p"}, [("audio", "wav")]),
    ],
)  # fmt: skip
def test_results(result: dict[str, str], kinds: list[tuple[str, str]]) -> None:
    told = REMOTE.take(work(memo={"task": "1"}), "get", reply({"status": "done", "result": result}))
    assert told.status == "succeeded"
    assert [(output.kind, output.format) for output in told.outputs] == kinds
    assert [output.main for output in told.outputs] == [True] + [False] * (len(kinds) - 1)
    assert {output.language for output in told.outputs} == {"pt-BR"}


def test_every_job_code_keeps_its_number() -> None:
    assert len(wire.JOB_CODES) == 21
    for code in wire.JOB_CODES:
        told = REMOTE.take(work(memo={"task": "1"}), "get", reply({"status": "failed", "err_code": str(code)}))
        assert (told.status, told.error_code, told.error) == ("failed", code, errors.job_codes()[code].title)


@pytest.mark.parametrize(
    ("code", "words"), [("104", "our side"), ("1304", "our side"), ("77777", "77777"), ("", "no reason")]
)
def test_a_failure_with_another_code_is_the_providers(code: str, words: str) -> None:
    told = REMOTE.take(work(memo={"task": "1"}), "get", reply({"status": "failed", "err_code": code}))
    assert (told.status, told.error_code) == ("failed", errors.PROVIDER_FAILED)
    assert words in told.error and "redit" not in told.error


@pytest.mark.parametrize("operation", ["create", "get"])
@pytest.mark.parametrize("status", [200, 400])
def test_every_api_code(operation: str, status: int) -> None:
    at = work(memo={"task": "1"} if operation == "get" else {})
    expected: dict[int, type[Exception]] = {5: JobError, 1000: Unavailable, 1304: Throttled, 1502: JobError}
    expected |= dict.fromkeys((7, 104, 814, 1302, 1305, 1503), AccountRefused)
    assert set(expected) | {1301} == {*wire.API_CODES, wire.LIPSYNC_AUDIO}
    for code, kind in expected.items():
        with pytest.raises(kind) as caught:
            REMOTE.take(at, operation, refusal(code, status))
        if isinstance(caught.value, JobError):
            assert caught.value.code in (errors.PROVIDER_FAILED, errors.DAMAGED)


def test_1301_makes_the_task_without_a_callback() -> None:
    address = "https://portal.example.com/callbacks/vozo/x"
    told = REMOTE.take(work(callback_url=address), "create", refusal(1301))
    assert (told.status, told.ref, told.memo, told.wait) == ("working", "", {"callback": "refused"}, 0.0)
    assert "callback_url" not in sent(work(callback_url=address, memo={"callback": "refused"}))
    with pytest.raises(Unavailable):
        REMOTE.take(work(memo={"callback": "refused"}), "create", refusal(1301))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(b"<html>", 502), Unavailable), (reply(b"", 200), Unavailable), (reply([], 200), Unavailable),
        (reply({"task_id": ""}), Unavailable), (reply({"task_id": 7}), Unavailable), (reply(b"\xff", 200), Unavailable),
        (reply(b"", 401), AccountRefused), (reply({}, 403), AccountRefused), (reply(b"404 page not found", 404), Unavailable),
        (reply(b"slow down", 429, **{"retry-after": "7"}), Throttled), (refusal("E_ODD", 400), JobError),
        (reply({"message": "no"}, 422), JobError), (reply({}, 302), Unavailable),
    ],
)  # fmt: skip
def test_odd_answers_to_a_create(answer: WireReply, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        REMOTE.take(work(), "create", answer)
    if isinstance(caught.value, Throttled):
        assert caught.value.retry_after == 7.0


def test_the_account_test() -> None:
    step = REMOTE.test_step(ACCOUNT)
    assert (step.kind, step.request.method) == ("read", "GET")
    assert REMOTE.take_test(refusal(5)) == "The key is accepted."
    assert "busy" in REMOTE.take_test(refusal(1304))
    for code in (7, 814, 1302, 1305, 1503):
        with pytest.raises(AccountRefused):
            REMOTE.take_test(refusal(code))
    with pytest.raises(Unavailable):
        REMOTE.take_test(reply(b"nginx", 404))


class TestCallbacks:
    def test_only_a_status_is_taken(self) -> None:
        REMOTE.verify_callback(ACCOUNT, "", {}, b'{"status": "done", "x": 1}', 0.0)
        for body in (b"", b"[]", b"{}", b'{"status": 3}', b"\xff"):
            with pytest.raises(Forged):
                REMOTE.verify_callback(ACCOUNT, "", {}, body, 0.0)

    def test_with_a_known_task_it_is_time_to_poll(self) -> None:
        assert REMOTE.take_callback(work(memo={"task": "1"}), b'{"status": "failed", "err_code": "10030"}') is None

    def test_it_tells_of_a_task_whose_creation_was_not_answered(self) -> None:
        told = REMOTE.take_callback(work(), b'{"status": "translating", "task_id": "700009"}')
        assert told is not None
        assert (told.status, told.ref, told.memo) == ("working", "700009", {"task": "700009"})
        assert REMOTE.take_callback(work(), b'{"status": "translating"}') is None
        done = REMOTE.take_callback(work(), b'{"status": "done", "result": {"video_url": "https://c/v.mp4"}}')
        assert done is not None and (done.status, done.outputs[0].url) == ("succeeded", "https://c/v.mp4")
        failed = REMOTE.take_callback(work(), b'{"status": "failed", "err_code": "10042"}')
        assert failed is not None and (failed.status, failed.error_code) == ("failed", 10042)


def test_an_iteration_is_spoken_from_the_edited_text() -> None:
    lines = [
        Line(id="a", start=0.0, end=2.5, source="One", target="Um"),
        Line(id="b", start=2.0, end=4.0, source="Two", target="Dois"),
        Line(id="c", start=3.0, end=3.0, source="Three", target="Três"),
        Line(id="d", start=5.0, end=6.0, source="Four", target=""),
    ]
    text = Transcript(source_language="en-US", target_locale="pt-BR", duration=8.0, lines=lines)
    edited = Work(
        asked=order(subtitle_source="ocr", ocr_text_box=BOX), client_id="job_2-1", memo={}, source_url="https://p/t.mp4",
        iteration=2, transcript=text,
    )  # fmt: skip
    (name, content), *more = REMOTE.attachments(edited).items()
    assert (name, more) == ("edited.srt", [])
    cues = subtitles.read(content)
    assert [(cue.start, cue.end, cue.text) for cue in cues] == [(0.0, 2.0, "Um"), (2.0, 3.0, "Dois")]
    body = sent(replace(edited, links={"edited.srt": "https://p/edited.srt"}))
    assert (body["subtitle_url"], body["subtitle_usage_type"]) == ("https://p/edited.srt", "final_translated")
    assert "ocr_text_box" not in body


def test_capabilities_name_everything_of_the_reference() -> None:
    """Every field, enum value, status and code of shared/reference has its row."""
    path = Path(SHARED) / "reference" / "vozo" / "vozo_api.json"
    if not path.is_file():
        pytest.skip(f"no reference at {path}")
    reference = json.loads(path.read_text(encoding="utf-8"))
    rows = {row.theirs for row in CAPABILITIES.parameters}
    create, status = reference["endpoints"][0], reference["endpoints"][1]
    wanted = set(create["response_200"])
    for name, rule in create["request"].items():
        if isinstance(rule, dict) and "min" in rule:
            wanted |= {f"{name}.min", f"{name}.max"}
        elif isinstance(rule, str) and "^" not in rule and (values := re.search(r"\w+(\|\w+)+", rule)):
            wanted |= {f"{name}={value}" for value in values[0].split("|")}
        else:
            wanted.add(name)
    wanted |= {f"status={word}" for word in status["response_200"]["status"].split("|")}
    wanted |= {"err_code", "err_message", *(f"result.{name}" for name in status["response_200"]["result"])}
    wanted |= {f"code={code}" for code in reference["api_error_codes"]} | {
        f"err_code={code}" for code in wire.JOB_CODES
    }
    assert wanted <= rows, wanted - rows
    assert {int(code): text for code, text in reference["api_error_codes"].items()} == MESSAGES
    assert len({(row.theirs, row.ours) for row in CAPABILITIES.parameters}) == len(CAPABILITIES.parameters)
    assert PROVIDERS["vozo"] is VENDOR
