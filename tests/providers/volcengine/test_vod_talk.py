"""The conversation with Volcengine VOD: requests field by field, sources, review, the account."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qs

import msgspec
import pytest

from apps.core.errors import JobError
from apps.engine.transcript import Line, Transcript
from apps.providers.conversation import AccountRefused, Throttled
from tests.providers.volcengine.talk import send
from tests.providers.volcengine.vod_stub import SPACE, VodStub
from tests.providers.volcengine.vod_talk import (
    CONTINUE,
    GET,
    GIVEN,
    REMOTE,
    SUBMIT,
    UPDATE,
    UPLOAD,
    edited,
    finished,
    talk,
)


def test_a_url_is_brought_in_and_translated(vendor: VodStub) -> None:
    job = talk(vendor)
    job.until(GET)
    assert job.sent() == [UPLOAD, "QueryUploadTaskInfo", SUBMIT]
    entry = json.loads(parse_qs(job.steps[0].request.body.decode())["URLSets"][0])[0]
    assert entry == {
        "SourceUrl": job.work.source_url,
        "FileExtension": ".mp4",
        "CallbackArgs": "job_1-1",
        "Title": "job_1-1",
    }
    body = job.body(SUBMIT)
    assert (body["SpaceName"], body["Vid"]) == (SPACE, "v-up1")
    assert body["TranslationConfig"] == {
        "SourceLanguage": "en",
        "TargetLanguage": "pt",
        "TranslationTypeList": ["SubtitleTranslation", "VoiceTranslation"],
    }
    assert body["OperatorConfig"] == {
        "SubtitleRecognitionConfig": {"RecognitionType": "ASR"},
        "VoiceCloneConfig": {"BackgroundVolume": 100},
    }
    assert body["SubtitleConfig"] == {"IsHardSubtitle": False, "IsEraseSource": False}
    assert body["ProcessConfig"] == {
        "DisableCloneVoiceByScene": True,
        "DisableSubtitlePunctSplit": False,
        "DisableSmartSubtitleRewrite": True,
    }
    vendor.outcome = "ready"
    end = job.to_the_end()
    assert end.status == "succeeded" and end.transcript is not None and end.measured_seconds == 3.0
    assert [(output.kind, output.format, output.main) for output in end.outputs] == [
        ("video", "mp4", True),
        *((f"subtitle_{side}", form, False) for side in ("target", "source", "bilingual") for form in ("srt", "vtt")),
    ]
    assert [(line.source, line.target, line.start, line.end, line.speaker) for line in end.transcript.lines] == [
        ("Good morning.", "Bom dia a todos.", 0.1, 0.9, "sp1"),
        ("Let us begin.", "Vamos começar.", 1.1, 1.9, "sp2"),
    ]
    # Texts are asked for once the work is done, not with every poll.
    assert ["Additions" in step.request.body.decode() for step in job.steps if step.operation == GET] == [False, True]


def test_every_option_reaches_its_field(vendor: VodStub) -> None:
    style = {
        "burn_in": True,
        "erase_source": True,
        "font_size": 30,
        "margin_l": 0.1,
        "margin_r": 0.2,
        "margin_v": 0.3,
        "max_lines": 0,
    }
    box = {"x": 0.1, "y": 0.8, "width": 0.8, "height": 0.1}
    job = talk(
        vendor,
        steps=["subtitles", "voice", "lipsync"],
        subtitle_source="ocr",
        ocr_text_box=box,
        vision=True,
        subtitle_style=style,
        voice={"background_volume": 30, "by_scene": True},
        timing={"rewrite": True, "punctuation_split": False},
        review_after="recognize",
        source_language="zh-CN",
        target_locales=["ja-JP"],
    )
    job.until(GET)
    body = job.body(SUBMIT)
    assert body["TranslationConfig"] == {
        "SourceLanguage": "zh",
        "TargetLanguage": "ja",
        "TranslationTypeList": ["SubtitleTranslation", "VoiceTranslation", "FacialTranslation"],
    }
    assert body["OperatorConfig"]["SubtitleRecognitionConfig"] == {"RecognitionType": "OCR", "IsVision": True}
    assert body["OperatorConfig"]["VoiceCloneConfig"] == {"BackgroundVolume": 30}
    assert body["SubtitleConfig"] == {
        "IsHardSubtitle": True, "IsEraseSource": True, "FontSize": 30, "MarginL": 0.1, "MarginR": 0.2, "MarginV": 0.3, "ShowLines": 0,
    }  # fmt: skip
    assert body["ProcessConfig"] == {
        "DisableCloneVoiceByScene": False,
        "DisableSubtitlePunctSplit": True,
        "DisableSmartSubtitleRewrite": False,
        "SuspensionStageList": ["SubtitleRecognition"],
    }


@pytest.mark.parametrize(
    ("usage", "kind", "field"),
    [
        ("original", "SourceSubtitleFile", "SourceSubtitleFileName"),
        ("bilingual", "BilingualSubtitleFile", "BilingualSubtitleFileName"),
    ],
)
def test_given_subtitles_are_brought_in_too(vendor: VodStub, usage: str, kind: str, field: str) -> None:
    job = talk(vendor, subtitle_source="file", subtitle={"asset": "ast_00000001", "usage": usage})
    job.until(GET)
    entries = json.loads(parse_qs(job.steps[0].request.body.decode())["URLSets"][0])
    assert [(entry["FileExtension"], entry.get("Category")) for entry in entries] == [
        (".mp4", None),
        (".vtt", "subtitle"),
    ]
    recognition = job.body(SUBMIT)["OperatorConfig"]["SubtitleRecognitionConfig"]
    assert recognition["RecognitionType"] == kind and vendor.files[recognition[field]].endswith("given.vtt")


def test_subtitles_that_the_vendor_cannot_read_are_refused(vendor: VodStub) -> None:
    job = talk(vendor, subtitle_source="file", subtitle={"asset": "ast_00000001"})
    job.work = replace(job.work, subtitle_url="https://portal.example.com/files/token/given.ass")
    with pytest.raises(JobError) as caught:
        job.step()
    assert caught.value.code == 10034 and "ASS" in caught.value.reason and vendor.requests == []


def test_a_given_vid_is_not_brought_in_again(vendor: VodStub) -> None:
    vendor.media["v0abc"] = "before"
    job = talk(vendor, values={"accept_vids": "yes"}, source={"url": f"{GIVEN}{SPACE}/v0abc"})
    job.until(GET)
    assert job.sent() == ["ListAITranslationProject", SUBMIT]
    assert job.body(SUBMIT)["Vid"] == "v0abc"
    assert REMOTE.forget_step(job.work, job.account) is None, "media that we did not bring in is not ours to delete"


@pytest.mark.parametrize(("accept", "space"), [("no", SPACE), ("yes", "another-space")])
def test_a_given_vid_that_the_account_does_not_take(vendor: VodStub, accept: str, space: str) -> None:
    job = talk(vendor, values={"accept_vids": accept}, source={"url": f"{GIVEN}{space}/v0abc"})
    with pytest.raises(JobError) as caught:
        job.step()
    assert caught.value.code == 10908 and vendor.requests == []


def test_the_review_after_translation(vendor: VodStub) -> None:
    vendor.outcome = "suspend"
    job = talk(vendor, review_after="translate")
    stop = job.to_the_end()
    assert stop.status == "review" and stop.transcript is not None
    first, second = stop.transcript.lines
    changed = edited(stop.transcript, **{first.id: "Olá."})
    changed.lines[1].speaker, changed.lines[1].end = "sp1", 2.5
    job.work = replace(job.work, reviewed=True, transcript=changed)
    job.until(CONTINUE)
    assert job.body(UPDATE)["UpdateType"] == "Utterances"
    assert job.body(UPDATE)["Utterances"] == [
        {"Id": first.id, "Text": "Olá.", "SpeakerId": "sp1"},
        {"Id": second.id, "Text": "Vamos começar.", "SpeakerId": "sp1", "Trim": {"Start": 1100, "End": 2500}},
    ]
    job.step()
    assert job.sent()[-1] == CONTINUE
    vendor.outcome = "ready"
    end = job.to_the_end()
    assert end.transcript is not None and [line.target for line in end.transcript.lines] == ["Olá.", "Vamos começar."]
    assert len(vendor.projects) == 1 and job.sent().count(CONTINUE) == 1


def test_the_review_after_recognition_edits_the_source(vendor: VodStub) -> None:
    vendor.outcome = "suspend"
    job = talk(vendor, review_after="recognize")
    stop = job.to_the_end()
    assert stop.transcript is not None
    assert [(line.source, line.target) for line in stop.transcript.lines] == [
        ("Good morning.", ""),
        ("Let us begin.", ""),
    ]
    changed = msgspec.convert(msgspec.to_builtins(stop.transcript), Transcript)
    changed.lines[0].source = "Good evening."
    job.work = replace(job.work, reviewed=True, transcript=changed)
    job.until(CONTINUE)
    assert [change["Text"] for change in job.body(UPDATE)["Utterances"]] == ["Good evening."]
    assert next(iter(vendor.projects.values()))["utterances"][0]["source"] == "Good evening."


def test_a_review_that_changes_nothing_only_continues(vendor: VodStub) -> None:
    vendor.outcome = "suspend"
    job = talk(vendor, review_after="translate")
    stop = job.to_the_end()
    job.work = replace(job.work, reviewed=True, transcript=stop.transcript)
    job.until(CONTINUE)
    assert UPDATE not in job.sent()


@pytest.mark.parametrize("change", ["added", "removed", "emptied"])
def test_other_lines_go_as_a_file(vendor: VodStub, change: str) -> None:
    vendor.outcome = "suspend"
    job = talk(vendor, review_after="translate")
    stop = job.to_the_end()
    assert stop.transcript is not None
    changed = edited(stop.transcript)
    if change == "added":
        changed.lines.append(Line(id="new", start=2.0, end=2.5, target="Até logo.", speaker="sp1"))
    elif change == "removed":
        del changed.lines[0]
    else:
        changed.lines[0].target = " "
    job.work = replace(job.work, reviewed=True, transcript=changed)
    job.until(CONTINUE)
    assert job.sent()[-3:] == [UPLOAD, "QueryUploadTaskInfo", UPDATE]
    assert job.body(UPDATE)["UpdateType"] == "OutputSubtitleFile"
    assert vendor.files[job.body(UPDATE)["OutputSubtitleFileName"]].endswith("edit.srt")
    content = REMOTE.attachments(job.work)["edit.srt"].decode()
    assert ("<v Speaker1>Até logo." in content) is (change == "added") and "<v Speaker2>Vamos começar." in content


# ---- the account


def test_one_submit_a_second(vendor: VodStub) -> None:
    first, second = talk(vendor), talk(vendor)
    first.until(GET)
    second.until(SUBMIT)
    with pytest.raises(Throttled):
        second.step()
    assert REMOTE.submits_per_second == 1.0 and REMOTE.polls_per_second == 10.0 and len(vendor.projects) == 1


def test_a_video_without_a_link_is_the_accounts_trouble(vendor: VodStub) -> None:
    vendor.links, vendor.outcome = False, "ready"
    job = talk(vendor)
    with pytest.raises(AccountRefused, match="playback domain"):
        job.to_the_end()


def test_subtitles_alone_need_no_link(vendor: VodStub) -> None:
    vendor.links, vendor.outcome = False, "ready"
    end = talk(vendor, steps=["subtitles"], export_type="subtitles", subtitle_style={"format": "vtt"}).to_the_end()
    assert [(output.kind, output.format) for output in end.outputs if output.main] == [("subtitle_target", "vtt")]


def test_the_account_is_tried_without_cost(vendor: VodStub) -> None:
    job = talk(vendor)
    step = REMOTE.test_step(job.account)
    assert step.kind == "read" and "0 termbases" in REMOTE.take_test(send(step))
    for values in ({"secret_access_key": "wrong"}, {"space": "none-of-mine"}):
        other = talk(vendor, values=values).account
        with pytest.raises(AccountRefused):
            REMOTE.take_test(send(REMOTE.test_step(other)))
    with pytest.raises(AccountRefused, match="space"):
        REMOTE.test_step(talk(vendor, values={"space": ""}).account)


def test_what_came_in_and_out_is_deleted(vendor: VodStub) -> None:
    job, _ = finished(vendor)
    step = REMOTE.forget_step(job.work, job.account)
    assert step is not None and REMOTE.take(job.work, step.operation, send(step)).status == "working"
    assert vendor.deleted == ["v-up1", f"v-out-{job.work.memo['project']}"]
    assert REMOTE.cancel_step(job.work, job.account) is None
