"""What the lip-sync studio page shows: places for files, prices, faces to pick, and the latest jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.core import errors
from apps.core.errors import ApiError
from apps.jobs.services.estimating import estimate_order
from apps.plans.models import Service
from apps.plans.selectors import plan_for
from apps.plans.services import Estimate, estimate, price_items
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.selectors import assets_by_id
from apps.projects.services.faces import FaceLook, FoundFace
from apps.providers.orders import LIPSYNC_NEEDS, LipsyncModel
from apps.web.lipsyncform import FIRST_SECONDS, Draft, without_first

_SAMPLE_MS: Final = 60_000
_PICTURES: Final = "image/png,image/jpeg,image/webp"
_VIDEOS: Final = "video/*,.mkv,.mxf,.ts"
_SOUNDS: Final = "audio/*,video/*,.flac,.opus,.mkv"
FORMS: Final[dict[LipsyncModel, tuple[Any, str]]] = {
    "lipsync-video": (_("Video and a sound"), "film"),
    "lipsync-image": (_("Picture and a sound"), "image"),
    "lipsync-image-multi": (_("Picture and two voices"), "users"),
}
"""What each form is called, and its icon."""


@dataclass(frozen=True)
class Place:
    """A place for a file in the form. `what` is video, picture or sound; `url` plays or shows what lies there already."""

    name: str
    label: str | Promise
    what: str
    icon: str
    accept: str
    choose: str | Promise
    wrong: str | Promise
    asset: str = ""
    file_name: str = ""
    url: str = ""
    link: str = ""
    by_link: bool = False
    length: str = ""
    shown: bool = True

    @property
    def forms(self) -> str:
        """The forms that it belongs to, with commas, for the part of the page that follows the choice."""
        return ",".join(model for model, names in LIPSYNC_NEEDS.items() if self.name in names)

    @property
    def kind(self) -> str:
        """Kind of the asset that the file becomes."""
        return "image" if self.what == "picture" else "media"


_SOUND: Final[dict[str, Any]] = {
    "what": "sound",
    "icon": "audio-lines",
    "accept": _SOUNDS,
    "choose": _("Choose a sound"),
    "wrong": _("This is not a sound file."),
}
PLACES: Final = (
    Place("video", _("Video"), "video", "film", _VIDEOS, _("Choose a video"), _("This is not a video.")),
    Place(
        "image", _("Picture"), "picture", "image", _PICTURES, _("Choose a picture"),
        _("This is not a PNG, JPEG or WebP picture."),
    ),
    Place("audio", _("What shall be said"), **_SOUND),
    Place("left_audio", _("Left voice"), **_SOUND),
    Place("right_audio", _("Right voice"), **_SOUND),
)  # fmt: skip


@dataclass(frozen=True)
class Price:
    """What the buttons say, milli-credits. `held` is what the whole sets aside while a length is not measured; `short` ones exceed
    the balance. `seconds` are billed. `first` is None where the first part would be the whole.
    """

    whole: Estimate
    held: int
    seconds: int
    first: int | None

    @property
    def whole_short(self) -> bool:
        """The balance does not cover all of it."""
        return self.whole.available < self.held

    @property
    def first_short(self) -> bool:
        """The balance does not cover the first part."""
        return self.first is not None and self.whole.available < self.first


def price_of(actor: Actor, draft: Draft) -> Price | None:
    """The price of what is chosen so far; None while that cannot be told. What admission would refuse is put into draft.errors."""
    if draft.order is None or draft.errors or any(name.endswith("audio") for name in draft.missing):
        return None
    order, browser = without_first(draft.order), draft.sound_ms
    try:
        admitted = estimate(actor=actor, order=order) if draft.missing else estimate_order(actor=actor, order=order)
    except ApiError as error:
        if error.code != errors.INVALID:
            raise
        draft.errors |= error.errors or {"": [error.detail]}
        return None
    whole = admitted
    if admitted.assumed and browser is not None:
        whole = estimate(actor=actor, order=order, duration_ms=browser)
    seconds = sum(line.quantity for line in whole.lines)
    first = None
    if seconds > FIRST_SECONDS:
        first = estimate(actor=actor, order=order, duration_ms=1000 * FIRST_SECONDS).total
    return Price(whole, admitted.total, seconds, first)


def rates(actor: Actor) -> list[tuple[str, int, Any]]:
    """(resolution, milli-credits a second, what it is good for)."""
    plan = plan_for(actor.organization)
    words = {"480p": _("For trying out and for small players."), "720p": _("Sharper; takes about twice as long.")}
    if plan is None:
        return [(name, 0, text) for name, text in words.items()]
    rows = price_items(plan_id=plan.pk, service=Service.LIPSYNC, items=list(words), duration_ms=_SAMPLE_MS)
    return [(name, amount // quantity, words[name]) for name, _unit, quantity, amount in rows]


def places(actor: Actor, post: Any, model: LipsyncModel) -> list[Place]:
    """The places for files with what lies in them, those of `model` shown; another organization's asset is not told of."""
    chosen = {place.name: post.get(f"{place.name}_asset", "").strip() for place in PLACES}
    found = assets_by_id(actor, [public_id for public_id in chosen.values() if public_id])
    filled = []
    for place in PLACES:
        asset = found.get(chosen[place.name])
        filled.append(
            replace(
                place,
                asset=chosen[place.name],
                file_name=(asset.file_name or asset.source_url) if asset else chosen[place.name],
                url=preview_url(asset) if asset else "",
                link=post.get(f"{place.name}_url", ""),
                by_link=post.get(f"{place.name}_kind") == "link",
                length=post.get(f"{place.name}_ms", ""),
                shown=place.name in LIPSYNC_NEEDS[model],
            )
        )
    return filled


