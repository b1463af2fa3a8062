"""The spelling and the digest of API keys: `sk_<8 character id>_<secret>`."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from apps.core import errors
from apps.core.ids import ALPHABET

KEY_ID_LENGTH: Final = 8
_KEY: Final = re.compile(r"sk_([0-9a-z]{8})_([A-Za-z0-9_-]{20,128})")
_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key as sent, its secret already turned into the digest that rows hold (32 bytes)."""

    key_id: str
    digest: bytes


def digest(key_id: str, secret: str) -> bytes:
    """HMAC-SHA-256 of id and secret under settings.API_KEY_PEPPER: secrets have 256 random bits, a slow hash adds nothing."""
    pepper = settings.API_KEY_PEPPER.encode()
    return hmac.digest(pepper, f"{key_id}.{secret}".encode(), hashlib.sha256)


def make() -> tuple[str, str, bytes]:
    """A new key: its id, the whole text to show once, and the digest to keep."""
    key_id = "".join(secrets.choice(ALPHABET) for _ in range(KEY_ID_LENGTH))
    secret = secrets.token_urlsafe(32)
    return key_id, f"sk_{key_id}_{secret}", digest(key_id, secret)


def parse_key(text: str) -> ParsedKey:
    """Read `sk_<id>_<secret>`. Raises ApiError 7 when it is not spelled like a key."""
    match = _KEY.fullmatch(text)
    if match is None:
        raise errors.ApiError(errors.UNAUTHENTICATED, headers={"WWW-Authenticate": 'Bearer realm="Kinoglot"'})
    return ParsedKey(match[1], digest(match[1], match[2]))


def access_pair(text: str) -> tuple[str, str]:
    """The key `sk_<id>_<secret>` as Volcengine's clients take it: AccessKeyId `sk_<id>` and SecretAccessKey `<secret>`."""
    match = _KEY.fullmatch(text)
    assert match is not None, "only given keys that we made"
    return f"sk_{match[1]}", match[2]


def parse_bearer(header: str) -> ParsedKey:
    """Read the value of an Authorization header. Raises ApiError 7 for anything but `Bearer sk_...`."""
    match = _BEARER.fullmatch(header)
    return parse_key(match[1] if match else "")
