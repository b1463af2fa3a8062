"""Shapes of the three lip-sync forms: seed 003's bodies as its clients send them, our own fields beside them.

A file is named by its public link, or by the id of an asset of the organization ("ast_...").
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from apps.core.ids import is_id
from apps.providers.orders import (
    FacePick,
    LipsyncInput,
    LipsyncModel,
    LipsyncOrder,
    LipsyncResolution,
    PublicId,
    Source,
    SpeakingOrder,
    WebUrl,
)

FileRef = Annotated[
    str,
    Meta(min_length=8, max_length=4096, description="Public http or https link, or the id of an asset (`ast_...`)."),
]
Seed = Annotated[int, Meta(ge=-1, le=2**31 - 1, description="Makes the result repeatable; -1 is the same as none.")]
Prompt = Annotated[
    str, Meta(max_length=2000, description="Hints for the style; providers that cannot use them ignore them.")
]
Mask = Annotated[
    str,
    Meta(max_length=4096, description="Picture of the source's size: only where it is white may lips be moved."),
]


FirstSeconds = Annotated[
    int,
    Meta(
        ge=1, le=60,
        description=(
            "Ours: only so many seconds of the sound are made, for a look before the whole is ordered. Billed as a sound of that length."
        ),
    ),
]  # fmt: skip
_POINT: Final = (
    "by a point inside of it, in shares (0 to 1) of the picture's width and height; see GET /assets/{id}/faces"
)
VideoFaces = Annotated[
    list[FacePick],
    Meta(
        max_length=8, description=f"Ours: who shall speak, {_POINT}. Without it those whose mouths move in the video."
    ),
]
ImageFaces = Annotated[
    list[FacePick],
    Meta(
        max_length=1,
        description=f"Ours: who shall speak, {_POINT}. Then the picture may show others too. Without `at`.",
    ),
]
MultiFaces = Annotated[
    list[FacePick],
    Meta(max_length=2, description=f"Ours: the two who speak, first the one on the left, each {_POINT}. Without `at`."),
]


class _Form(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the three forms share."""

    resolution: LipsyncResolution | None = None
    mask_image: Mask | None = None
    prompt: Prompt | None = None
    seed: Seed | None = None
    first_seconds: FirstSeconds | None = None


class VideoForm(_Form, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A video whose lips shall follow a sound."""

    video: FileRef
    audio: FileRef
    faces: VideoFaces | None = None


class ImageForm(_Form, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A picture of one person who shall speak."""

    image: FileRef
    audio: FileRef
    faces: ImageFaces | None = None


class MultiForm(_Form, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A picture of two people, left and right as the viewer sees them."""

    image: FileRef
    left_audio: FileRef
    right_audio: FileRef
    faces: MultiFaces | None = None
    order: Annotated[
        SpeakingOrder | None, Meta(description="`meanwhile`: both at once (the default); else one after the other.")
    ] = None


class _Envelope(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands around each form; all but `webhook` is ours."""

    webhook: Annotated[
        WebUrl | None,
        Meta(
            description="https address that the ended job is posted to, once; it is not challenged. Omit it and poll the job."
        ),
    ] = None
    provider: Annotated[str | None, Meta(description="Who shall do it; see GET /providers.")] = None
    project: PublicId | None = None
    title: Annotated[str, Meta(max_length=200, description="A name for lists and file names.")] = ""


class LipsyncVideo(_Envelope, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /lipsync-video."""

    formState: VideoForm


class LipsyncImage(_Envelope, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /lipsync-image."""

    formState: ImageForm


class LipsyncImageMulti(_Envelope, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /lipsync-image-multi."""

    formState: MultiForm


class LipsyncSubmitted(Struct, frozen=True, kw_only=True):
    """The admitted job. `id` is opaque: lipsync.studio's are UUIDs, ours are job_..."""

    id: str
    status: Annotated[str, Meta(examples=["processing"])]


LipsyncBody = LipsyncVideo | LipsyncImage | LipsyncImageMulti
BODIES: dict[LipsyncModel, type[LipsyncBody]] = {
    "lipsync-video": LipsyncVideo,
    "lipsync-image": LipsyncImage,
    "lipsync-image-multi": LipsyncImageMulti,
}
_FILES: tuple[LipsyncInput, ...] = ("video", "image", "audio", "left_audio", "right_audio", "mask_image")


def guess_model(form: object) -> LipsyncModel:
    """The form that a formState without a name belongs to, by the files in it."""
    names = set(form) if isinstance(form, dict) else set()
    if "video" in names:
        return "lipsync-video"
    return "lipsync-image-multi" if names & {"left_audio", "right_audio", "order"} else "lipsync-image"


def order_from(model: LipsyncModel, body: LipsyncBody) -> LipsyncOrder:
    """The body as an order."""
    form = msgspec.structs.asdict(body.formState)
    files = {name: _source(form[name]) for name in _FILES if form.get(name)}
    return LipsyncOrder(
        model=model,
        order=form.get("order") or "meanwhile",
        resolution=form["resolution"] or "480p",
        prompt=form["prompt"] or "",
        seed=form["seed"],
        faces=list(form["faces"] or []),
        first_seconds=form["first_seconds"],
        provider=body.provider,
        callback_url=body.webhook,
        project=body.project,
        title=body.title,
        **files,
    )


def _source(text: str) -> Source:
    return Source(asset=text) if is_id(text, "ast") else Source(url=text)


_OUTSIDE = frozenset({"model", "provider", "project", "title"})


def sent_name(field: str) -> str:
    """A field of the order as the client sent it: `video` is formState.video, `callback_url` is webhook."""
    head = field.partition(".")[0]
    if head == "callback_url":
        return "webhook"
    return field if head in _OUTSIDE else f"formState.{field}"
