"""The storage door: every file of a customer is saved, opened and linked to through here (file system or S3)."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, cast
from urllib.parse import quote

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from apps.projects.links import Disposition, make_link

CHUNK: Final = 1 << 20


class StoredFile(Protocol):
    """What signed_url needs of an Asset or an Artefact."""

    storage_key: str
    file_name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A file in storage; size in bytes, sha256 as hex."""

    key: str
    size: int
    sha256: str


def save_file(path: Path, key: str, content_type: str = "") -> Saved:
    """Puts a local file at exactly this key, replacing what is there; a reader never sees half of it.

    Raises ValueError for a key that would lead out of its folder: that folder is another customer's.
    """
    if ".." in key.split("/"):
        raise ValueError(f"not a storage key: {key[:80]!r}")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if local := _local_path(key):
        local.parent.mkdir(parents=True, exist_ok=True)
        temporary = local.with_name(f".{local.name}.{uuid.uuid4().hex}")
        try:
            shutil.copyfile(path, temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.replace(local)
        finally:
            temporary.unlink(missing_ok=True)
    else:
        with path.open("rb") as stream:
            file = File(stream, name=key)
            if content_type:
                file.content_type = content_type  # type: ignore[attr-defined]  # django-storages reads it
            _storage().save(key, file)
    return Saved(key=key, size=path.stat().st_size, sha256=digest)


def open_key(key: str) -> BinaryIO:
    """Opens a stored file for reading; raises FileNotFoundError."""
    return cast(BinaryIO, _storage().open(key, "rb"))


def exists(key: str) -> bool:
    """True when there is a file at the key."""
    return bool(key) and _storage().exists(key)


def delete(key: str) -> None:
    """Removes a file; one that is not there is no error."""
    if key:
        with suppress(FileNotFoundError):
            _storage().delete(key)


def copy_out(key: str, target: Path) -> None:
    """Copies a stored file to a local path atomically; on the same file system it costs a hard link and no bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        if not _linked(key, temporary):
            with open_key(key) as source, temporary.open("wb") as copy:
                shutil.copyfileobj(source, copy, CHUNK)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def local_copy(key: str, scratch: Path) -> Iterator[Path]:
    """A local path with the file's bytes to be read only: the stored file itself, or a copy that is gone after the block."""
    if local := _local_path(key):
        yield local
        return
    copy = scratch / uuid.uuid4().hex
    try:
        copy_out(key, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def local_path(key: str) -> Path | None:
    """The path of a stored file when storage is a local directory (the download view serves it), else None."""
    return _local_path(key)


def signed_url(
    file: StoredFile,
    *,
    disposition: Disposition = "attachment",
    seconds: int | None = None,
    file_name: str = "",
    absolute: bool = False,
) -> str:
    """A link that needs no login and dies after `seconds` (default: settings.DOWNLOAD_LINK_SECONDS).

    S3 gets a presigned URL. On the file system it is our own signed path (`/files/<token>/<name>`), with PUBLIC_URL in
    front when `absolute`. Whoever holds the link can read the file: hand it only to an actor who may.
    """
    name = file_name or file.file_name or "file"
    seconds = seconds or settings.DOWNLOAD_LINK_SECONDS
    if _local_path(file.storage_key) is None:
        parameters = {
            "ResponseContentDisposition": content_disposition(disposition, name),
            "ResponseContentType": file.content_type or "application/octet-stream",
        }
        remote: Any = _storage()
        return str(remote.url(file.storage_key, parameters=parameters, expire=seconds))
    return make_link(
        file.storage_key, name, file.content_type, disposition=disposition, seconds=seconds, absolute=absolute
    )


def content_disposition(disposition: Disposition, file_name: str) -> str:
    """The header's value, with the name in ASCII and in UTF-8 (RFC 6266)."""
    plain = file_name.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "_").replace("?", "_")
    plain = "".join(char for char in plain if char.isprintable())
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"


def _storage() -> Storage:
    return storages["default"]


def _local_path(key: str) -> Path | None:
    storage = _storage()
    return Path(storage.path(key)) if isinstance(storage, FileSystemStorage) else None


def _linked(key: str, target: Path) -> bool:
    """Links a stored file to a second name; False when it lies elsewhere. Stored files are only ever replaced whole."""
    local = _local_path(key)
    if local is None:
        return False
    try:
        os.link(local, target)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True
