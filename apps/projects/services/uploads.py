"""Resumable uploads (tus 1.0): bytes wait in a part file under UPLOAD_DIR until complete, then become an Asset."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.accounts.permissions import require
from apps.core import clock, errors
from apps.projects.models import Asset, Upload, asset_id
from apps.projects.services.assets import create_asset_from_file, free_bytes, plan_of

CHUNK: Final = 256 * 1024
RESERVED_BYTES: Final = 512 << 20
"""Free space that uploads leave to the rest of the machine."""
MAX_OPEN: Final = 50
OPEN_FILES: Final = 8
"""Uploads under way of one organization: so many, of so many times the plan's largest file in all."""
IDLE_SECONDS: Final = 3600
"""An upload that took no byte for so long makes way for a new one when its organization has no more room."""
ROOM_EVERY: Final = 16 << 20


class Readable(Protocol):
    """A request body, or any binary file."""

    def read(self, size: int = -1, /) -> bytes: ...


def part_path(upload: Upload) -> Path:
    """Where an upload's bytes wait."""
    return Path(settings.UPLOAD_DIR) / f"{upload.public_id}.part"


def create_upload(*, actor: Actor, length: int, metadata: Mapping[str, str]) -> Upload:
    """Opens an upload of `length` bytes; metadata keys `filename` and `kind` (media, subtitle) are used, others kept.

    Raises ApiError 5 for an empty file or unknown kind, 4130 when the plan's limit is too small, 5030 when the disk is, 4290
    when the organization has too much under way.
    """
    require(actor, "assets.write")
    kind = metadata.get("kind") or Asset.Kind.MEDIA
    if kind not in Asset.Kind.values:
        raise errors.invalid("kind", f"Must be one of {', '.join(Asset.Kind.values)}.")
    if length <= 0:
        raise errors.invalid("Upload-Length", "The file is empty.")
    limit = plan_of(actor.organization).max_file_bytes
    if length > limit:
        raise errors.too_large(f"The file has {length} bytes; the plan allows {limit}.")
    if length > free_bytes() - RESERVED_BYTES:
        raise errors.unavailable("There is no room for a file of this size at the moment.", retry_after=600)
    _make_room(actor.organization, length, OPEN_FILES * limit)
    name = metadata.get("filename") or metadata.get("name") or ""
    upload = Upload.objects.create(
        organization=actor.organization,
        created_by=actor.user,
        file_name=Path(name.replace("\\", "/")).name[:255],
        kind=kind,
        # Keys that begin with an underscore are our own notes (_finish): a stranger's would name where the file is stored.
        metadata={
            str(key)[:100]: str(value)[:1000] for key, value in list(metadata.items())[:20] if not key.startswith("_")
        },
        length=length,
        expires_at=clock.now() + timedelta(seconds=settings.UPLOAD_EXPIRY_SECONDS),
    )
    part_path(upload).touch(mode=0o600)
    return upload


def append_upload(
    *,
    actor: Actor,
    upload: Upload,
    offset: int,
    stream: Readable,
    length: int | None = None,
    checksum: tuple[str, bytes] | None = None,
) -> Upload:
    """Writes what the stream gives at `offset`; the row tells how far it came, also when the stream breaks off.

    `length` is the body's declared length, `checksum` (hashlib name, digest) of this body: on a mismatch its bytes are
    dropped and the error's HTTP status is 460. Raises ApiError 409 for another offset, 423 while another request writes,
    413 beyond the announced length. The last byte turns the upload into an asset (`upload.asset`).
    """
    require(actor, "assets.write")
    if upload.asset_id is not None and offset == upload.length:
        return upload
    if length is not None and offset + length > upload.length:
        raise errors.too_large("More bytes than the upload announced.")
    with _locked(upload) as file:
        upload.refresh_from_db(fields=["offset", "asset", "length"])
        if offset != upload.offset:
            raise errors.conflict(f"The upload is at offset {upload.offset}, not {offset}.")
        broken: Exception | None = None
        try:
            end = _write(file, stream, offset, upload.length, checksum)
        except _BrokenStream as error:
            end, broken = error.end, error
        moved = Upload.objects.filter(pk=upload.pk, offset=offset).update(
            offset=end, expires_at=clock.now() + timedelta(seconds=settings.UPLOAD_EXPIRY_SECONDS)
        )
        if not moved:
            raise errors.conflict("Another request has moved this upload.")
        upload.offset = end
        if end == upload.length and upload.asset_id is None:
            _finish(actor, upload)
    if broken is not None:
        raise errors.invalid("body", "The request body ended early.")
    return upload


