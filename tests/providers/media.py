"""Real small files as bytes, for stubs to publish: outputs are checked by decode, so they must be what they claim."""

from __future__ import annotations

import struct
import tempfile
import zlib
from functools import cache
from pathlib import Path

from tests.jobs.helpers import make_clip

LINES = ("Bom dia a todos.", "Vamos começar.")


@cache
def mp4(seconds: float = 3.0) -> bytes:
    """A clip with picture and tone."""
    return _made("clip.mp4", seconds, video=True)


@cache
def wav(seconds: float = 3.0) -> bytes:
    """A tone."""
    return _made("tone.wav", seconds, video=False)


@cache
def mp3(seconds: float = 3.0) -> bytes:
    """A tone."""
    return _made("tone.mp3", seconds, video=False)


def png(width: int = 64, height: int = 64) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def srt(*lines: str) -> bytes:
    """Subtitles, two seconds for each line."""
    rows = [
        f"{n}\n00:00:0{n - 1},100 --> 00:00:0{n - 1},900\n{text}\n" for n, text in enumerate(lines or LINES, start=1)
    ]
    return "\n".join(rows).encode()


def vtt(*lines: str) -> bytes:
    """The same as WebVTT."""
    rows = [f"00:00:0{n}.100 --> 00:00:0{n}.900\n{text}\n" for n, text in enumerate(lines or LINES)]
    return ("WEBVTT\n\n" + "\n".join(rows)).encode()


def _made(name: str, seconds: float, *, video: bool) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return make_clip(Path(folder) / name, seconds=seconds, video=video).read_bytes()
