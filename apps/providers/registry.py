"""The providers, in the order in which routing tries them. Adding a vendor is one line here (docs/adding-a-provider.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from apps.providers.base import Provider, problems
from apps.providers.local.provider import LOCAL
from apps.providers.orders import TranslationOrder

PROVIDERS: Final[Mapping[str, Provider]] = {
    LOCAL.name: LOCAL,
}


class NoProvider(Exception):
    """No provider can carry the order out; `errors` maps fields to reasons."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {reasons[0]}" for name, reasons in errors.items()))


def choose(order: TranslationOrder, *, preferred: str = "") -> Provider:
    """The provider for an order: the explicit one, else the preferred one, else the first that covers it.

    Raises NoProvider with field-level reasons: of the explicit provider, else of the one that came nearest.
    """
    if order.provider is not None:
        chosen = PROVIDERS.get(order.provider)
        if chosen is None:
            raise NoProvider({"provider": [f"Unknown; known are {', '.join(PROVIDERS)}."]})
        if found := problems(chosen, order):
            raise NoProvider(found)
        return chosen
    candidates = sorted(PROVIDERS.values(), key=lambda provider: provider.name != preferred)
    nearest: dict[str, list[str]] | None = None
    for provider in candidates:
        found = problems(provider, order)
        if not found:
            return provider
        if nearest is None or len(found) < len(nearest):
            nearest = found
    raise NoProvider(nearest or {"provider": ["No provider is set up."]})
