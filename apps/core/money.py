"""Credits: integer milli-credits inside, decimal text of credits outside. No floats anywhere."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Final

MILLI: Final = 1000
# Fits a PostgreSQL bigint with room for sums: a quadrillion credits.
MAX_MILLICREDITS: Final = 10**18


def to_text(millicredits: int) -> str:
    """Credits as decimal text with one to three decimals: 36000 -> "36.0", 1 -> "0.001", -1500 -> "-1.5"."""
    sign = "-" if millicredits < 0 else ""
    whole, rest = divmod(abs(millicredits), MILLI)
    decimals = f"{rest:03d}".rstrip("0") or "0"
    return f"{sign}{whole}.{decimals}"


def price(quantity: Decimal | int, millicredits_per_unit: Decimal | int) -> int:
    """Milli-credits for a quantity at a rate, rounded up to the next milli-credit. Both must be zero or more."""
    if quantity < 0 or millicredits_per_unit < 0:
        raise ValueError("a price needs a quantity and a rate of zero or more")
    return int((Decimal(quantity) * Decimal(millicredits_per_unit)).to_integral_value(ROUND_CEILING))
