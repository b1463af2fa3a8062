"""Reads lipsync.studio's answers: the job in a good one, or what its refusal means for us; and a job's status in our words."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from apps.core import errors
from apps.core.errors import JobError
from apps.providers.conversation import AccountRefused, Output, Throttled, Unavailable, Verdict, WireReply
from apps.providers.lipsync_studio import wire

_FORMATS: Final = ("mp4", "mov", "webm")
_OUR_SIDE: Final = "lipsync.studio could not do the work, for a reason on our side."


def read(reply: WireReply) -> wire.Job:
    """The job that an answer tells of.

    Raises Throttled (429), AccountRefused (401, 402, 403, and texts about key or credits), JobError (any other refusal of the
    order) and Unavailable (5xx, or an answer that cannot be read).
    """
    try:
        body: Any = msgspec.json.decode(reply.body) if reply.body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if not 200 <= reply.status < 300:
        raise _meaning(reply, wire.error_text(body) if isinstance(body, dict) else "")
    try:
        job = msgspec.convert(body, wire.Job)
    except msgspec.ValidationError as error:
        raise Unavailable(f"lipsync.studio's answer cannot be read: {error}") from None
    if not job.id:
        raise Unavailable("lipsync.studio's answer names no job")
    return job


def verdict(job: wire.Job) -> Verdict:
    """Where the job stands; `unknown` for words that the page does not name, and for `completed` without a link."""
    if job.status == wire.PROCESSING:
        return Verdict("working", stage="lipsync")
    if job.status == wire.FAILED:
        code, reason = failure(job.error or "")
        return Verdict("failed", error_code=code, error=reason)
    if job.status == wire.CANCELED:
        return Verdict("canceled")
    if job.status == wire.COMPLETED and job.output:
        output = Output("video", _format(job.output), job.output, main=True)
        return Verdict("succeeded", fraction=1.0, outputs=(output,))
    return Verdict("unknown", error=f"lipsync.studio's status is {job.status[:40]!r}")


def failure(text: str) -> tuple[int, str]:
    """Our job code and a reason; one about our account is not told."""
    said = text.strip()[:500]
    if wire.is_our_trouble(said) or wire.is_busy(said):
        return errors.PROVIDER_FAILED, _OUR_SIDE
    code = wire.job_code(said)
    if code == errors.PROVIDER_FAILED:
        return code, f"lipsync.studio failed: {said or 'no reason given'}"
    return code, said


def _meaning(reply: WireReply, text: str) -> Exception:
    said = f"lipsync.studio answers HTTP {reply.status}{f': {text}' if text else ''}"
    if reply.status == 429 or (reply.status < 500 and wire.is_busy(text)):
        return Throttled(said, _retry_after(reply))
    if reply.status >= 500 or reply.status < 400:
        return Unavailable(said)
    if reply.status in (401, 402, 403) or wire.is_our_trouble(text):
        return AccountRefused(said)
    if not text:
        # A 404 page and the like: no answer of the service, but of something before it (a wrong endpoint).
        return Unavailable(said)
    return JobError(wire.job_code(text), f"lipsync.studio refused the order: {text}")


def _format(url: str) -> str:
    """By the link's own name; mp4 when it says nothing."""
    suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower().removeprefix(".")
    return suffix if suffix in _FORMATS else "mp4"


def _retry_after(reply: WireReply) -> float | None:
    try:
        return max(0.0, float(reply.headers.get("retry-after", "")))
    except ValueError:
        return None