def terminate_upload(*, actor: Actor, upload: Upload) -> None:
    """Forgets an upload and its bytes; an asset that it already became stays."""
    require(actor, "assets.write")
    _drop(upload)


def expire_uploads(*, limit: int = 200) -> int:
    """Removes uploads past their time and part files that no row knows; returns how many rows went."""
    due = list(Upload.objects.filter(expires_at__lt=clock.now())[:limit])
    for upload in due:
        _drop(upload)
    folder = Path(settings.UPLOAD_DIR)
    if folder.is_dir():
        old = clock.now().timestamp() - 2 * settings.UPLOAD_EXPIRY_SECONDS
        for path in folder.glob("upl_*.part"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < old and not Upload.objects.filter(public_id=path.stem).exists():
                    path.unlink()
    return len(due)


def _make_room(organization: Organization, length: int, most: int) -> None:
    """Raises ApiError 4290 when the organization has too many uploads under way, or too many bytes of them."""
    under_way = Upload.objects.filter(organization=organization, asset=None, expires_at__gt=clock.now())

    def full() -> bool:
        announced = under_way.aggregate(sum=Sum("length"))["sum"] or 0
        return under_way.count() >= MAX_OPEN or announced + length > most

    # Each byte moves the expiry: what is due so soon has taken none for IDLE_SECONDS.
    idle = clock.now() + timedelta(seconds=settings.UPLOAD_EXPIRY_SECONDS - IDLE_SECONDS)
    while full():
        stale = under_way.filter(expires_at__lt=idle).order_by("expires_at").first()
        if stale is None:
            raise errors.rate(600, "Too many uploads are under way; finish or remove some first.")
        _drop(stale)


class _BrokenStream(Exception):
    """The client went away; `end` is how far the bytes are on disk."""

    def __init__(self, end: int) -> None:
        self.end = end
        super().__init__(f"stream broke at {end}")


@contextmanager
def _locked(upload: Upload) -> Iterator[BinaryIO]:
    """The part file, open for writing and locked: one writer at a time, and the kernel drops the lock of a dead one."""
    path = part_path(upload)
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        if upload.offset:
            raise errors.ApiError(errors.GONE, "The bytes of this upload are gone; start it again.") from None
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w+b")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.ApiError(
                errors.CONFLICT,
                "Another request is writing to this upload.",
                http_status=423,
                headers={"Retry-After": "1"},
            ) from None
        yield file


def _write(file: BinaryIO, stream: Readable, offset: int, length: int, checksum: tuple[str, bytes] | None) -> int:
    """Writes the stream at offset, flushes, returns the new offset; raises ApiError, or _BrokenStream when it broke."""
    digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
    file.seek(offset)
    file.truncate()  # bytes beyond the row's offset are of a request that died before it told
    end, broken, checked = offset, False, offset
    while True:
        if end - checked >= ROOM_EVERY:
            checked = end
            if free_bytes() < RESERVED_BYTES:  # others write too: what was free at the start may be gone
                file.truncate(offset)
                raise errors.unavailable("There is no room for this file at the moment.", retry_after=600)
        try:
            piece = stream.read(CHUNK)
        except OSError:
            broken = True
            break
        if not piece:
            break
        if end + len(piece) > length:
            file.truncate(offset)
            raise errors.too_large("More bytes than the upload announced.")
        file.write(piece)
        end += len(piece)
        if digest is not None:
            digest.update(piece)
    if digest is not None and checksum is not None and (broken or digest.digest() != checksum[1]):
        file.truncate(offset)
        raise errors.ApiError(
            errors.CONFLICT, "The checksum does not match these bytes; send them again.", http_status=460
        )
    file.flush()
    os.fsync(file.fileno())
    if broken:
        raise _BrokenStream(end)
    return end


def _finish(actor: Actor, upload: Upload) -> None:
    """Stores the whole file as an asset. Repeated after a crash it ends with the same asset, by its reserved id."""
    reserved = upload.metadata.get("_asset") or asset_id()
    if "_asset" not in upload.metadata:
        upload.metadata["_asset"] = reserved
        Upload.objects.filter(pk=upload.pk).update(metadata=upload.metadata)
    try:
        asset = create_asset_from_file(
            actor=actor, path=part_path(upload), file_name=upload.file_name, kind=upload.kind, public_id=reserved
        )
    except errors.ApiError:
        _drop(upload)  # what it is was looked at: no second try can end otherwise
        raise
    with transaction.atomic():
        Upload.objects.filter(pk=upload.pk, asset=None).update(asset=asset)
    upload.asset = asset
    part_path(upload).unlink(missing_ok=True)


def _drop(upload: Upload) -> None:
    Upload.objects.filter(pk=upload.pk).delete()
    part_path(upload).unlink(missing_ok=True)
