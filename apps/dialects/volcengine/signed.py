"""Who signed a request: its signature, clock, replay memory and rights, in this order."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.http import HttpRequest

from apps.accounts.actor import Actor
from apps.accounts.services import (
    authenticate_key,
    release_signature,
    signed_key,
    signing_secret,
    use_signature,
)
from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects.auth import count
from apps.dialects.volcengine.errors import (
    EXPIRED,
    MISSING_INFO,
    MISSING_TOKEN,
    NO_KEY,
    NO_SERVICE,
    WRONG_SIGNATURE,
    Refusal,
)
from apps.providers.volcengine_sign import Claim, SignatureProblem, parse_authorization, verify

WINDOW: Final = 15 * 60
"""Seconds that X-Date may be off, either way."""
SAME_READ: Final = 60
"""Seconds in which a request that only reads may come again with the same signature.

X-Date counts whole seconds: two polls of the older SDK within one have the same signature, and so has what a proxy or a
transport sends again. What changes something is taken once: the newer SDK signs each of its attempts anew.
"""
_UNSIGNED: Final = frozenset({"X-Signature", "X-Security-Token"})


@dataclass(frozen=True, slots=True)
class Caller:
    """A request whose signature holds. `invocation` is the same over all attempts of one SDK call ("" without one)."""

    actor: Actor
    claim: Claim
    invocation: str = ""

    def release(self) -> None:
        """Nothing was done and the client was asked to try again: the signature counts as unused."""
        release_signature(access_key_id=self.claim.access_key, signature=self.claim.signature)


def authenticate(request: HttpRequest, *, service: str, permission: str, reads: bool) -> Caller:
    """The caller, allowed to do `permission` and counted against the key's requests a minute.

    Raises Refusal (no signature, clock, unknown key, wrong signature, replay) or ApiError 7, 1302, 814, 1503, 1305, 4290.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.META.get("QUERY_STRING", "")
    try:
        claim = parse_authorization(headers, query)
        _check_clock(claim)
        if claim.service != service:
            raise Refusal(NO_SERVICE, claim.service)
        secret = signing_secret(claim.access_key)
        if secret is None:
            raise Refusal(NO_KEY, claim.access_key[:64])
        good = verify(
            claim,
            secret,
            method=request.method or "",
            path=request.path,
            query=query,
            headers=headers,
            body=request.body,
        )
    except SignatureProblem as problem:
        raise _refusal(problem) from None
    if not good or not _covers(claim, request):
        raise Refusal(WRONG_SIGNATURE)
    request.volcengine_region = claim.region  # type: ignore[attr-defined]  # repeated in ResponseMetadata
    try:
        actor = authenticate_key(
            signed_key(claim.access_key, secret), permission=permission, request_id=getattr(request, "request_id", "")
        )
    except ApiError as error:
        if error.code in (errors.UNAUTHENTICATED, errors.KEY_REVOKED):
            raise Refusal(NO_KEY, claim.access_key) from None
        raise
    count(request, actor)
    _check_replay(claim, reads)
    invocation = headers.get("x-sdk-invocation-id", "") if "x-sdk-invocation-id" in claim.signed_headers else ""
    return Caller(actor, claim, invocation[:64])


def _check_clock(claim: Claim) -> None:
    if abs(time.time() - claim.moment) > WINDOW:
        raise Refusal(EXPIRED)


def _covers(claim: Claim, request: HttpRequest) -> bool:
    """A presigned URL signs only the parameters that it lists, and no body: nothing else may ride along."""
    if claim.signed_queries is None:
        return True
    listed = set(claim.signed_queries) | _UNSIGNED
    return set(request.GET) <= listed and (claim.body_signed or not request.body)


def _check_replay(claim: Claim, reads: bool) -> None:
    """A signature is the nonce of a scheme that has none: over all processes it is good once within its clock window."""
    end = datetime.fromtimestamp(claim.moment + WINDOW + 1, UTC)
    age = use_signature(access_key_id=claim.access_key, signature=claim.signature, expires_at=end)
    if age is not None and not (reads and age <= SAME_READ):
        raise Refusal(EXPIRED, detail="The Signature of the request is expired: it was used before.")


def _refusal(problem: SignatureProblem) -> Refusal:
    if problem.reason == "missing":
        return Refusal(MISSING_TOKEN)
    if problem.reason == "bad_date":
        return Refusal(MISSING_INFO, detail=f"The request is missing X-Date information. {problem}")
    return Refusal(WRONG_SIGNATURE, detail=f"{WRONG_SIGNATURE.message} {problem}")
