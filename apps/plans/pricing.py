"""What an order is billed for: the pure part of pricing (amounts come from the rate card, sql/pricing.sql)."""

from __future__ import annotations

from apps.providers.orders import LipsyncOrder, Order


def service_of(order: Order) -> str:
    """Which service of the rate card an order belongs to (plans.models.Service)."""
    return "lipsync" if isinstance(order, LipsyncOrder) else "translate"


def billable_items(order: Order) -> list[str]:
    """Items of the rate card that one job of this order (one target locale) is billed for, in the order of the work."""
    if isinstance(order, LipsyncOrder):
        return [order.resolution]
    items: list[str] = [step for step in ("subtitles", "voice", "lipsync") if step in order.steps]
    if order.subtitle_style.erase_source:
        items.append("erase")
    return items
