"""What Azure answers when something is wrong, as our exceptions: HTTP statuses, error bodies, and failure reasons in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from apps.core import errors
from apps.core.errors import JobError
from apps.providers.conversation import AccountRefused, Throttled, Unavailable, WireReply

MAX_WORDS: Final = 500

# Words of an error code, target or reason -> job code; the first that is found decides. The service documents no list of its
# reasons: what none of these knows is 10908 with the service's own words.
_REASONS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"webvtt|subtitle file", 10034),
        (r"lip\W?sync", errors.PROVIDER_FAILED),
        (r"lexicon", errors.PROVIDER_FAILED),
        (r"personal ?voice|consent", 10040),
        (r"no recogni[sz]ed speech|speech could not be recogni", 10041),
        (r"no speech|speech (was )?not (found|detected)|silen(t|ce)", errors.NO_SPEECH),
        (r"no audio|audio (stream|track) (is )?(missing|not found)|without audio", errors.NO_AUDIO),
        (r"no video|video (stream|track) (is )?(missing|not found)", errors.NO_VIDEO),
        (
            r"too (long|large|big)|exceed\w* .{0,40}(size|duration|length|limit)|maximum (file )?(size|duration)",
            errors.LIMITS,
        ),
        (r"locale|language", errors.PAIR_UNAVAILABLE),
        (r"unsupported .{0,40}(format|codec|file)|(format|codec) .{0,40}not supported|file ?type", errors.TYPE_REFUSED),
        (r"corrupt|damaged|(invalid|unreadable) (video|audio|media)", errors.DAMAGED),
        (r"download|(file|blob|media)\w* ?ur[li]|access(ible)? .{0,40}(file|blob|ur[li])|blob", errors.FETCH_FAILED),
        (r"timed? ?out", errors.TIMED_OUT),
        (r"recogni|transcri", 10020),
        (r"diari[sz]", 10021),
    )
)


def job_error(reason: str) -> JobError:
    """The numbered error for a failure in words."""
    words = " ".join(reason.split())[:MAX_WORDS]
    for pattern, code in _REASONS:
        if pattern.search(words):
            return JobError(code, words)
    return JobError(errors.PROVIDER_FAILED, words or "the service gave no reason")


def read(reply: WireReply) -> dict[str, Any]:
    """The document of a 2xx. Raises Unavailable for one that is no JSON object, and what `refuse` raises for any other status."""
    if not 200 <= reply.status < 300:
        refuse(reply)
    try:
        document = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unavailable(f"Azure answered {reply.status} with something that is no JSON") from None
    if not isinstance(document, dict):
        raise Unavailable(f"Azure answered {reply.status} with JSON that is no object")
    return document


def refuse(reply: WireReply) -> None:
    """Raises what a status that is no 2xx means: Throttled, AccountRefused, Unavailable, or JobError for a refused order."""
    words = described(reply)
    if reply.status == 429:
        raise Throttled(words, retry_after(reply.headers))
    if reply.status in (401, 402, 403):
        raise AccountRefused(words)
    if reply.status == 408 or reply.status >= 500 or reply.status < 400:
        raise Unavailable(words)
    raise job_error(words)


def described(reply: WireReply) -> str:
    """The error body in a sentence: code, target, message and the messages of its details."""
    error = _error(reply.body)
    code = _text(error.get("code")) or reply.headers.get("x-ms-error-code", "") or f"status {reply.status}"
    details = error.get("details")
    told = [_text(error.get("message"))]
    told += [
        f"{_text(detail.get('target'))} {_text(detail.get('message'))}".strip()
        for detail in (details if isinstance(details, list) else [])
        if isinstance(detail, dict)
    ]
    inner = error.get("innererror")
    if isinstance(inner, dict) and _text(inner.get("code")):
        told.append(_text(inner.get("code")))
    target = _text(error.get("target"))
    words = "; ".join(part for part in told if part)
    return f"Azure: {code}{f' ({target})' if target else ''}{f': {words}' if words else ''}"[:MAX_WORDS]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of retry-after-ms or Retry-After (seconds or a date); None when neither can be read."""
    if (exact := _number(headers.get("retry-after-ms", ""))) is not None:
        return exact / 1000
    text = headers.get("retry-after", "")
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 86_400 else None


def _error(body: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
