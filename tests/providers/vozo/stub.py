"""Vozo on loopback: enforces what its API reference says of a request, and bills points when a task is done."""

from __future__ import annotations

import itertools
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from apps.core import languages
from tests.providers.media import mp4, srt, wav
from tests.providers.stub import StubReply, StubRequest, StubVendor

KEY = "vz-test-0123456789abcdef"
TRANSLATE = "/v1/media/translate"
VIDEOS = "/v1/video_generation"
REUSABLE = "/v1/reusable_lipsync_model_video_generation"
ENUMS: dict[str, tuple[str, ...]] = {
    "media_type": ("video", "audio"),
    "export_type": ("auto", "video", "audio", "all"),
    "subtitle_usage_type": ("original", "final_translated"),
    "project_mode": ("none", "editable"),
    "voice_model": ("auto", "real", "native"),
    "subtitle_mode": ("replace", "add", "none"),
}
REQUIRED = ("media_type", "media_url", "source_language", "target_language", "export_type")
LINK = r"https?://[^\s]+$"
VIDEO_RULES = {
    "reference_file_url": LINK,
    "audio_url": LINK,
    "model": r"standard_v1$|precision_v1$",
    "reference_file_type": r"video$|image$",
}
REUSABLE_RULES = {"model_id": r"7001$", "audio_url": LINK}
"""Required fields of a lip-sync request, and what they look like; 7001 is the account's only reusable model."""
KNOWN = {
    *REQUIRED,
    *ENUMS,
    "subtitle_url",
    "ocr_text_box",
    "speaker_number",
    "user_prompt",
    "callback_url",
    "glossary_ids",
    "align_video",
}
MESSAGES = {
    5: "Invalid request parameters.", 7: "No permission to request.", 104: "Insufficient credits.",
    814: "Your account is not a member and is not allowed to call the API.", 1000: "Internal Server Error.",
    1301: "Callback Challenge failed.", 1302: "API key has been revoked.",
    1304: "API key has reached the maximum number of concurrent requests.", 1305: "Only business plan is allowed.",
    1502: "(LipSync) audio invalid", 1503: "Your account is not authorized to call the API.",
}  # fmt: skip


@dataclass
class StubTask:
    """One paid task: `request` as sent; `status` is what the next poll sees."""

    id: str
    request: dict[str, Any]
    status: str = "queuing"
    failure: tuple[str, str] = ("", "")


@dataclass
class Refused(Exception):
    """An error body."""

    code: int
    detail: str = ""


@dataclass
class Ways:
    """What a test wants of the vendor."""

    refuse: int = 0
    """Every create is answered with this code."""
    refuse_callbacks: bool = False
    """Our callback address fails the challenge."""
    finish: str = ""
    """Status of every task from now on."""
    failure: tuple[str, str] = ("10030", "Translation failed")
    points: int = 1000
    glossaries: set[str] = field(default_factory=lambda: {"9001", "9002", "9003", "9004"})


