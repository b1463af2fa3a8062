"""Volcengine VOD's event notifications: authenticated as docs/4/116752 says, read as docs/4/1584289 says.

One address for each account, entered in the console with a key. X-VOD-SIGNATURE is the MD5 of "url|X-VOD-TIMESTAMP|key|base64(body)".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from apps.providers import volcengine_call as vc
from apps.providers.conversation import Forged
from apps.providers.volcengine_vod import wire

WINDOW_SECONDS: Final = 15 * 60
"""How far X-VOD-TIMESTAMP may be from our clock; the vendor leaves it to the receiver."""


def signature(url: str, timestamp: str, key: str, body: bytes) -> str:
    """What X-VOD-SIGNATURE must be."""
    content = f"{url}|{timestamp}|{key}|{base64.b64encode(body).decode()}"
    return hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()


def verify(key: str, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raises Forged. Without a key on the account nothing is signed: only the address is secret, and the event is but a hint to poll."""
    if not isinstance(_event(body), dict):
        raise Forged("not an event of Volcengine VOD")
    if not key:
        return
    timestamp, given = headers.get(wire.TIMESTAMP_HEADER, ""), headers.get(wire.SIGNATURE_HEADER, "")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise Forged("X-VOD-TIMESTAMP is missing or no number")
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise Forged("X-VOD-TIMESTAMP is too far from our clock")
    if not hmac.compare_digest(signature(url, timestamp, key, body).encode(), given.strip().lower().encode()):
        raise Forged("X-VOD-SIGNATURE does not hold")


def key_of(body: bytes) -> str:
    """The vendor's RequestId of an event: a delivery that is repeated keeps it."""
    return vc.text(_event(body), "RequestId")[:100]


def project_of(body: bytes) -> str:
    """The ProjectId that an event is about; "" for other events."""
    event = _event(body)
    return vc.text(event, "Data", "ProjectId") if vc.text(event, "EventType") == wire.EVENT else ""


def _event(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
