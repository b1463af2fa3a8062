"""A zip archive written while it is sent: memory stays at one chunk, nothing is written to disk."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, BinaryIO, Final, cast

CHUNK: Final = 256 * 1024


class _Pipe:
    """What zipfile writes into and the generator empties; it cannot seek, so sizes follow the data."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing to do."""

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def stream_zip(members: Iterable[tuple[str, datetime, Callable[[], BinaryIO]]]) -> Iterator[bytes]:
    """Bytes of an archive of (name, time, opener) members, stored without compression: media is compressed already.

    A name that comes twice gets a number. Files are opened one after the other.
    """
    pipe = _Pipe()
    seen: set[str] = set()
    with zipfile.ZipFile(cast(IO[bytes], pipe), "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, when, opener in members:
            info = zipfile.ZipInfo(_unique(name, seen), when.timetuple()[:6])
            info.external_attr = 0o644 << 16
            with opener() as source, archive.open(info, "w", force_zip64=True) as member:
                while piece := source.read(CHUNK):
                    member.write(piece)
                    yield pipe.take()
            yield pipe.take()
    yield pipe.take()


def _unique(name: str, seen: set[str]) -> str:
    candidate, number = name.replace("\\", "_").lstrip("/") or "file", 1
    stem, dot, suffix = candidate.rpartition(".")
    while candidate in seen:
        number += 1
        candidate = f"{stem} ({number}){dot}{suffix}" if dot else f"{suffix} ({number})"
    seen.add(candidate)
    return candidate
