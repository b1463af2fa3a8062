"""Secrets: sealed at rest, rotated with an overlap in which both sign."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors, signatures
from apps.core.sealing import Sealer
from apps.events.log import record
from apps.webhooks.models import CallbackSecret, Endpoint

MANAGE: Final = "webhooks.manage"
OVERLAP: Final = timedelta(hours=24)
MAX_OVERLAP: Final = timedelta(days=7)


@lru_cache(maxsize=4096)
def _open(keys: tuple[str, ...], sealed: str) -> str:
    return Sealer(keys).unseal(sealed)


def seal(secret: str) -> str:
    """A secret as rows keep it."""
    return Sealer(settings.SEALING_KEYS).seal(secret)


def secrets_of(sealed: str, previous: str, previous_until: datetime | None) -> list[str]:
    """The secrets that sign now, newest first. Raises SealBroken."""
    keys = tuple(settings.SEALING_KEYS)
    both = previous and previous_until is not None and previous_until > clock.now()
    return [_open(keys, one) for one in ((sealed, previous) if both else (sealed,))]


def show_secret(*, actor: Actor, row: Endpoint | CallbackSecret) -> str:
    """The newest secret, for who may manage webhooks. Raises ApiError 1503."""
    require(actor, MANAGE)
    return secrets_of(row.sealed, "", None)[0]


@transaction.atomic
def rotate_secret(*, actor: Actor, row: Endpoint | CallbackSecret, overlap: timedelta = OVERLAP) -> str:
    """A new secret; the present one signs beside it for `overlap` (0 to 7 days). An older one signs no more.

    Raises ApiError 1503, or 5 for a bad overlap.
    """
    require(actor, MANAGE)
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise errors.invalid("overlap_seconds", _("The overlap is between 0 seconds and 7 days."))
    locked = type(row).objects.select_for_update().get(pk=row.pk)
    secret = signatures.new_secret()
    locked.sealed_previous = locked.sealed if overlap else ""
    locked.previous_until = clock.now() + overlap if overlap else None
    locked.sealed = seal(secret)
    locked.save(update_fields=["sealed", "sealed_previous", "previous_until"])
    row.sealed, row.sealed_previous, row.previous_until = locked.sealed, locked.sealed_previous, locked.previous_until
    record(
        type="webhook_secret.rotated",
        actor=actor,
        organization_id=row.organization_id,
        subject=row if isinstance(row, Endpoint) else ("organization", actor.organization.public_id),
        data={"overlap_seconds": int(overlap.total_seconds())},
    )
    return secret


def callback_secret(organization_id: int) -> CallbackSecret:
    """The row of an organization's callbacks, made when it is first needed."""
    found = CallbackSecret.objects.filter(organization_id=organization_id).first()
    if found is not None:
        return found
    made, _new = CallbackSecret.objects.get_or_create(
        organization_id=organization_id, defaults={"sealed": seal(signatures.new_secret())}
    )
    return made


def sign_callback(organization_id: int, identifier: str, body: bytes) -> dict[str, str]:
    """Headers for a challenge or a callback of this organization: what apps.jobs asks for (callbacks.sign_with)."""
    row = callback_secret(organization_id)
    return signatures.headers(secrets_of(row.sealed, row.sealed_previous, row.previous_until), identifier, body)