class VozoStub(StubVendor):
    """Operations: create, get; createVideo, createReusableVideo, getVideo."""

    name = "vozo"

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, StubTask] = {}
        self.ways = Ways()
        self._ids = itertools.count(700001)

    def operation_of(self, request: StubRequest) -> str:
        if request.path == TRANSLATE and request.method == "POST":
            return "create"
        if request.method == "POST" and request.path in (VIDEOS, REUSABLE):
            return "createVideo" if request.path == VIDEOS else "createReusableVideo"
        if request.path.startswith(f"{VIDEOS}/"):
            return "getVideo"
        return "get" if request.path.startswith(f"{TRANSLATE}/") else "?"

    def handle(self, request: StubRequest) -> StubReply:
        try:
            if request.headers.get("authorization") != f"Bearer {KEY}":
                raise Refused(7)
            if request.operation in ("create", "createVideo", "createReusableVideo"):
                return StubReply(200, {"task_id": self._create(request).id})
            if request.operation in ("get", "getVideo"):
                return StubReply(200, self._status(request))
            return StubReply(404, body=b"404 page not found", headers={"Content-Type": "text/plain"})
        except Refused as refusal:
            return error(refusal.code, refusal.detail)

    def refusal(self, status: int, request: StubRequest) -> StubReply:
        """A planned status: Vozo's codes where it has one of that meaning, with that status."""
        code = {401: 7, 403: 1503, 429: 1304, 400: 5}.get(status, 1000)
        reply = error(code, f"planned {status}")
        return StubReply(status, reply.json)

    def body_of(self, task: StubTask) -> dict[str, Any]:
        """The status answer, and what a callback carries."""
        body: dict[str, Any] = {"status": task.status}
        if "audio_url" in task.request:
            # No page documents err_code here; a number that a test wants all the same is told.
            if task.status == "failed" and task.failure[0]:
                body |= {"err_code": task.failure[0], "err_message": task.failure[1]}
            done = task.status == "done"
            return body | ({"video_url": self.publish("result.mp4", mp4(), "video/mp4")} if done else {})
        if task.status == "failed":
            body |= {"err_code": task.failure[0], "err_message": task.failure[1]}
        if task.status == "done":
            body["result"] = self._results(task)
        return body

    def _create(self, request: StubRequest) -> StubTask:
        if self.ways.refuse:
            raise Refused(self.ways.refuse)
        if request.headers.get("content-type") != "application/json":
            raise Refused(5, "content type")
        body = request.json()
        if request.operation != "create":
            check_video(body, REUSABLE_RULES if request.operation == "createReusableVideo" else VIDEO_RULES)
            return self._keep(body, "pending")
        check(body)
        if not set(body.get("glossary_ids", ())) <= self.ways.glossaries:
            raise Refused(5, "glossary_ids")
        return self._keep(body, "queuing")

    def _keep(self, body: dict[str, Any], status: str) -> StubTask:
        if body.get("callback_url") and self.ways.refuse_callbacks:
            raise Refused(1301)
        if self.ways.points <= 0:
            raise Refused(104)
        task = StubTask(str(next(self._ids)), body, status)
        self.tasks[task.id] = task
        return task

    def _status(self, request: StubRequest) -> dict[str, Any]:
        task = self.tasks.get(request.path.rpartition("/")[2])
        if task is None:
            raise Refused(5, "task_id")
        if request.fault == "unknown_status":
            return {"status": "pondering", "mood": 3}
        if self.ways.finish and task.status not in ("done", "failed"):
            task.status, task.failure = self.ways.finish, self.ways.failure
            if task.status == "done":
                self.ways.points -= 3
        return self.body_of(task)

    def _results(self, task: StubTask) -> dict[str, str]:
        export = task.request["export_type"]
        if export == "auto":
            export = task.request["media_type"]
        result = {"subtitle_url": self.publish("subtitle.srt", srt(), "application/x-subrip")}
        if export in ("video", "all"):
            result["video_url"] = self.publish("result.mp4", mp4(), "video/mp4")
        if export in ("audio", "all"):
            result["audio_url"] = self.publish("result.wav", wav(), "audio/wav")
        return result


def error(code: int, detail: str = "") -> StubReply:
    """Vozo's error body, HTTP 400."""
    message = f"{MESSAGES[code]} {detail}".strip()
    return StubReply(400, {"code": str(code), "message": message, "serverTs": str(int(time.time() * 1000))})


def check_video(body: Any, rules: dict[str, str]) -> None:
    """The rules of lip-sync requests. Raises Refused 5."""
    if not isinstance(body, dict) or not set(body) <= {*rules, "callback_url"}:
        raise Refused(5, "unknown fields")
    for name, rule in rules.items():
        if not isinstance(body.get(name), str) or not re.match(rule, body[name]):
            raise Refused(5, name)
    if "callback_url" in body and not re.match(LINK, body["callback_url"]):
        raise Refused(5, "callback_url")


def check(body: Any) -> None:
    """The rules of the reference. Raises Refused 5."""
    if not isinstance(body, dict) or not set(body) <= KNOWN:
        raise Refused(5, f"unknown fields {sorted(set(body) - KNOWN)}")
    for name in REQUIRED:
        if not isinstance(body.get(name), str) or not body[name]:
            raise Refused(5, name)
    for name, allowed in ENUMS.items():
        if name in body and body[name] not in allowed:
            raise Refused(5, name)
    for name in ("media_url", "subtitle_url", "callback_url"):
        if name in body and not re.match(r"https?://[^\s]+$", body[name]):
            raise Refused(5, name)
    if (
        body["source_language"] not in ("auto", *languages.sources())
        or body["target_language"] not in languages.targets()
    ):
        raise Refused(5, "language")
    if body["media_type"] == "audio" and (body["export_type"] in ("video", "all") or "ocr_text_box" in body):
        raise Refused(5, "export_type")
    if "subtitle_url" in body and "ocr_text_box" in body:
        raise Refused(5, "ocr_text_box")
    if "subtitle_usage_type" in body and "subtitle_url" not in body:
        raise Refused(5, "subtitle_usage_type")
    if "ocr_text_box" in body:
        box = body["ocr_text_box"]
        if set(box) != {"x", "y", "width", "height"} or not all(0 <= value <= 1 for value in box.values()):
            raise Refused(5, "ocr_text_box")
    if "speaker_number" in body:
        speakers = body["speaker_number"]
        if not set(speakers) <= {"min", "max"} or not all(2 <= value <= 34 for value in speakers.values()):
            raise Refused(5, "speaker_number")
        if speakers.get("min", 2) > speakers.get("max", 34):
            raise Refused(5, "speaker_number")
    if len(body.get("glossary_ids", ())) > 3:
        raise Refused(5, "glossary_ids")
    json.dumps(body)
