"""The lip-sync form as an order: what the browser posts, turned into the same order that POST /lipsync-* makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, get_args

import msgspec
from django.http import QueryDict
from django.utils.translation import gettext

from apps.jobs.services.lipsync_files import SOUNDS, sound_ms
from apps.jobs.services.lipsync_order import normalize_lipsync
from apps.jobs.services.routing import Usable
from apps.providers.orders import LIPSYNC_NEEDS, LipsyncInput, LipsyncModel, LipsyncOrder, Source
from apps.web.orderform import PLACEHOLDER, length_ms, reasons, share

FIRST_SECONDS: Final = 5
"""Length of the first part that can be looked at before the whole is ordered."""
MODELS: Final[tuple[LipsyncModel, ...]] = get_args(LipsyncModel)
BOX: Final = {"x": 0.3, "y": 0.15, "width": 0.4, "height": 0.6}
"""Where a region begins: around a face in the middle. Shares of the picture."""
_MOST_DIGITS: Final = 12


@dataclass
class Draft:
    """A lip-sync order under way. `order` is None while a value is wrong; files that are not there yet are `missing` by their fields.

    `lengths` are those that the browser read from the chosen sounds, ms by field. `masked` tells that a region is wanted and its
    picture is still to be made.
    """

    model: LipsyncModel
    fields: dict[str, Any]
    order: LipsyncOrder | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)
    missing: list[LipsyncInput] = field(default_factory=list)
    lengths: dict[str, int] = field(default_factory=dict)
    unmasked: bool = False

    @property
    def ready(self) -> bool:
        """It can be submitted."""
        return self.order is not None and not self.missing and not self.errors

    @property
    def sound_ms(self) -> int | None:
        """Length of the result by what the browser read, ms; None while it is not known."""
        names = [name for name in LIPSYNC_NEEDS[self.model] if name in SOUNDS]
        return sound_ms(self.order, [self.lengths.get(name) for name in names]) if self.order is not None else None


def read(post: QueryDict, usable: Usable | None = None) -> Draft:
    """The draft that a posted form stands for; `usable` gives the providers that may be ordered from."""
    model = post.get("model", MODELS[0])
    draft = Draft(model if model in MODELS else MODELS[0], {})
    draft.fields = _fields(post, draft.model)
    draft.unmasked = post.get("region") == "inside" and "mask_image" not in draft.fields
    draft.missing = [name for name in LIPSYNC_NEEDS[draft.model] if name not in draft.fields]
    draft.lengths = {name: found for name in SOUNDS if (found := length_ms(post.get(f"{name}_ms")))}
    seed = post.get("seed", "").strip()
    if seed and "seed" not in draft.fields:
        draft.errors["seed"] = [gettext("Give a whole number, or nothing.")]
    probe = draft.fields | {key: {"asset": PLACEHOLDER} for key in draft.missing}
    try:
        order = msgspec.convert(probe, LipsyncOrder)
    except msgspec.ValidationError as error:
        draft.errors |= reasons(error)
        return draft
    draft.order, wrong = normalize_lipsync(order, usable)
    draft.errors |= wrong
    return draft


def _fields(post: QueryDict, model: LipsyncModel) -> dict[str, Any]:
    """The order's fields, only what differs from the defaults."""
    fields: dict[str, Any] = {"model": model, "resolution": post.get("resolution") or "480p"}
    for name in LIPSYNC_NEEDS[model]:
        if source := _source(post, name):
            fields[name] = source
    if post.get("region") == "inside" and (mask := post.get("mask_asset", "").strip()):
        fields["mask_image"] = {"asset": mask}
    if model == "lipsync-image-multi":
        fields["order"] = post.get("order") or "meanwhile"
    if faces := [pick for text in picks(post, model) if (pick := read_pick(text))]:
        fields["faces"] = faces
    for option in ("prompt", "provider", "title"):
        if text := post.get(option, "").strip():
            fields[option] = text
    digits = post.get("seed", "").strip()
    if digits.removeprefix("-").isascii() and digits.removeprefix("-").isdigit() and len(digits) <= _MOST_DIGITS:
        fields["seed"] = int(digits)
    if post.get("part") == "first":
        fields["first_seconds"] = FIRST_SECONDS
    return fields


def _source(post: QueryDict, name: str) -> dict[str, str]:
    if post.get(f"{name}_kind") == "link":
        return {"url": url} if (url := post.get(f"{name}_url", "").strip()) else {}
    return {"asset": asset} if (asset := post.get(f"{name}_asset", "").strip()) else {}


def picks(post: QueryDict, model: LipsyncModel) -> list[str]:
    """The pressed buttons' values: any number in a video, one in a picture, of two voices the left one's face first."""
    if model == "lipsync-image":
        return post.getlist("face")[:1]
    given = post.getlist("faces")
    return sorted(given, key=lambda text: read_pick(text).get("x", 0.0)) if model == "lipsync-image-multi" else given


def read_pick(text: str) -> dict[str, float]:
    """A pick as the page's buttons carry it, "0.5,0.41,1.2": middle of the face and second of the video; {} for anything else."""
    parts = text.split(",")
    if len(parts) != 3:
        return {}
    x, y, at = (share(part, -1.0) for part in parts)
    return {"x": x, "y": y, "at": at} if 0 <= x <= 1 and 0 <= y <= 1 and at >= 0 else {}


def without_first(order: LipsyncOrder) -> LipsyncOrder:
    """The same order for the whole."""
    return msgspec.structs.replace(order, first_seconds=None)


def of_order(order: LipsyncOrder) -> QueryDict:
    """The form that would post this order: for ordering it again with changes. A region is kept as the picture that was made of it."""
    post = QueryDict(mutable=True)
    post["model"] = order.model
    for name, source in order.inputs().items():
        if name == "mask_image":
            post["region"], post["mask_asset"] = "inside", source.asset or ""
            continue
        post[f"{name}_kind"] = "upload" if source.asset else "link"
        post[f"{name}_asset"], post[f"{name}_url"] = source.asset or "", source.url or ""
    chosen = [f"{pick.x:.4f},{pick.y:.4f},{pick.at:g}" for pick in order.faces]
    post.setlist("face" if order.model == "lipsync-image" else "faces", chosen)
    post["order"], post["resolution"] = order.order, order.resolution
    post["prompt"], post["provider"], post["title"] = order.prompt, order.provider or "", order.title
    post["seed"] = "" if order.seed is None else str(order.seed)
    return post


def by_assets(order: LipsyncOrder, assets: dict[LipsyncInput, str]) -> LipsyncOrder:
    """The order with its files named by the assets that they became, so that a link is not fetched again."""
    sources: dict[str, Any] = {name: Source(asset=public_id) for name, public_id in assets.items()}
    return msgspec.structs.replace(order, **sources)


def say_missing(draft: Draft) -> str:
    """What still has to be chosen, in words, for the line under the buttons."""
    if not draft.missing:
        return ""
    picture = any(name in ("video", "image") for name in draft.missing)
    sound = any(name in SOUNDS for name in draft.missing)
    if picture and draft.model == "lipsync-video":
        return gettext("Choose a video and a sound.") if sound else gettext("Choose a video.")
    if picture:
        return gettext("Choose a picture and a sound.") if sound else gettext("Choose a picture.")
    return (
        gettext("Choose a sound for each of the two.")
        if draft.model == "lipsync-image-multi"
        else gettext("Choose a sound.")
    )
