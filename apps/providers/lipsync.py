"""What a provider can do of lip-sync orders, as data, and what of an order it cannot. Plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from apps.providers.orders import LipsyncModel, LipsyncOrder, LipsyncResolution

LIPSYNC_MODELS: Final[tuple[LipsyncModel, ...]] = get_args(LipsyncModel)
LIPSYNC_RESOLUTIONS: Final[frozenset[str]] = frozenset(get_args(LipsyncResolution))


@dataclass(frozen=True, slots=True)
class LipsyncAbility:
    """What a provider honours of one lip-sync form. Lengths in seconds; 0 means no limit of its own.

    `options` names the optional parts (keys of asked_lipsync_options); what it does not honour is an error naming the field.
    `check` may refuse what needs more than a look at one field: field -> reasons.
    """

    options: frozenset[str] = frozenset()
    resolutions: frozenset[str] = LIPSYNC_RESOLUTIONS
    max_seconds: int = 0
    check: Callable[[LipsyncOrder], Mapping[str, list[str]]] | None = None


def asked_lipsync_options(order: LipsyncOrder) -> dict[str, str]:
    """The optional parts that an order really asks for: option -> field of the order that asks."""
    asked = {
        "mask_image": ("mask_image", order.mask_image is not None),
        "prompt": ("prompt", bool(order.prompt)),
        "seed": ("seed", order.seed is not None),
        "turns": ("order", order.order != "meanwhile"),
        "faces": ("faces", bool(order.faces)),
        "first_seconds": ("first_seconds", order.first_seconds is not None),
    }
    return {option: name for option, (name, is_asked) in asked.items() if is_asked}


def lipsync_problems(title: str, able: Mapping[str, LipsyncAbility], order: LipsyncOrder) -> dict[str, list[str]]:
    """Field -> reasons why the provider of this title cannot carry a lip-sync order out; empty when it can."""
    ability = able.get(order.model)
    if ability is None:
        return {"model": [f"{title} does not offer {order.model}." if able else f"{title} does not offer lip sync."]}
    found: dict[str, list[str]] = {}
    if order.resolution not in ability.resolutions:
        found["resolution"] = [f"{title} does not render {order.resolution}."]
    for option, name in asked_lipsync_options(order).items():
        if option not in ability.options:
            found.setdefault(name, []).append(f"{title} does not offer this.")
    if ability.check is not None:
        for name, reasons in ability.check(order).items():
            found.setdefault(name, []).extend(reasons)
    return found
