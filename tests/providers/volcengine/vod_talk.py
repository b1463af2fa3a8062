"""Conversations with the stub of Volcengine VOD, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from apps.engine.transcript import Transcript
from apps.providers.volcengine_vod.provider import VENDOR
from tests.providers.volcengine.talk import Talk, order
from tests.providers.volcengine.vod_stub import VALUES, VodStub

REMOTE = VENDOR.remote
SUBMIT, GET, UPLOAD = "SubmitAITranslationWorkflow", "GetAITranslationProject", "UploadMediaByUrl"
UPDATE, CONTINUE, REFRESH = (
    "UpdateAITranslationUtterances",
    "ContinueAITranslationWorkflow",
    "RefreshAITranslationProject",
)
GIVEN = "https://cdn.example.com/video.mp4#vod="


def talk(vendor: VodStub, *, values: dict[str, str] | None = None, **fields: Any) -> Talk:
    steps = fields.pop("steps", ["subtitles", "voice"])
    parts = {
        name: fields.pop(name) for name in list(fields) if name in ("iteration", "earlier", "glossaries", "transcript")
    }
    made = Talk(REMOTE, vendor, {**VALUES, **(values or {})}, asked=order(steps=steps, **fields), **parts)
    if fields.get("subtitle"):
        made.work = replace(made.work, subtitle_url="https://portal.example.com/files/token/given.vtt")
    return made


def edited(transcript: Transcript, **texts: str) -> Transcript:
    document = msgspec.convert(msgspec.to_builtins(transcript), Transcript)
    for line in document.lines:
        line.target = texts.get(line.id, line.target)
    return document


def finished(vendor: VodStub, **fields: Any) -> tuple[Talk, Transcript]:
    vendor.outcome = "ready"
    job = talk(vendor, **fields)
    end = job.to_the_end()
    assert end.transcript is not None
    return job, end.transcript
