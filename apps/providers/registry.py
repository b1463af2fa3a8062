"""The providers, in the order in which routing tries them. Adding a vendor is one line here (docs/adding-a-provider.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from apps.providers.azure.provider import VENDOR as AZURE
from apps.providers.base import Provider, problems
from apps.providers.lipsync_studio.provider import VENDOR as LIPSYNC_STUDIO
from apps.providers.local.provider import LOCAL
from apps.providers.orders import Order
from apps.providers.volcengine_translate.provider import VENDOR as VOLCENGINE_TRANSLATE
from apps.providers.volcengine_vod.provider import VENDOR as VOLCENGINE_VOD
from apps.providers.vozo.provider import VENDOR as VOZO

PROVIDERS: Final[Mapping[str, Provider]] = {
    LOCAL.name: LOCAL,
    AZURE.name: AZURE,
    VOZO.name: VOZO,
    VOLCENGINE_VOD.name: VOLCENGINE_VOD,
    VOLCENGINE_TRANSLATE.name: VOLCENGINE_TRANSLATE,
    LIPSYNC_STUDIO.name: LIPSYNC_STUDIO,
}


class NoProvider(Exception):
    """No provider can carry the order out; `errors` maps fields to reasons."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {reasons[0]}" for name, reasons in errors.items()))


def choose(order: Order, *, preferred: str = "", usable: Collection[str] | None = None) -> Provider:
    """The provider for an order: the explicit one, else the preferred one, else the first that covers it.

    `usable` are the names that may be chosen (None: all): a vendor needs an account. Raises NoProvider with field-level reasons:
    of the explicit provider, else of the one that came nearest.
    """
    if order.provider is not None:
        chosen = PROVIDERS.get(order.provider)
        if chosen is None:
            raise NoProvider({"provider": [f"Unknown; known are {', '.join(PROVIDERS)}."]})
        if usable is not None and chosen.name not in usable:
            raise NoProvider({"provider": [f"{chosen.title} is not set up here: it needs an account that is in use."]})
        if found := problems(chosen, order):
            raise NoProvider(found)
        return chosen
    candidates = [provider for provider in PROVIDERS.values() if usable is None or provider.name in usable]
    candidates.sort(key=lambda provider: provider.name != preferred)
    nearest: dict[str, list[str]] | None = None
    for provider in candidates:
        found = problems(provider, order)
        if not found:
            return provider
        if nearest is None or len(found) < len(nearest):
            nearest = found
    raise NoProvider(nearest or {"provider": ["No provider is set up."]})
