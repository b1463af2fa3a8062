"""What the tests of lip-sync jobs share: small files, and a run with the small stage of lipsync_stage.py."""

from __future__ import annotations

import os
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from apps.jobs import services
from apps.jobs.models import Job
from tests.jobs.helpers import make_clip

SEAM = Path(__file__).parent / "stage_seam"


def png(path: Path, *, size: int = 64) -> Path:
    """A grey picture."""
    rows = b"".join(b"\0" + bytes(size) for _ in range(size))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


def wav(path: Path, seconds: float) -> Path:
    """A tone."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-f", "lavfi"]
    subprocess.run([*command, "-i", f"sine=frequency=220:duration={seconds}", str(path)], check=True)
    return path


def small_files(folder: Path) -> Path:
    """portrait.jpg (a PNG: names say nothing), speech.mp3 (a WAV of 1.3 s), long.wav (6.2 s), clip.mp4, mute.mp4, and two useless ones."""
    png(folder / "portrait.jpg")
    wav(folder / "speech.wav", 1.3).rename(folder / "speech.mp3")
    wav(folder / "long.wav", 6.2)
    make_clip(folder / "clip.mp4", seconds=1.0)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-i", str(folder / "clip.mp4"), "-an"]
    subprocess.run([*command, "-c", "copy", str(folder / "mute.mp4")], check=True)
    (folder / "empty.mp3").touch()
    (folder / "page.mp3").write_text("<!doctype html><title>not found</title>", encoding="utf-8")
    return folder


def use_small_stage(patch: pytest.MonkeyPatch) -> None:
    """Stage processes get the small stage."""
    root = Path(__file__).resolve().parents[2]
    given = [str(SEAM), str(root), os.environ.get("PYTHONPATH", "")]
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, given)))


def run(job: Job | str) -> Job:
    """The job carried as far as it goes."""
    public_id = job if isinstance(job, str) else job.public_id
    services.advance(public_id)
    assert services.run_engine(public_id)
    return Job.objects.select_related("hold", "organization", "translation").get(public_id=public_id)


def seven(found: dict[str, Any]) -> dict[str, Any]:
    """The fields that seed 003 prints."""
    return {name: found[name] for name in ("id", "model", "status", "output", "error", "executionTime", "timings")}
