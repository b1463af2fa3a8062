"""The one place in Python that changes wallets: lock, write the entry, move the balance. Used by the other services only."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.actor import Actor
from apps.core.ids import new_id
from apps.plans.models import Hold, LedgerEntry, Wallet


def lock_wallet(*, organization_id: int, pool: str) -> Wallet:
    """The wallet under a row lock until the transaction ends; made if it is missing."""
    wallets = Wallet.objects.select_for_update(no_key=True)
    wallet = wallets.filter(organization_id=organization_id, pool=pool).first()
    if wallet is None:
        Wallet.objects.bulk_create([Wallet(organization_id=organization_id, pool=pool)], ignore_conflicts=True)
        wallet = wallets.get(organization_id=organization_id, pool=pool)
    return wallet


def lock_hold(hold: Hold) -> tuple[Wallet, Hold]:
    """The hold's wallet, then the hold, both under row locks and fresh (always in this order, else two callers deadlock)."""
    wallet = Wallet.objects.select_for_update(no_key=True).get(pk=hold.wallet_id)
    return wallet, Hold.objects.select_for_update(no_key=True).get(pk=hold.pk)


def written(business_key: str) -> LedgerEntry | None:
    """The entry of this fact, if it was told before. Ask under the wallet's lock."""
    return LedgerEntry.objects.filter(business_key=business_key).first()


def post(
    wallet: Wallet,
    *,
    kind: LedgerEntry.Kind,
    available: int,
    held: int,
    business_key: str,
    hold: Hold | None = None,
    note: str = "",
    actor: Actor | None = None,
) -> LedgerEntry:
    """Write one entry and move the locked wallet by the two deltas (milli-credits).

    Raises django.db.IntegrityError when a balance would fall below zero or the business key was used by another wallet.
    """
    with transaction.atomic():
        wallet.available += available
        wallet.held += held
        wallet.save(update_fields=["available", "held"])
        return LedgerEntry.objects.create(
            public_id=new_id("led"),
            wallet=wallet,
            kind=kind,
            available_delta=available,
            held_delta=held,
            available_after=wallet.available,
            held_after=wallet.held,
            business_key=business_key,
            hold=hold,
            job_public_id=hold.job_public_id if hold else "",
            note=note[:200],
            actor=actor.as_json() if actor else {"kind": "system", "id": "", "label": "system"},
        )
