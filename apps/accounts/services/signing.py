"""Keys whose programs sign their requests (Volcengine's way): the secret to check with, and signatures that were used already."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection

from apps.accounts import keys
from apps.accounts.keys import ParsedKey
from apps.accounts.models import ApiKey, UsedSignature
from apps.core import clock
from apps.core.sealing import SealBroken, Sealer

_ACCESS_KEY: Final = re.compile(r"sk_([0-9a-z]{8})")
BATCH: Final = 500
# One statement: the signature is noted, or the moment of its first use comes back; two that are over are taken away on the way.
_USE: Final = """
WITH gone AS (
    DELETE FROM accounts_usedsignature WHERE digest IN (
        SELECT digest FROM accounts_usedsignature WHERE expires_at < now() ORDER BY expires_at LIMIT 2 FOR UPDATE SKIP LOCKED)
), noted AS (
    INSERT INTO accounts_usedsignature (digest, expires_at) VALUES (%(digest)s, %(expires)s)
    ON CONFLICT (digest) DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM noted),
       (SELECT extract(epoch FROM clock_timestamp() - first_at)::float8 FROM accounts_usedsignature WHERE digest = %(digest)s)
"""
log = structlog.get_logger(__name__)


def signing_secret(access_key_id: str) -> str | None:
    """The SecretAccessKey of `sk_<id>`; None when there is no such key, it does not sign, or it is over.

    Whether the key may do what it asks is not looked at: ask authenticate_key once the signature holds.
    """
    match = _ACCESS_KEY.fullmatch(access_key_id)
    if match is None:
        return None
    row = ApiKey.objects.filter(key_id=match[1], volcengine=True, revoked_at=None).only("sealed_secret").first()
    if row is None or not row.sealed_secret:
        return None
    try:
        return Sealer(settings.SEALING_KEYS).unseal(row.sealed_secret)
    except SealBroken:
        log.error("the secret of a key cannot be opened: was a sealing key taken away before reseal?", key=match[1])
        return None


def signed_key(access_key_id: str, secret: str) -> ParsedKey:
    """The key behind a verified signature, as if it had been sent whole."""
    key_id = access_key_id.removeprefix("sk_")
    return ParsedKey(key_id, keys.digest(key_id, secret))


def use_signature(*, access_key_id: str, signature: str, expires_at: datetime) -> float | None:
    """Notes a verified signature over all processes. None: used for the first time; else seconds since its first use.

    `expires_at` is the end of its clock window; afterwards nobody needs to remember it.
    """
    given: Any = {"digest": _digest(access_key_id, signature), "expires": expires_at}
    with connection.cursor() as cursor:
        cursor.execute(_USE, given)
        first, age = cursor.fetchone()
    # Noted by another transaction between our two looks: its moment is not visible yet, so it is hardly any time ago.
    return None if first else float(age or 0.0)


def release_signature(*, access_key_id: str, signature: str) -> None:
    """Makes a signature as good as unused: the request was not carried out, and its sender was asked to try again."""
    UsedSignature.objects.filter(digest=_digest(access_key_id, signature)).delete()


def sweep_signing() -> int:
    """What the reconciler does for signing keys: secrets of expired keys are wiped, signatures past their window forgotten."""
    due = UsedSignature.objects.filter(expires_at__lt=clock.now())
    return forget_secrets() + due.delete()[0]


def _digest(access_key_id: str, signature: str) -> bytes:
    return hashlib.sha256(f"{access_key_id}\n{signature}".encode()).digest()


def forget_secrets() -> int:
    """Wipes the secrets of keys that have expired; returns how many. A revoked key's is wiped with the revocation."""
    due = ApiKey.objects.filter(expires_at__lte=clock.now()).exclude(sealed_secret="").values("pk")[:BATCH]
    return ApiKey.objects.filter(pk__in=due, expires_at__lte=clock.now()).update(sealed_secret="")
