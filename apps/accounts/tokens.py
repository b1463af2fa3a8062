"""Tokens of invitations: derived from the server's secret and the invitation's id, kept as a digest only."""

from __future__ import annotations

import base64
import hashlib

from django.utils.crypto import salted_hmac


def token_of(public_id: str) -> str:
    """The secret part of an invitation's link (43 characters)."""
    mac = salted_hmac("kinoglot.invitation", public_id, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def digest_of(token: str) -> bytes:
    """What rows keep of a token."""
    return hashlib.sha256(token.encode()).digest()
