"""A lip-sync order at admission: check 6 as far as it needs no rows, and what admit_job is told of it (sql/check_lipsync.sql)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from django.conf import settings

from apps.core.http import OutboundError, OutboundPolicy, check_url
from apps.core.ids import new_id
from apps.jobs.services.routing import Usable, check_order
from apps.jobs.services.validate import Errors, add, check_address, url_name
from apps.providers.orders import LIPSYNC_NEEDS, FacePick, LipsyncInput, LipsyncModel, LipsyncOrder, Source

PICTURES: Final[frozenset[LipsyncInput]] = frozenset({"image", "mask_image"})
MAX_SEED: Final = 2**31 - 1
MAX_FACES: Final[dict[LipsyncModel, int]] = {"lipsync-video": 8, "lipsync-image": 1, "lipsync-image-multi": 2}
MAX_FIRST_SECONDS: Final = 60
MAX_AT: Final = 86_400.0
ANY_SEED: Final = -1
"""What lipsync.studio's relatives take for "any": kept as no seed at all."""


def normalize_lipsync(order: LipsyncOrder, usable: Usable | None = None) -> tuple[LipsyncOrder, Errors]:
    """The order as it is kept, plus every error found on the way, by the order's own field names.

    `usable` gives the providers that the orderer may use, as in validate.normalize.
    """
    errors: Errors = {}
    given = order.inputs()
    needed = LIPSYNC_NEEDS[order.model]
    for name in needed:
        if name not in given:
            add(errors, name, "This field is required.")
    for name, source in given.items():
        if name not in needed and name != "mask_image":
            add(errors, name, f"{order.model} does not take this.")
        else:
            _check_source(name, source, errors)
    if order.order != "meanwhile" and order.model != "lipsync-image-multi":
        add(errors, "order", "Only with two voices.")
    if order.seed is not None and not ANY_SEED <= order.seed <= MAX_SEED:
        add(errors, "seed", f"Must be from {ANY_SEED} (any) to {MAX_SEED}.")
    _check_faces(order, errors)
    if order.first_seconds is not None and not 1 <= order.first_seconds <= MAX_FIRST_SECONDS:
        add(errors, "first_seconds", f"Must be from 1 to {MAX_FIRST_SECONDS}.")
    for field, text in (("title", order.title), ("prompt", order.prompt)):
        if "\x00" in text:
            add(errors, field, "Holds a zero byte.")
    if order.callback_url is not None:
        _check_callback(order.callback_url, errors)
    order = msgspec.structs.replace(order, seed=None if order.seed == ANY_SEED else order.seed)
    if not errors:
        for field, reasons in check_order(order, usable).items():
            for reason in reasons:
                add(errors, field, reason)
    return order, errors


def lipsync_part(order: LipsyncOrder) -> dict[str, Any]:
    """What admit_job and check_lipsync are told beyond what all orders have: the files, whether voices take turns, the first part."""
    return {
        "inputs": [_input(name, source) for name, source in order.inputs().items()],
        "turns": order.order != "meanwhile",
        "first_ms": None if order.first_seconds is None else order.first_seconds * 1000,
        "challenge": False,
    }


def _input(name: LipsyncInput, source: Source) -> dict[str, Any]:
    url = source.url or ""
    return {
        "name": name,
        "kind": "image" if name in PICTURES else "media",
        "asset": source.asset,
        "url": url,
        "new": new_id("ast"),
        "file": url_name(url) if url else "",
    }


def _check_faces(order: LipsyncOrder, errors: Errors) -> None:
    most = MAX_FACES[order.model]
    if len(order.faces) > most:
        add(errors, "faces", f"{order.model} takes at most {most}.")
    if order.model == "lipsync-image-multi" and order.faces:
        if len(order.faces) < most:
            add(errors, "faces", "Two voices need two faces: first the one on the left, then the one on the right.")
        elif order.faces[0].x >= order.faces[1].x:
            add(errors, "faces", "The first face must be the one on the left.")
    for number, pick in enumerate(order.faces):
        _check_pick(f"faces.{number}", pick, errors, video=order.model == "lipsync-video")


def _check_pick(place: str, pick: FacePick, errors: Errors, *, video: bool) -> None:
    for axis, share in (("x", pick.x), ("y", pick.y)):
        if not 0 <= share <= 1:
            add(errors, f"{place}.{axis}", "Must be from 0 to 1.")
    if not 0 <= pick.at <= MAX_AT:
        add(errors, f"{place}.at", f"Must be from 0 to {MAX_AT:.0f} seconds.")
    elif pick.at and not video:
        add(errors, f"{place}.at", "Only in a video.")


def _check_callback(url: str, errors: Errors) -> None:
    """Seed 003 asks for https; hosts that the operator lets us reach inside may also speak http."""
    policy = OutboundPolicy(allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED))
    try:
        parsed = check_url(url, policy)
    except OutboundError as error:
        add(errors, "callback_url", str(error))
        return
    if parsed.scheme != "https" and not policy.names_host(parsed.host, parsed.port or 80):
        add(errors, "callback_url", "Only addresses that start with https:// are accepted.")


def _check_source(name: LipsyncInput, source: Source, errors: Errors) -> None:
    if (source.asset is None) == (source.url is None):
        add(errors, name, "Give either asset or url.")
    elif source.url is not None:
        check_address(errors, name, source.url)
