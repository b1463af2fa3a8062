"""Callback URLs: the challenge that proves one (code 1301). What is posted to them later is apps.webhooks' work."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec
from django.conf import settings
from django.utils.translation import gettext as _

from apps.core import clock, errors
from apps.core.http import OutboundError, OutboundPolicy, request
from apps.jobs.models import CallbackProof

CHALLENGE_SECONDS: Final = 5.0
# A web thread waits for each answer: hosts that never answer must not take them all, nor one customer those of the others.
AT_ONCE: Final = 4
AT_ONCE_EACH: Final = 2
# (organization's row id, message id, body) -> the Standard Webhooks headers.
Signer = Callable[[int, str, bytes], dict[str, str]]
_signer: Signer | None = None
_asking: Counter[int] = Counter()
_asking_lock = threading.Lock()


def url_digest(url: str) -> bytes:
    """SHA-256 of a callback URL: the key of its proof."""
    return hashlib.sha256(url.encode()).digest()


def sign_with(signer: Signer) -> None:
    """Who signs: apps.webhooks, which sits above and keeps the organizations' secrets; called once, when it gets ready."""
    global _signer
    _signer = signer


def prove(*, organization_id: int, url: str) -> None:
    """Challenges a callback URL and remembers its success; never call it inside a transaction.

    Raises ApiError 1301 unless it answers with status 200 and the challenge, as JSON or plain text, within 5 s, and 4290 while
    too many others are waited for.
    """
    with _asking_lock:
        if _asking.total() >= AT_ONCE or _asking[organization_id] >= AT_ONCE_EACH:
            raise errors.rate(
                round(CHALLENGE_SECONDS), _("Other callback addresses are being checked. Try again in a moment.")
            )
        _asking[organization_id] += 1
    try:
        _challenge(organization_id, url)
    finally:
        with _asking_lock:
            _asking[organization_id] -= 1
            if not _asking[organization_id]:
                del _asking[organization_id]


def _challenge(organization_id: int, url: str) -> None:
    challenge = secrets.token_urlsafe(24)
    body = msgspec.json.encode({"type": "callback.challenge", "challenge": challenge})
    policy = OutboundPolicy(
        allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED),
        max_redirects=0,
        total_seconds=CHALLENGE_SECONDS,
        connect_seconds=CHALLENGE_SECONDS,
        read_seconds=CHALLENGE_SECONDS,
        max_reply_bytes=4096,
    )
    assert _signer is not None, "apps.webhooks is not ready"
    identifier = f"chl_{secrets.token_hex(8)}"
    headers = {"content-type": "application/json"} | _signer(organization_id, identifier, body)
    try:
        reply = request("POST", url, policy=policy, headers=headers, content=body)
    except OutboundError as error:
        raise _refused(str(error)) from None
    if reply.status != 200:
        raise _refused(_("It answered with status %(status)s.") % {"status": reply.status})
    if not _echoes(reply.content, challenge):
        raise _refused(_("It did not send the challenge back."))
    CallbackProof.objects.update_or_create(
        organization_id=organization_id,
        url_digest=url_digest(url),
        defaults={"url": url, "proved_at": clock.now()},
    )


def _echoes(content: bytes, challenge: str) -> bool:
    if content.strip() == challenge.encode():
        return True
    try:
        answer = msgspec.json.decode(content)
    except msgspec.MsgspecError:
        return False
    if isinstance(answer, str):
        return answer == challenge
    return isinstance(answer, dict) and answer.get("challenge") == challenge


def _refused(reason: str) -> errors.ApiError:
    return errors.ApiError(errors.CALLBACK_CHALLENGE, reason, errors={"callback_url": [reason]})
