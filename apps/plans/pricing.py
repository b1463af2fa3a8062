"""What an order is billed for: the pure part of pricing (amounts come from the rate card, sql/pricing.sql)."""

from __future__ import annotations

from apps.providers.orders import TranslationOrder


def billable_items(order: TranslationOrder) -> list[str]:
    """Items of the rate card that one target locale of this order is billed for, in the order of the work."""
    items: list[str] = [step for step in ("subtitles", "voice", "lipsync") if step in order.steps]
    if order.subtitle_style.erase_source:
        items.append("erase")
    return items
