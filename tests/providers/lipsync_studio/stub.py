"""lipsync.studio on loopback: enforces what its page says of the three forms. How it refuses is told nowhere: 400 with `error`."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.providers.media import mp4
from tests.providers.stub import StubReply, StubRequest, StubVendor

KEY = "sk_a1b2c3d4_e5f6a7b8c9d0"
ROOT = "/api/v1"
FORMS: dict[str, tuple[str, ...]] = {
    "lipsync-video": ("video", "audio"),
    "lipsync-image": ("image", "audio"),
    "lipsync-image-multi": ("image", "left_audio", "right_audio"),
}
OPTIONAL = {"resolution", "mask_image", "prompt", "seed"}
LINK = re.compile(r"https?://[^\s]+$")


@dataclass
class StubJob:
    """One paid job: `form` as sent."""

    id: str
    model: str
    form: dict[str, Any]
    webhook: str = ""
    status: str = "processing"
    error: str = ""


@dataclass
class Ways:
    """What a test wants of the vendor."""

    refuse: tuple[int, str] = (0, "")
    """Every submit is answered with this status and error text."""
    finish: str = ""
    """Status of every job from now on."""
    error: str = "Invalid audio format"
    jobs: dict[str, StubJob] = field(default_factory=dict)


class LipsyncStudioStub(StubVendor):
    """Operations: submit, getJob."""

    name = "lipsync-studio"

    def __init__(self) -> None:
        super().__init__()
        self.ways = Ways()

    @property
    def jobs(self) -> dict[str, StubJob]:
        return self.ways.jobs

    def operation_of(self, request: StubRequest) -> str:
        if request.method == "GET" and request.path.startswith(f"{ROOT}/jobs/"):
            return "getJob"
        return "submit" if request.method == "POST" and request.path.removeprefix(f"{ROOT}/") in FORMS else "?"

    def handle(self, request: StubRequest) -> StubReply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return StubReply(401, {"error": "Invalid API key"})
        if request.operation == "submit":
            return self._submit(request)
        if request.operation == "getJob":
            return self._status(request)
        return StubReply(404, body=b"<h1>404</h1>", headers={"Content-Type": "text/html"})

    def body_of(self, job: StubJob) -> dict[str, Any]:
        """The job's document, and what the webhook carries."""
        done = job.status == "completed"
        return {
            "id": job.id,
            "model": "lipsync" if job.status == "processing" else job.model,
            "status": job.status,
            "output": self.publish("result.mp4", mp4(), "video/mp4") if done else None,
            "error": job.error,
            "executionTime": 12345 if done else None,
            "timings": None,
        }

    def _submit(self, request: StubRequest) -> StubReply:
        status, text = self.ways.refuse
        body = request.json()
        model = request.path.rpartition("/")[2]
        if not status and (wrong := check(model, body)):
            status, text = 400, wrong
        if status:
            return StubReply(status, {"error": text})
        job = StubJob(str(uuid.uuid4()), model, body["formState"], body.get("webhook", ""))
        self.jobs[job.id] = job
        return StubReply(200, {"id": job.id, "status": "processing"})

    def _status(self, request: StubRequest) -> StubReply:
        job = self.jobs.get(request.path.rpartition("/")[2])
        if job is None:
            return StubReply(404, {"error": "Job not found"})
        if request.fault == "unknown_status":
            return StubReply(200, self.body_of(job) | {"status": "daydreaming", "mood": 3})
        if self.ways.finish and job.status == "processing":
            job.status = self.ways.finish
            job.error = self.ways.error if job.status == "failed" else ""
        return StubReply(200, self.body_of(job))


def check(model: str, body: Any) -> str:
    """What the page forbids, "" when nothing."""
    if (
        not isinstance(body, dict)
        or not set(body) <= {"webhook", "formState"}
        or not isinstance(body.get("formState"), dict)
    ):
        return "formState is required"
    if "webhook" in body and not str(body["webhook"]).startswith("https://"):
        return "webhook must be an HTTPS URL"
    form = body["formState"]
    known = {*FORMS[model], *OPTIONAL, *(["order"] if model == "lipsync-image-multi" else [])}
    if not set(form) <= known:
        return f"unknown parameters {sorted(set(form) - known)}"
    for name in (*FORMS[model], *(["mask_image"] if "mask_image" in form else [])):
        if not isinstance(form.get(name), str) or not LINK.match(form[name]):
            return f"{name} must be a public URL"
    if form.get("resolution", "480p") not in ("480p", "720p"):
        return "resolution must be 480p or 720p"
    if form.get("order", "meanwhile") not in ("meanwhile", "left_right", "right_left"):
        return "order"
    if "seed" in form and not isinstance(form["seed"], int):
        return "seed must be an integer"
    return "" if isinstance(form.get("prompt", ""), str) else "prompt must be a text"
