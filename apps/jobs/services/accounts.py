"""Opening a provider account: its credentials unsealed, and the short-lived token that some vendors want, fetched and kept."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from django.conf import settings

from apps.core.http import OutboundError, OutboundPolicy, request
from apps.core.sealing import SealBroken, Sealer
from apps.jobs.models import ProviderAccount
from apps.providers.base import RemoteAdapter
from apps.providers.conversation import Account, AccountRefused, Unavailable, WireReply, WireRequest
from apps.providers.registry import PROVIDERS

LONGEST_TOKEN: Final = 86400.0
TOKEN_MARGIN: Final = 120.0
"""Seconds before its end from which on a token is not used any more: a slow upload must not outlive it."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: float
    """On the monotonic clock."""


_tokens: dict[bytes, _Token] = {}
_locks: dict[int, threading.Lock] = {}
_guard = threading.Lock()


def open_account(row: ProviderAccount) -> Account:
    """The account as adapters take it, with secrets in the clear: use it and let it go, never log or store it.

    May ask the vendor for a token (at most one request at a time for each account in this process), so never call it inside a
    transaction. Raises AccountRefused (also when the seal cannot be opened) or Unavailable.
    """
    ready = ready_account(row)
    if ready is not None:
        return ready
    account = plain_account(row)
    remote = adapter_of(row.provider)
    step = remote.token_step(account)
    assert step is not None, "an account without a token is ready"
    key = _fingerprint(row)
    with _lock_of(row.pk):
        token = _tokens.get(key)
        if token is None or token.until <= time.monotonic():
            text, seconds = remote.take_token(send(step.request, total_seconds=30.0))
            seconds = min(seconds, LONGEST_TOKEN)
            life = max(seconds - TOKEN_MARGIN, seconds / 2)
            token = _tokens[key] = _Token(text, time.monotonic() + life)
    return replace(account, token=token.text, now=time.time())


def ready_account(row: ProviderAccount) -> Account | None:
    """The same without asking anybody: None when a token has to be fetched first. Raises AccountRefused."""
    account = plain_account(row)
    if adapter_of(row.provider).token_step(account) is None:
        return account
    token = _tokens.get(_fingerprint(row))
    if token is None or token.until <= time.monotonic():
        return None
    return replace(account, token=token.text)


def plain_account(row: ProviderAccount) -> Account:
    """The account without a token: nothing is asked. Raises AccountRefused when the seal cannot be opened."""
    remote = adapter_of(row.provider)
    filled = {**row.values, **open_secrets(row)}
    values = {field.name: str(filled.get(field.name) or field.default) for field in remote.fields}
    endpoint = row.endpoint or remote.default_endpoint.replace("{region}", row.region)
    return Account(id=row.public_id, endpoint=endpoint.rstrip("/"), region=row.region, values=values, now=time.time())


def forget_token(row: ProviderAccount) -> None:
    """The next open asks the vendor for a new token (after a 401)."""
    with _lock_of(row.pk):
        _tokens.pop(_fingerprint(row), None)


def open_secrets(row: ProviderAccount) -> dict[str, str]:
    """The secret fields by name. Raises AccountRefused when none of the keys at hand opens the seal."""
    if not row.sealed:
        return {}
    try:
        return msgspec.json.decode(sealer().unseal(row.sealed), type=dict[str, str])
    except SealBroken:
        raise AccountRefused("Its credentials were sealed with a key that is not in SEALING_KEYS.") from None


def seal_secrets(secrets: dict[str, str]) -> str:
    """What is kept in `sealed`."""
    return sealer().seal(msgspec.json.encode(secrets).decode()) if secrets else ""


def sealer() -> Sealer:
    """The sealer over the keys of this installation."""
    return Sealer(settings.SEALING_KEYS)


def adapter_of(provider: str) -> RemoteAdapter:
    """The remote adapter of a provider. Raises LookupError for one that is not registered or not remote."""
    entry = PROVIDERS.get(provider)
    if entry is None or entry.remote is None:
        raise LookupError(f"{provider} is not a remote provider")
    return entry.remote


def takes_region(remote: RemoteAdapter) -> bool:
    """Whether the adapter does anything with an account's region: its address has a place for it, or it says `regional`."""
    return "{region}" in remote.default_endpoint or remote.regional


def policy(total_seconds: float = 60.0, **more: Any) -> OutboundPolicy:
    """What calls to vendors may do: the same guards as for any other host that someone else named."""
    return OutboundPolicy(
        allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED), total_seconds=total_seconds, max_redirects=0, **more
    )


def send(wanted: WireRequest, *, total_seconds: float = 60.0) -> WireReply:
    """One call through the outbound door, any status. Raises Unavailable when no answer came."""
    try:
        reply = request(
            wanted.method,
            wanted.url,
            policy=policy(total_seconds),
            headers=dict(wanted.headers),
            content=wanted.body or None,
        )
    except OutboundError as error:
        raise Unavailable(str(error)) from None
    return WireReply(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.content)


def _fingerprint(row: ProviderAccount) -> bytes:
    """Changes with anything that a token hangs on, so that changed credentials never meet an old token."""
    text = msgspec.json.encode([row.pk, row.endpoint, row.region, row.values, row.sealed], order="sorted")
    return hashlib.sha256(text).digest()


def _lock_of(pk: int) -> threading.Lock:
    with _guard:
        return _locks.setdefault(pk, threading.Lock())
