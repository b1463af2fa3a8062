"""Faces of an asset, for lip sync: a worker looks for them once, and the asset remembers where they are and the picture they are on."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.core.errors import JobError
from apps.engine import runner
from apps.engine.capabilities import can_lipsync
from apps.engine.lipsync.types import FacesSeen
from apps.events import queue
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services.assets import still_key
from apps.projects.services.fetch import Progress, engine_settings, limits_for, probe_asset
from apps.providers.orders import LipsyncResolution

PERMISSION: Final = "jobs.view"
LOST_AFTER: Final = 300.0
"""Seconds without a sign of a look after which its message counts as lost: whoever asks next sends another."""
AGAIN_AFTER: Final = 60.0
"""Seconds that a look stays failed which may do better when it is tried again."""
BEAT: Final = 20.0
MAX_LOOKING: Final = 20
"""Looks of one organization that wait or are under way: a worker does one after the other, for everybody."""

LookStatus = Literal["looking", "ready", "failed"]


class FoundFace(msgspec.Struct, frozen=True, kw_only=True):
    """A face by its box, in shares (0 to 1) of the picture. problem says why it cannot speak: 10913 too small, 10914 from the side."""

    x: float
    y: float
    width: float
    height: float
    problem: int | None = None


class FaceLook(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an asset's faces, from left to right.

    failed: `code` and `reason` say why (10911 no face, 10901 could not be fetched, 10902, 10904, ...; 5030: lip sync is not installed
    here). ready: width and height are pixels of the whole picture, `at` its second in a video (0 for pictures).
    """

    status: LookStatus
    code: int | None = None
    reason: str = ""
    width: int = 0
    height: int = 0
    at: float = 0.0
    faces: list[FoundFace] = []


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Asset.faces; since is the Unix time of the last change."""

    status: LookStatus
    since: float
    code: int | None = None
    reason: str = ""
    seen: FacesSeen | None = None

    def is_over(self) -> bool:
        """Whether nothing more is to be expected of it, so that the next one who asks begins anew."""
        age = time.time() - self.since
        if self.status == "looking":
            return age > LOST_AFTER
        return self.code is not None and errors.job_codes()[self.code].retry and age > AGAIN_AFTER


@dataclass(slots=True)
class _Still:
    storage_key: str
    file_name: str
    content_type: str = "image/jpeg"


def look_for_faces(*, actor: Actor, asset: Asset, resolution: LipsyncResolution = "480p") -> FaceLook:
    """What is known of the faces in a picture or video; the first call sends a worker to look, and says `looking`.

    Ask again until it is `ready` or `failed`. Which faces are too small depends on the result's `resolution`. Raises ApiError 1503, 4040,
    and 4290 while too many others of the organization wait.
    """
    asset = _fresh(actor, asset)
    refusal = _refusal(asset)
    if refusal is not None:
        return refusal
    kept = _kept(asset)
    if kept is None or kept.is_over():
        kept = _ask(asset)
    return _told(kept, resolution)


def face_picture_url(*, actor: Actor, asset: Asset, absolute: bool = False) -> str | None:
    """A signed link to the JPEG (at most 1280 pixels) that the boxes refer to; None while there is none. Raises ApiError 1503, 4040."""
    asset = _fresh(actor, asset)
    kept = _kept(asset)
    if kept is None or kept.status != "ready" or asset.status != Asset.Status.STORED:
        return None
    name = f"{Path(asset.file_name).stem or asset.public_id}.faces.jpg"
    return storage.signed_url(_Still(still_key(asset), name), disposition="inline", absolute=absolute)


def find_faces(asset: Asset) -> None:
    """A worker's look at an asset that somebody asked for: fetched and probed first where it was not yet. Harmless when repeated.

    What is wrong with the file is kept on the asset, what is wrong with its faces in the look.
    """
    asset.refresh_from_db()
    kept = _kept(asset)
    if kept is None or kept.status != "looking":
        return
    asset = probe_asset(asset, on_progress=_beats(asset))
    if asset.status != Asset.Status.STORED:
        return
    try:
        kept = _Kept(status="ready", since=time.time(), seen=_look(asset))
    except JobError as error:
        kept = _Kept(status="failed", since=time.time(), code=error.code, reason=error.reason)
    if not _keep(asset, kept) and kept.status == "ready":
        storage.delete(still_key(asset))  # deleted meanwhile: its files are gone, this one goes after them


def _fresh(actor: Actor, asset: Asset) -> Asset:
    require(actor, PERMISSION)
    found = Asset.objects.filter(organization=actor.organization, pk=asset.pk).first()
    if found is None:
        raise errors.not_found("asset")
    return found


def _refusal(asset: Asset) -> FaceLook | None:
    """Why no look is worth while; None when one is."""
    if asset.status == Asset.Status.FAILED:
        return FaceLook(status="failed", code=asset.error_code or errors.DAMAGED, reason=asset.error)
    if asset.status == Asset.Status.DELETED:
        return FaceLook(status="failed", code=errors.FETCH_FAILED, reason="the file has been deleted")
    if asset.kind == Asset.Kind.SUBTITLE:
        return FaceLook(status="failed", code=errors.TYPE_REFUSED, reason="this is neither a picture nor a video")
    if not can_lipsync(engine_settings()):
        return FaceLook(status="failed", code=errors.UNAVAILABLE, reason="what finds faces is not installed here")
    return None


def _ask(asset: Asset) -> _Kept:
    """Sends the message, unless another call did so a moment ago. Raises ApiError 4290."""
    waiting = Asset.objects.filter(organization_id=asset.organization_id, faces__status="looking")
    if waiting.filter(faces__since__gt=time.time() - LOST_AFTER).exclude(pk=asset.pk).count() >= MAX_LOOKING:
        raise errors.rate(10, "Too many files are being looked at for faces; go on when some are done.")
    with transaction.atomic():
        row = Asset.objects.select_for_update().get(pk=asset.pk)
        kept = _kept(row)
        if kept is not None and not kept.is_over():
            return kept
        kept = _Kept(status="looking", since=time.time())
        Asset.objects.filter(pk=row.pk).update(faces=msgspec.to_builtins(kept))
        queue.enqueue("look_for_faces", row.public_id)
    return kept


def _look(asset: Asset) -> FacesSeen:
    with tempfile.TemporaryDirectory(prefix="faces-") as folder:
        scratch = Path(folder)
        try:
            with storage.local_copy(asset.storage_key, scratch) as path:
                seen, still = runner.find_faces(path, engine_settings(), limits_for(asset))
        except FileNotFoundError:
            raise JobError(errors.FETCH_FAILED, "the file is no longer in storage") from None
        picture = scratch / "still.jpg"
        picture.write_bytes(still)
        storage.save_file(picture, still_key(asset), "image/jpeg")
    return seen


def _beats(asset: Asset) -> Progress:
    """While a slow host sends the file the look is not lost."""
    due = time.monotonic() + BEAT

    def beat(done: int, total: int | None) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + BEAT
            _keep(asset, _Kept(status="looking", since=time.time()))

    return beat


def _keep(asset: Asset, kept: _Kept) -> bool:
    """False when the asset was deleted or found useless meanwhile."""
    usable = Asset.objects.filter(pk=asset.pk, status__in=[Asset.Status.REMOTE, Asset.Status.STORED])
    return bool(usable.update(faces=msgspec.to_builtins(kept)))


def _kept(asset: Asset) -> _Kept | None:
    return None if asset.faces is None else msgspec.convert(asset.faces, _Kept)


def _told(kept: _Kept, resolution: LipsyncResolution) -> FaceLook:
    seen = kept.seen or FacesSeen(width=0, height=0)
    faces = [
        FoundFace(x=face.x, y=face.y, width=face.width, height=face.height, problem=seen.problem(face, resolution))
        for face in seen.faces
    ]
    return FaceLook(
        status=kept.status,
        code=kept.code,
        reason=kept.reason,
        width=seen.width,
        height=seen.height,
        at=seen.at,
        faces=faces,
    )
