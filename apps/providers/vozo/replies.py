"""Reads Vozo's answers: the document of a good one, or what its refusal means for us."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from apps.core import errors
from apps.core.errors import JobError
from apps.providers.conversation import AccountRefused, Throttled, Unavailable, WireReply
from apps.providers.vozo import wire

T = TypeVar("T", bound=msgspec.Struct)
_GOOD_CODES: Final = ("", "0", "200")
_LONGEST_REASON: Final = 300


class CallbackRefused(Exception):
    """Code 1301: nothing was made, because our callback address did not pass Vozo's challenge."""


def read(reply: WireReply, shape: type[T]) -> T:
    """The answer's document.

    Raises Throttled (429, 1304), AccountRefused (401, 403 and the codes about whoever calls), CallbackRefused (1301), JobError
    (5 and any other refusal of the order) and Unavailable (5xx, 1000, or an answer that cannot be read).
    """
    body = _document(reply)
    code, message = _refusal(body)
    if code or not 200 <= reply.status < 300:
        raise _meaning(reply, code, message)
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        raise Unavailable(f"Vozo's answer cannot be read: {error}") from None


def _document(reply: WireReply) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(reply.body) if reply.body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def _refusal(body: dict[str, Any]) -> tuple[str, str]:
    """(code, message) of an error body, whatever its HTTP status; ("", "") for any other document."""
    code = body.get("code")
    text = "" if code is None or isinstance(code, bool) else str(code).strip()
    message = body.get("message")
    return ("" if text in _GOOD_CODES else text[:20]), str(message or "")[:_LONGEST_REASON]


def _meaning(reply: WireReply, code: str, message: str) -> Exception:
    number = int(code) if code.isascii() and code.isdigit() else 0
    said = f"{code or f'HTTP {reply.status}'}: {message or 'no reason given'}"
    if number == wire.CALLBACK_REFUSED:
        return CallbackRefused(said)
    if number == wire.CONCURRENCY or (not number and reply.status == 429):
        return Throttled(f"Vozo answers {said}", _retry_after(reply))
    if wire.is_our_trouble(number) or (not number and reply.status in (401, 403)):
        return AccountRefused(f"Vozo answers {said}")
    if number == wire.SERVER_ERROR or reply.status >= 500 or not (number or 400 <= reply.status < 500):
        return Unavailable(f"Vozo answers {said}")
    if not code and not message:
        # A 404 page and the like: no answer of the service, but of something before it (a wrong endpoint).
        return Unavailable(f"Vozo answers {said}")
    if number == wire.LIPSYNC_AUDIO:
        return JobError(errors.DAMAGED, f"Vozo cannot use the audio ({said})")
    return JobError(errors.PROVIDER_FAILED, f"Vozo refused the order ({said})")


def _retry_after(reply: WireReply) -> float | None:
    try:
        return max(0.0, float(reply.headers.get("retry-after", "")))
    except ValueError:
        return None
