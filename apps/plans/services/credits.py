"""Adding credits and correcting balances."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.core import errors, money
from apps.events.log import record
from apps.plans.models import LedgerEntry, Pool
from apps.plans.services.ledger import lock_wallet, post, written


@transaction.atomic
def grant_credits(
    *, actor: Actor | None, organization: Organization, pool: str, amount: int, business_key: str, note: str = ""
) -> LedgerEntry:
    """Add credits (milli, above zero) to a wallet; return the entry, the first one when the fact was told before.

    actor None is the system itself. Raises ApiError 5 for a bad pool or amount and ValueError for an empty key.
    """
    if not 0 < amount <= money.MAX_MILLICREDITS:
        raise errors.invalid("amount", _("The amount must be above zero."))
    return _post(LedgerEntry.Kind.GRANT, "credits.granted", actor, organization, pool, amount, business_key, note)


@transaction.atomic
def adjust_credits(
    *, actor: Actor, organization: Organization, pool: str, amount: int, business_key: str, note: str
) -> LedgerEntry:
    """Correct a balance by staff, up or down (milli-credits, not zero), with a reason.

    Raises ApiError 5 for a bad amount or no reason, and ApiError 104 when less is available than would be taken.
    """
    if amount == 0 or abs(amount) > money.MAX_MILLICREDITS:
        raise errors.invalid("amount", _("The amount must not be zero."))
    if not note.strip():
        raise errors.invalid("note", _("A reason is needed."))
    return _post(LedgerEntry.Kind.ADJUST, "credits.adjusted", actor, organization, pool, amount, business_key, note)


def _post(
    kind: LedgerEntry.Kind,
    event: str,
    actor: Actor | None,
    organization: Organization,
    pool: str,
    amount: int,
    business_key: str,
    note: str,
) -> LedgerEntry:
    if pool not in Pool.values:
        raise errors.invalid("pool", _("There are two pools: portal and api."))
    if not business_key:
        raise ValueError("a fact about money needs a business key")
    wallet = lock_wallet(organization_id=organization.pk, pool=pool)
    first = written(business_key)
    if first is not None:
        return first
    if wallet.available + amount < 0:
        extra = {"needed": money.to_text(-amount), "available": money.to_text(wallet.available)}
        raise errors.ApiError(errors.INSUFFICIENT_CREDITS, extra=extra)
    entry = post(wallet, kind=kind, available=amount, held=0, business_key=business_key, note=note, actor=actor)
    record(
        type=event,
        actor=actor,
        organization_id=organization.pk,
        subject=organization,
        data={"pool": pool, "amount": amount, "note": entry.note, "entry": entry.public_id},
    )
    return entry
