"""Idempotency-Key on every POST: the first answer is stored for 24 hours and given again (api.md)."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.accounts.actor import Actor
from apps.accounts.models import IdempotencyRecord
from apps.core import errors

HEADER: Final = "Idempotency-Key"
MAX_KEY: Final = 255
# No request of ours lives longer than this, so an answer still missing then belongs to a killed worker.
ABANDONED_SECONDS: Final = 120
RETRY_AFTER: Final = 1
# Not stored: what waiting, signing in or topping up can change, and every failure of ours.
NOT_STORED: Final = frozenset({401, 402, 408, 409, 423, 429})
# Headers of the first answer that belong to its meaning.
KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag", "Tus-Resumable", "Upload-Offset", "Upload-Expires")

_CLAIM: Final = """
INSERT INTO accounts_idempotencyrecord AS r (organization_id, key, fingerprint, headers, body)
VALUES (%s, %s, %s, '{}', '')
ON CONFLICT (organization_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, status = NULL, headers = '{}', body = '', created_at = clock_timestamp()
WHERE r.created_at < clock_timestamp() - interval '24 hours'
   OR (r.status IS NULL AND r.created_at < clock_timestamp() - %s * interval '1 second')
RETURNING r.id, r.created_at
"""
_CLEAN: Final = """
DELETE FROM accounts_idempotencyrecord WHERE id IN (
    SELECT id FROM accounts_idempotencyrecord WHERE created_at < clock_timestamp() - interval '24 hours' LIMIT 500
    FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer a key first; created_at tells this claim from one that took over after a crash."""

    record_id: int
    created_at: datetime


def key_of(request: HttpRequest) -> str:
    """The header's value, empty when not sent. Raises ApiError 5 when it is blank, too long or not printable ASCII."""
    key = request.headers.get(HEADER)
    if key is None:
        return ""
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable() or not key.strip():
        raise errors.invalid(HEADER, f"1 to {MAX_KEY} printable ASCII characters.")
    return key


def fingerprint(request: HttpRequest, body: bytes) -> bytes:
    """SHA-256 of what makes two requests the same: method, path with query, and body."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    digest.update(body)
    return digest.digest()


def claim(actor: Actor, key: str, print_: bytes) -> Claim | HttpResponse:
    """Claim the key, or return the stored answer.

    Raises ApiError 4090: the key was used for another request, or the first request is still in flight (Retry-After).
    """
    for _attempt in range(3):
        with connection.cursor() as cursor:
            if random.random() < 0.01:
                cursor.execute(_CLEAN)
            cursor.execute(_CLAIM, [actor.organization.pk, key, print_, ABANDONED_SECONDS])
            row = cursor.fetchone()
        if row is not None:
            return Claim(*row)
        record = IdempotencyRecord.objects.filter(organization=actor.organization, key=key).first()
        if record is not None:
            return _replay(record, print_)
    raise errors.conflict("A request with this Idempotency-Key is being answered.", retry_after=RETRY_AFTER)


def _replay(record: IdempotencyRecord, print_: bytes) -> HttpResponse:
    if bytes(record.fingerprint) != print_:
        raise errors.conflict("This Idempotency-Key was used for another request.")
    if record.status is None:
        raise errors.conflict("A request with this Idempotency-Key is being answered.", retry_after=RETRY_AFTER)
    response = HttpResponse(record.body, status=record.status, headers=record.headers)
    if "Content-Type" not in record.headers:
        del response["Content-Type"]
    response["Idempotency-Replayed"] = "true"
    return response


def settle(held: Claim, response: HttpResponseBase) -> bool:
    """Store the answer, or free the key when the answer is not final. False when another request took the key over."""
    mine = IdempotencyRecord.objects.filter(pk=held.record_id, created_at=held.created_at, status=None)
    if response.status_code >= 500 or response.status_code in NOT_STORED or not isinstance(response, HttpResponse):
        return bool(mine.delete()[0])
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    return bool(mine.update(status=response.status_code, headers=headers, body=response.content.decode()))


def release(held: Claim) -> None:
    """Free the key: nothing was done under it."""
    IdempotencyRecord.objects.filter(pk=held.record_id, created_at=held.created_at, status=None).delete()
