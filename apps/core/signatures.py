"""Standard Webhooks (https://www.standardwebhooks.com): secrets `whsec_…` and the three headers that sign what we post."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

PREFIX: Final = "whsec_"
ID_HEADER: Final = "webhook-id"
TIME_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
_BYTES: Final = 32


def new_secret() -> str:
    """A new secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode("ascii")


@lru_cache(maxsize=4096)
def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX))


def sign(secrets_: Sequence[str], identifier: str, moment: int, body: bytes) -> str:
    """Value of webhook-signature: one `v1,<base64 of HMAC-SHA-256>` for each secret, newest first, separated by spaces.

    What is signed is `<id>.<unix seconds>.<body>`. Raises ValueError for a secret that is not base64.
    """
    content = f"{identifier}.{moment}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(_key(secret), content, hashlib.sha256)).decode("ascii")
        for secret in secrets_
    )


def headers(secrets_: Sequence[str], identifier: str, body: bytes, *, moment: int | None = None) -> dict[str, str]:
    """The three headers of one attempt; moment: unix seconds, now by default."""
    moment = int(time.time()) if moment is None else moment
    return {
        ID_HEADER: identifier,
        TIME_HEADER: str(moment),
        SIGNATURE_HEADER: sign(secrets_, identifier, moment, body),
    }
