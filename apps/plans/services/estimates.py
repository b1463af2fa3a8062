"""What an order will cost, before it is placed. Prices come from the rate card through sql/pricing.sql, as at admission."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from django.db import connection

from apps.accounts.actor import Actor
from apps.core import errors
from apps.plans.models import Subscription, Wallet
from apps.plans.pricing import billable_items, service_of
from apps.providers.orders import Order, TranslationOrder


@dataclass(frozen=True, slots=True)
class EstimateLine:
    """One item for one locale ("" for lip sync): quantity of started units (minute or second) and its price in milli-credits."""

    locale: str
    stage: str
    unit: str
    quantity: int
    millicredits: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What would be held, in milli-credits, for all locales; `max_total` is the most it can cost.

    `assumed` says that the length is not known: `total` is then for an assumed length (docs/decisions/money.md) and
    `max_total` for the plan's longest media. `available` is the wallet that would pay, before.
    """

    lines: tuple[EstimateLine, ...]
    total: int
    max_total: int
    assumed: bool
    pool: str
    available: int

    @property
    def available_after(self) -> int:
        """Below zero when the wallet cannot cover it."""
        return self.available - self.total

    def for_locale(self, locale: str) -> int:
        """Share of one target locale, milli-credits."""
        return sum(line.millicredits for line in self.lines if line.locale == locale)


def estimate(*, actor: Actor, order: Order, duration_ms: int | None = None, assumed: bool | None = None) -> Estimate:
    """Price an order for the actor's organization and pool. Raises ApiError 814 without a subscription.

    `assumed` says that a part of duration_ms is not known; by default that it is None.
    """
    assumed = duration_ms is None if assumed is None else assumed
    row = (
        Subscription.objects.filter(organization=actor.organization)
        .exclude(status=Subscription.Status.CANCELED)
        .values_list("plan_id", "plan__max_duration")
        .first()
    )
    if row is None:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    plan_id, max_duration = row
    items = billable_items(order)
    locales = order.target_locales if isinstance(order, TranslationOrder) else [""]
    priced = price_items(plan_id=plan_id, service=service_of(order), items=items, duration_ms=duration_ms)
    lines = tuple(
        EstimateLine(locale, item, unit, quantity, millicredits)
        for locale in locales
        for item, unit, quantity, millicredits in priced
    )
    total = most = sum(line.millicredits for line in lines)
    if assumed:
        longest = price_items(plan_id=plan_id, service=service_of(order), items=items, duration_ms=max_duration * 1000)
        most = sum(amount for *_, amount in longest) * len(locales)
    wallet = Wallet.objects.filter(organization=actor.organization, pool=actor.pool)
    available = wallet.values_list("available", flat=True).first() or 0
    return Estimate(lines, total, max(most, total), assumed, actor.pool, available)


def price_items(
    *, plan_id: int, service: str, items: Sequence[str], duration_ms: int | None
) -> list[tuple[str, str, int, int]]:
    """(item, unit, quantity, milli-credits) of each item for one locale; duration None is the assumed length.

    Raises LookupError when the rate card has no price for an item: work without a price is a mistake in the card.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM price_lines(%s, %s, %s, %s)", [plan_id, service, list(items), duration_ms])
        rows: list[tuple[str, str, int, int]] = cursor.fetchall()
    missing = set(items) - {row[0] for row in rows}
    if missing:
        raise LookupError(f"no price for {service}: {', '.join(sorted(missing))}")
    return rows


def price_measured(*, plan_id: int, order: Order, measured_ms: int | None, without: Container[str] = ()) -> int:
    """What one locale of the order costs at its measured length, milli-credits: the amount for capture_hold.

    None is the assumed length. Items in `without` are left out: they were ordered and could not be made.
    """
    items = [item for item in billable_items(order) if item not in without]
    rows = price_items(plan_id=plan_id, service=service_of(order), items=items, duration_ms=measured_ms)
    return sum(amount for *_, amount in rows)
