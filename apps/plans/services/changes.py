"""What an iteration costs: changed lines only, by their seconds (docs/decisions/iterations.md)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from django.db.models import Q

from apps.core import money
from apps.plans.models import RateCard, Service
from apps.plans.services.estimates import price_items

RENDER: Final = "render"
"""Optional item of the rate card: what rendering again costs by itself. The card that is installed has none, so it is free."""
SPOKEN: Final = ("voice", "lipsync")
"""Items that are made anew for changed lines only."""

Priced = tuple[str, str, int, int]


def price_changes(
    *, plan_id: int, items: Sequence[str], changed_ms: int, duration_ms: int, newly: Sequence[str] = ()
) -> list[Priced]:
    """(item, unit, quantity, milli-credits) of an iteration for one locale.

    Items of SPOKEN cost their rate for `changed_ms`, in started seconds and never more than they would for the whole media.
    Those in `newly` were not part of the work so far and cost what a first order pays. All others were paid before: nothing. Raises
    LookupError when the rate card has no price for an item.
    """
    lines: list[Priced] = []
    for item in items:
        if item in newly:
            lines += _whole(plan_id, [item], duration_ms)
        elif item in SPOKEN and changed_ms > 0:
            lines.append(_seconds(plan_id, item, changed_ms, duration_ms))
    card = RateCard.objects.filter(Q(plan_id=plan_id) | Q(plan_id=None), service=Service.TRANSLATE, item=RENDER)
    if card.exists():
        lines += _whole(plan_id, [RENDER], duration_ms)
    return lines


def _whole(plan_id: int, items: Sequence[str], duration_ms: int) -> list[Priced]:
    return price_items(plan_id=plan_id, service=Service.TRANSLATE, items=items, duration_ms=duration_ms)


def _seconds(plan_id: int, item: str, changed_ms: int, duration_ms: int) -> Priced:
    """The item's rate by the started second; a card that counts seconds keeps its own rule, smallest charge included."""
    ((_, unit, quantity, amount),) = _whole(plan_id, [item], changed_ms)
    ((*_, most),) = _whole(plan_id, [item], duration_ms or changed_ms)
    if unit != "minute":
        return item, unit, quantity, min(amount, most)
    seconds = -(-changed_ms // 1000)
    rate = Decimal(amount) / quantity / 60
    return item, "second", seconds, min(money.price(seconds, rate), most)
