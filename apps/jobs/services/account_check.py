"""The test button of a provider account: one real, harmless call, and what came back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors
from apps.core.errors import JobError
from apps.events import log
from apps.jobs.models import ProviderAccount
from apps.jobs.services import accounts
from apps.jobs.services.account_changes import Staff
from apps.providers.conversation import AccountRefused, Throttled, Unavailable, WireReply

SHOWN: int = 4000
"""Bytes of the vendor's answer that staff see."""


@dataclass(frozen=True, slots=True)
class Checked:
    """`said` is a sentence; `status`, `seconds` and `body` are of the vendor's answer (status 0: none came)."""

    ok: bool
    said: str
    operation: str = ""
    status: int = 0
    seconds: float = 0.0
    body: str = ""


def check_account(*, actor: Actor | Staff, account: ProviderAccount) -> Checked:
    """Asks the vendor. A good answer closes the breaker; a bad one is kept as the last trouble and opens nothing.

    `body` is filled in for staff only: it is what a host of the organization's own choosing answers. Raises ApiError 1503 or 404.
    """
    if isinstance(actor, Actor):
        require(actor, "org.manage")
    organization = actor.organization if isinstance(actor, Actor) else None
    row = ProviderAccount.objects.filter(pk=account.pk, organization=organization).first()
    if row is None:
        raise errors.not_found("provider account")
    checked = _ask(row, show=isinstance(actor, Staff) or actor.kind == "staff")
    values: dict[str, object] = {"tested_at": clock.now()}
    if checked.ok:
        values |= {"failures": 0, "open_until": None, "last_error": "", "last_ok_at": clock.now()}
    else:
        values["last_error"] = f"test: {checked.said}"[:1000]
    with transaction.atomic():
        if ProviderAccount.objects.filter(pk=row.pk).update(**values):
            data = {"provider": row.provider, "name": row.name, "ok": checked.ok, "said": checked.said[:500]}
            log.record(
                type="provider_account.tested",
                actor=actor,
                organization_id=row.organization_id,
                subject=row,
                data=data,
            )
    return checked


def _ask(row: ProviderAccount, *, show: bool) -> Checked:
    remote = accounts.adapter_of(row.provider)
    began = time.monotonic()
    operation, reply = "", WireReply(0, {}, b"")
    try:
        opened = accounts.open_account(row)
        step = remote.test_step(opened)
        operation = step.operation
        reply = accounts.send(step.request, total_seconds=30.0)
        ok, said = True, remote.take_test(reply)
    except (AccountRefused, Unavailable, Throttled) as error:
        ok, said = False, str(error)
    except JobError as error:
        ok, said = False, error.reason
    if reply.status in (401, 403):
        accounts.forget_token(row)
    body = ""
    if show and reply.status:
        body = _without_secrets(reply.body[:SHOWN].decode("utf-8", "replace"), row)
    return Checked(ok, said, operation, reply.status, round(time.monotonic() - began, 3), body)


def _without_secrets(text: str, row: ProviderAccount) -> str:
    try:
        secrets = accounts.open_secrets(row).values()
    except AccountRefused:
        return text
    for secret in secrets:
        if len(secret) >= 6:
            text = text.replace(secret, "…")
    return text
