"""Reads of projects: one door per object; another tenant's object does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

from apps.accounts.actor import Actor
from apps.core import clock, errors
from apps.projects.models import Asset, Transcript, Translation, Upload

T = TypeVar("T", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a list, newest first; next_cursor "" means the end."""

    items: list[T]
    next_cursor: str


def asset_for(actor: Actor, public_id: str) -> Asset:
    """The asset; ApiError 404 when it is not of this organization."""
    return _one(Asset.objects.filter(organization=actor.organization, public_id=public_id).first(), "asset")


def assets_by_id(actor: Actor, public_ids: Iterable[str]) -> dict[str, Asset]:
    """Those of these assets that are the organization's and not deleted, by public id."""
    wanted = [public_id for public_id in public_ids if public_id]
    if not wanted:
        return {}
    rows = Asset.objects.filter(organization=actor.organization, public_id__in=wanted)
    return {asset.public_id: asset for asset in rows.exclude(status=Asset.Status.DELETED)}


def newest_asset_named(actor: Actor, file_name: str, *, kind: str, folder: str = "") -> Asset | None:
    """The newest file of that name that can be used; those of projects in `folder` come first."""
    rows = Asset.objects.filter(organization=actor.organization, file_name=file_name, kind=kind)
    rows = rows.filter(status__in=[Asset.Status.STORED, Asset.Status.REMOTE]).order_by("-id")
    inside = rows.filter(projects__folder=folder).first() if folder else None
    return inside or rows.first()


def translation_for(actor: Actor, public_id: str) -> Translation:
    """The translation with its project and source asset; ApiError 404."""
    rows = Translation.objects.select_related("project__source_asset", "organization")
    return _one(rows.filter(organization=actor.organization, public_id=public_id).first(), "translation")


def upload_for(actor: Actor, public_id: str) -> Upload:
    """The upload; ApiError 404, or 410 past its time."""
    rows = Upload.objects.select_related("asset", "organization")
    upload = _one(rows.filter(organization=actor.organization, public_id=public_id).first(), "upload")
    if upload.asset_id is None and upload.expires_at < clock.now():
        raise errors.ApiError(errors.GONE, "This upload has expired; start it again.")
    return upload


def transcript_for(translation: Translation, revision: int | None = None) -> Transcript:
    """A revision of the transcript, the newest by default; ApiError 404 while there is none."""
    rows = Transcript.objects.filter(translation=translation)
    return _one((rows.filter(revision=revision) if revision is not None else rows).first(), "transcript")


def assets_for(actor: Actor, *, kind: str = "", cursor: str = "", limit: int = 50) -> Page[Asset]:
    """Assets that are not deleted, newest first."""
    rows = Asset.objects.filter(organization=actor.organization).exclude(status=Asset.Status.DELETED)
    if kind:
        rows = rows.filter(kind=kind)
    return newest_first(rows, cursor, limit)


def translations_for(actor: Actor, *, project: str = "", cursor: str = "", limit: int = 50) -> Page[Translation]:
    """Translations, newest first, with project and source asset."""
    rows = Translation.objects.select_related("project__source_asset").filter(organization=actor.organization)
    if project:
        rows = rows.filter(project__public_id=project)
    return newest_first(rows, cursor, limit)


def newest_first(rows: QuerySet[T], cursor: str, limit: int) -> Page[T]:
    """The page of `limit` rows behind a cursor ("" is the beginning). Raises ApiError 5 for a bad cursor."""
    if cursor:
        rows = rows.filter(id__lt=read_cursor(cursor))
    found = list(rows.order_by("-id")[: limit + 1])
    return Page(found[:limit], str(found[limit - 1].pk) if len(found) > limit else "")


def read_cursor(cursor: str) -> int:
    """The row id in a cursor; ApiError 5 for anything else."""
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise errors.invalid("cursor", "Not a cursor of this list.")
    return int(cursor)


def _one(row: T | None, what: str) -> T:
    if row is None:
        raise errors.not_found(what)
    return row
