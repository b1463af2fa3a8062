"""Ending and resizing holds. They are placed by the database function place_hold (sql/wallets.sql), at admission."""

from __future__ import annotations

import logging

from django.db import transaction

from apps.accounts.actor import Actor
from apps.core import clock
from apps.events.log import record
from apps.plans.models import Hold, LedgerEntry
from apps.plans.services.ledger import lock_hold, post, written

logger = logging.getLogger(__name__)


@transaction.atomic
def capture_hold(*, hold: Hold, amount: int, business_key: str | None = None, actor: Actor | None = None) -> int:
    """Charge for finished work and give the rest back; return what this hold has charged in all (milli-credits).

    Never more than the hold: a larger amount is cut to it. A hold that already ended keeps its end, whichever it was, so that
    a repeated call changes nothing and a late one charges nothing. Raises ValueError for a negative amount.
    """
    if amount < 0:
        raise ValueError("a charge is zero or more")
    wallet, hold = lock_hold(hold)
    if hold.status != Hold.Status.PLACED:
        if hold.status != Hold.Status.CAPTURED:
            logger.warning("capture of an ended hold", extra={"hold": hold.public_id, "status": hold.status})
        return hold.captured
    charge = min(amount, hold.amount)
    key = business_key or f"capture:{hold.job_public_id}:{hold.attempt}"
    post(wallet, kind=LedgerEntry.Kind.CAPTURE, available=0, held=-charge, business_key=key, hold=hold, actor=actor)
    rest = hold.amount - charge
    if rest:
        kind = LedgerEntry.Kind.RELEASE
        post(wallet, kind=kind, available=rest, held=-rest, business_key=f"{key}:rest", hold=hold, actor=actor)
    _end(hold, Hold.Status.CAPTURED, charge)
    return charge


@transaction.atomic
def release_hold(*, hold: Hold, business_key: str | None = None, note: str = "", actor: Actor | None = None) -> bool:
    """Give all of it back: the job failed or was canceled. True when this call did it, False when the hold had ended before."""
    wallet, hold = lock_hold(hold)
    if hold.status != Hold.Status.PLACED:
        return False
    key = business_key or f"release:{hold.job_public_id}:{hold.attempt}"
    kind, amount = LedgerEntry.Kind.RELEASE, hold.amount
    post(wallet, kind=kind, available=amount, held=-amount, business_key=key, hold=hold, note=note, actor=actor)
    _end(hold, Hold.Status.RELEASED, 0)
    return True


@transaction.atomic
def resize_hold(*, hold: Hold, amount: int, business_key: str | None = None, actor: Actor | None = None) -> bool:
    """Fit a hold to what the work costs now that its length is known (milli-credits, zero or more).

    False: the wallet cannot cover the difference (or the hold has ended) and nothing changed. Repeated: nothing changes.
    """
    if amount < 0:
        raise ValueError("a hold is zero or more")
    wallet, hold = lock_hold(hold)
    if hold.status != Hold.Status.PLACED:
        return False
    if hold.amount == amount:
        return True
    key = business_key or f"resize:{hold.job_public_id}:{hold.attempt}:{amount}"
    if written(key):  # told before, and resized again since: the later word stands
        return hold.amount >= amount
    difference = amount - hold.amount
    if difference > wallet.available:
        return False
    kind = LedgerEntry.Kind.HOLD if difference > 0 else LedgerEntry.Kind.RELEASE
    post(wallet, kind=kind, available=-difference, held=difference, business_key=key, hold=hold, actor=actor)
    Hold.objects.filter(pk=hold.pk).update(amount=amount)
    return True


def expire_holds(*, limit: int = 500) -> int:
    """Give back what outlived its time because nobody ended it; return how many. Each in its own transaction, any number of
    sweepers at once."""
    due = Hold.objects.filter(status=Hold.Status.PLACED, expires_at__lte=clock.now()).order_by("wallet_id", "id")
    return sum(_expire(hold) for hold in due[:limit])


@transaction.atomic
def _expire(hold: Hold) -> bool:
    wallet, hold = lock_hold(hold)
    if hold.status != Hold.Status.PLACED or hold.expires_at > clock.now():
        return False
    key = f"expire:{hold.job_public_id}:{hold.attempt}"
    kind, amount = LedgerEntry.Kind.EXPIRE, hold.amount
    post(wallet, kind=kind, available=amount, held=-amount, business_key=key, hold=hold)
    _end(hold, Hold.Status.EXPIRED, 0)
    record(
        type="hold.expired",
        actor=None,
        organization_id=wallet.organization_id,
        subject=hold,
        data={"job": hold.job_public_id, "attempt": hold.attempt, "amount": amount, "pool": wallet.pool},
    )
    return True


def _end(hold: Hold, status: Hold.Status, captured: int) -> None:
    """Write the end of a hold that is locked and placed."""
    Hold.objects.filter(pk=hold.pk).update(status=status, captured=captured, resolved_at=clock.now())