def preview_url(asset: Asset) -> str:
    """A signed link under which a browser may show or play the file; "" while there are no bytes."""
    if not asset.storage_key or asset.status != Asset.Status.STORED:
        return ""
    return storage.signed_url(asset, disposition="inline")


@dataclass(frozen=True)
class Face:
    """A face of the still, for a box in it and a button beside it. The box is in pixels of the picture; `pick` is the button's value."""

    number: int
    name: str
    pick: str
    x: int
    y: int
    width: int
    height: int
    problem: str
    chosen: bool


def faces_of(look: FaceLook, model: str, picked: list[str]) -> list[Face]:
    """The faces from left to right with names ("Face 1 of 3, left"); `picked` are values of buttons pressed before.

    Without any the largest is proposed for a picture, the two largest for two voices, nobody for a video.
    """
    usable = [index for index, face in enumerate(look.faces) if face.problem is None]
    largest = sorted(usable, key=lambda index: look.faces[index].width * look.faces[index].height, reverse=True)
    proposed = largest[: {"lipsync-image": 1, "lipsync-image-multi": 2}.get(model, 0)]
    listed = []
    for index, face in enumerate(look.faces):
        pick = f"{face.x + face.width / 2:.4f},{face.y + face.height / 2:.4f},{look.at:g}"
        chosen = pick in picked or (not picked and index in proposed)
        listed.append(
            Face(
                index + 1,
                face_name(face, index + 1, len(look.faces)),
                pick,
                round(face.x * look.width),
                round(face.y * look.height),
                round(face.width * look.width),
                round(face.height * look.height),
                face_problem(face.problem),
                chosen and face.problem is None,
            )
        )
    return listed


def face_name(face: FoundFace, number: int, count: int) -> str:
    """What a face is called: its number, and on which side it is."""
    middle = face.x + face.width / 2
    side = gettext("left") if middle < 0.4 else gettext("right") if middle > 0.6 else gettext("middle")
    if count == 1:
        return gettext("The only face, %(side)s") % {"side": side}
    return gettext("Face %(n)d of %(count)d, %(side)s") % {"n": number, "count": count, "side": side}


def face_problem(code: int | None) -> str:
    """Why a face cannot speak, in words; "" when it can."""
    if code is None:
        return ""
    known = {
        errors.FACE_TOO_SMALL: gettext("Too small: its lips cannot be redrawn."),
        errors.FACE_IN_PROFILE: gettext("Seen from the side: its lips cannot be redrawn."),
    }
    return known.get(code, gettext("It cannot speak."))
