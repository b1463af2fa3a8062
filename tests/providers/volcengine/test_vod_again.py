"""Volcengine VOD once more: iterations on a project of before, and what was sent and never answered is looked up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.providers.volcengine.talk import send
from tests.providers.volcengine.vod_stub import SPACE, VodStub
from tests.providers.volcengine.vod_talk import (
    CONTINUE,
    GET,
    GIVEN,
    REFRESH,
    REMOTE,
    SUBMIT,
    UPDATE,
    UPLOAD,
    edited,
    finished,
    talk,
)


def test_an_iteration_changes_the_project_of_before(vendor: VodStub) -> None:
    base, text = finished(vendor)
    changed = edited(text, **{text.lines[1].id: "Comecemos."})
    job = talk(vendor, iteration=2, earlier=base.work.memo, transcript=changed)
    job.work = replace(job.work, reviewed=True)
    job.until(REFRESH)
    assert job.sent() == [GET, UPDATE]
    assert [change["Text"] for change in job.body(UPDATE)["Utterances"]] == ["Comecemos."]
    vendor.outcome = "working"
    assert job.step().ref == base.work.memo["project"]
    assert job.step().status == "working"
    vendor.outcome = "ready"
    end = job.to_the_end()
    assert end.transcript is not None and end.transcript.lines[1].target == "Comecemos."
    assert len(vendor.projects) == 1 and next(iter(vendor.projects.values()))["refreshed"] == 1


def test_an_iteration_with_other_timing_configures_the_project(vendor: VodStub) -> None:
    base, text = finished(vendor)
    job = talk(vendor, iteration=2, earlier=base.work.memo, transcript=text, timing={"rewrite": True})
    job.until(REFRESH)
    assert job.sent() == [GET, "UpdateAITranslationProjectConfig"]
    assert next(iter(vendor.projects.values()))["process"]["DisableSmartSubtitleRewrite"] is False


def test_an_iteration_that_a_project_cannot_follow_makes_another(vendor: VodStub) -> None:
    base, text = finished(vendor)
    vendor.last_submit = 0.0
    job = talk(vendor, iteration=2, earlier=base.work.memo, transcript=text, subtitle_style={"burn_in": True})
    job.until(GET)
    assert job.sent() == [UPLOAD, "QueryUploadTaskInfo", "ListAITranslationProject", SUBMIT]
    body = job.body(SUBMIT)
    recognition = body["OperatorConfig"]["SubtitleRecognitionConfig"]
    assert recognition["RecognitionType"] == "SourceAndTargetSubtitleFile" and body["Vid"] == base.work.memo["vid"]
    assert vendor.files[recognition["SourceSubtitleFileName"]].endswith("source.srt")
    assert vendor.files[recognition["TargetSubtitleFileName"]].endswith("target.srt")
    assert job.to_the_end().status == "succeeded" and len(vendor.projects) == 2


def test_a_success_of_before_the_refresh_is_not_taken_for_the_new_one(vendor: VodStub) -> None:
    base, text = finished(vendor)
    job = talk(vendor, iteration=2, earlier=base.work.memo, transcript=text)
    job.until(GET)
    job.until(REFRESH)
    job.step()
    project = next(iter(vendor.projects.values()))
    project["version"], after = job.work.memo["before"], project["version"]
    assert job.step().status == "working", "the vendor still shows what was before"
    project["version"] = after
    assert job.to_the_end().status == "succeeded"


# ---- what was sent and never answered


def test_a_submit_is_found_by_its_vid_on_any_page(vendor: VodStub) -> None:
    job = talk(vendor)
    job.until(SUBMIT)
    send(REMOTE.next_step(job.work, job.account))
    ((name, mine),) = vendor.projects.items()
    for number in range(60):
        vendor.projects[f"other{number}"] = mine | {"vid": f"v-other{number}", "created": mine["created"] + number}
    work, pages = job.work, 0
    while True:
        step = REMOTE.find_step(work, SUBMIT, job.account)
        assert step is not None and step.kind == "read"
        found = REMOTE.take_found(work, SUBMIT, send(step))
        pages += 1
        assert found is not None
        if found.status == "working":
            break
        work = replace(work, memo=found.memo or {})
    assert (found.ref, found.memo and found.memo["project"], pages) == (name, name, 2)


def test_a_submit_that_never_arrived_is_not_found(vendor: VodStub) -> None:
    job = talk(vendor)
    job.until(SUBMIT)
    step = REMOTE.find_step(job.work, SUBMIT, job.account)
    assert step is not None and REMOTE.take_found(job.work, SUBMIT, send(step)) is None


@pytest.mark.parametrize(
    ("change", "found"),
    [({}, True), ({"created": 1}, False), ({"vid": "v-else"}, False), ({"target": "fr"}, False), ({"types": 1}, False)],
)
def test_with_a_shared_vid_the_project_must_be_of_this_order(
    vendor: VodStub, change: dict[str, Any], found: bool
) -> None:
    vendor.media["v0abc"] = "before"
    job = talk(vendor, values={"accept_vids": "yes"}, source={"url": f"{GIVEN}{SPACE}/v0abc"})
    job.until(SUBMIT)
    send(REMOTE.next_step(job.work, job.account))
    project = next(iter(vendor.projects.values()))
    config = project["fields"]["TranslationConfig"]
    config["TargetLanguage"] = change.pop("target", "pt")
    if change.pop("types", 0):
        config["TranslationTypeList"] = ["SubtitleTranslation"]
    project |= change
    step = REMOTE.find_step(job.work, SUBMIT, job.account)
    assert step is not None
    assert (REMOTE.take_found(job.work, SUBMIT, send(step)) is not None) is found


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("operation", [CONTINUE, REFRESH])
def test_a_continue_or_refresh_is_looked_up_in_the_project(vendor: VodStub, operation: str, arrived: bool) -> None:
    if operation == CONTINUE:
        vendor.outcome = "suspend"
        job = talk(vendor, review_after="translate")
        stop = job.to_the_end()
        job.work = replace(job.work, reviewed=True, transcript=stop.transcript)
    else:
        base, text = finished(vendor)
        job = talk(vendor, iteration=2, earlier=base.work.memo, transcript=text)
    job.until(operation)
    sending = REMOTE.next_step(job.work, job.account)
    assert sending.repeat == "find"
    if arrived:
        send(sending)
    step = REMOTE.find_step(job.work, operation, job.account)
    assert step is not None
    verdict = REMOTE.take_found(job.work, operation, send(step))
    assert (verdict is not None and bool(verdict.memo and verdict.memo["done"])) is arrived


def test_an_upload_that_the_vendor_forgot_is_made_again(vendor: VodStub) -> None:
    job = talk(vendor)
    job.step()
    vendor.uploads.clear()
    job.until(SUBMIT)
    assert job.sent().count(UPLOAD) == 2
