"""Shapes of assets and uploads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from apps.api.schemas.common import NextCursor, PageQuery
from apps.providers.orders import LipsyncResolution

Kind = Literal["media", "subtitle", "image"]


class NewAsset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A link that becomes an asset."""

    url: Annotated[str, Meta(min_length=8, max_length=4096, description="http or https address of the file.")]
    kind: Kind = "media"


class Asset(Struct, frozen=True, kw_only=True):
    """A media, subtitle or picture file of the organization."""

    id: str
    kind: Kind
    status: Annotated[str, Meta(examples=["remote", "stored", "failed"])]
    file_name: str
    source_url: str
    size: Annotated[int | None, Meta(description="Bytes.")]
    sha256: str
    content_type: str
    duration: Annotated[float | None, Meta(description="Seconds; null until probed.")]
    probe: dict[str, Any] | None
    error_code: int | None
    error: str
    url: Annotated[str | None, Meta(description="Signed link to the file, while it is stored.")]
    created_at: datetime


class AssetPage(Struct, frozen=True, kw_only=True):
    """A page of assets, newest first."""

    items: list[Asset]
    next_cursor: NextCursor


class AssetQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters of the asset list."""

    kind: Annotated[Kind | None, Meta(description="Only assets of this kind.")] = None


class FacesQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the faces are wanted for."""

    resolution: Annotated[
        LipsyncResolution, Meta(description="Of the result: which faces are too small depends on it.")
    ] = "480p"


class AssetFace(Struct, frozen=True, kw_only=True):
    """A face: its box in shares (0 to 1) of the picture. Its middle is what a lip-sync order's `faces` may name."""

    x: float
    y: float
    width: float
    height: float
    problem: Annotated[
        int | None,
        Meta(description="Why it cannot speak: 10913 too small, 10914 seen from the side; null when it can."),
    ]


class AssetFaces(Struct, frozen=True, kw_only=True):
    """The faces of a picture or video, from left to right."""

    status: Annotated[Literal["looking", "ready", "failed"], Meta(description="looking: ask again in a second or two.")]
    code: Annotated[
        int | None, Meta(description="Why it failed, by number (GET /errors): 10911 no face, 10901, 10902, …")
    ]
    reason: str
    width: Annotated[int, Meta(description="Pixels of the picture; 0 until it is ready.")]
    height: int
    at: Annotated[float, Meta(description="Second of the video that shows these faces; 0 for pictures.")]
    faces: list[AssetFace]
    picture_url: Annotated[
        str | None, Meta(description="Signed link to a JPEG of at most 1280 pixels that the boxes refer to.")
    ]


class Upload(Struct, frozen=True, kw_only=True):
    """A resumable upload; `asset` is set when the last byte has come."""

    id: str
    file_name: str
    kind: Kind
    length: int
    offset: int
    asset: str | None
    created_at: datetime
    expires_at: datetime
