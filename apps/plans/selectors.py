"""Reads of plans and money; everything of an organization is asked for through the actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.accounts.permissions import require
from apps.core import errors
from apps.plans.models import LedgerEntry, Plan, Pool, Subscription, Wallet

MAX_PAGE = 200

# Wallet by wallet, each an index walk that stops at the page's end: a plain ordered join would read everyone's entries. BETWEEN and the
# two columns of the order leave the planner no index but (wallet, -id): with `=` it may walk the key through everyone's entries
# (measured with 900,000 entries of another wallet: 364 ms, so 1 ms).
_LEDGER: Final = """
SELECT e.*, w.pool FROM plans_wallet w CROSS JOIN LATERAL (
    SELECT * FROM plans_ledgerentry l
     WHERE l.wallet_id BETWEEN w.id AND w.id AND (%(before)s::bigint IS NULL OR l.id < %(before)s)
       AND (%(job)s::text IS NULL OR l.job_public_id = %(job)s)
     ORDER BY l.wallet_id, l.id DESC LIMIT %(limit)s
) e
WHERE w.organization_id = %(organization)s AND (%(pool)s::text IS NULL OR w.pool = %(pool)s)
ORDER BY e.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Entries, newest first, and the cursor of the next page (None at the end)."""

    items: Sequence[LedgerEntry]
    next_cursor: str | None


def plan_for(organization: Organization) -> Plan | None:
    """The plan in force; None when the organization has no subscription or a canceled one."""
    subscription = subscription_for(organization)
    if subscription is None or subscription.status == Subscription.Status.CANCELED:
        return None
    return subscription.plan


def subscription_for(organization: Organization) -> Subscription | None:
    """The subscription with its plan, whatever its status."""
    return Subscription.objects.select_related("plan").filter(organization=organization).first()


def wallets_for(actor: Actor) -> list[Wallet]:
    """Both wallets, portal first; one that was never used is shown empty. Raises ApiError 1503 without billing.view."""
    require(actor, "billing.view")
    found = {wallet.pool: wallet for wallet in Wallet.objects.filter(organization=actor.organization)}
    return [found.get(pool) or Wallet(organization=actor.organization, pool=pool) for pool in (Pool.PORTAL, Pool.API)]


def ledger_for(
    actor: Actor, pool: str | None = None, cursor: str | None = None, limit: int = 50, job: str | None = None
) -> LedgerPage:
    """Entries of one pool (or both, or of one job), newest first, by keyset. Raises ApiError 5 for a bad cursor or pool."""
    require(actor, "billing.view")
    if pool and pool not in Pool.values:
        raise errors.invalid("pool", "There are two pools: portal and api.")
    if cursor and not (cursor.isdecimal() and len(cursor) <= 18):
        raise errors.invalid("cursor", "This is not a cursor of this list.")
    limit = max(1, min(limit, MAX_PAGE))
    facts = {
        "organization": actor.organization.pk,
        "pool": pool or None,
        "job": job or None,
        "before": int(cursor) if cursor else None,
        "limit": limit + 1,
    }
    rows = []
    for entry in LedgerEntry.objects.raw(_LEDGER, facts):
        entry.wallet = Wallet(pk=entry.wallet_id, organization=actor.organization, pool=vars(entry)["pool"])
        rows.append(entry)
    more = len(rows) > limit
    return LedgerPage(rows[:limit], str(rows[limit - 1].pk) if more else None)
