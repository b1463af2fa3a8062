"""Short makers for tests of jobs: a tiny real clip with its subtitles, so that no weights are needed."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import msgspec
import pytest

from apps.accounts import keys
from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.core.errors import ApiError
from apps.core.ids import new_id
from apps.jobs.models import Job
from apps.jobs.services.submit import submit
from apps.plans.models import Hold
from apps.plans.services import check_books
from apps.projects.models import Asset, Project
from apps.projects.services import create_asset_from_file
from apps.providers.orders import Order, TranslationOrder

SRT = """1
00:00:00,200 --> 00:00:01,400
Bom dia a todos.

2
00:00:01,600 --> 00:00:02,800
Vamos começar.
"""


def make_clip(path: Path, *, seconds: float = 3.0, video: bool = True) -> Path:
    """A small clip with a tone, made by the ffmpeg that the engine uses; a process makes each kind once."""
    path.write_bytes(_clip(path.suffix, seconds, video))
    return path


@cache
def _clip(suffix: str, seconds: float, video: bool) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
    if video:
        command += ["-f", "lavfi", "-i", f"testsrc2=size=160x90:rate=10:duration={seconds}"]
    command += ["-f", "lavfi", "-i", f"sine=frequency=220:duration={seconds}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-shortest"] if video else []
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / f"clip{suffix}"
        subprocess.run([*command, str(made)], check=True)
        return made.read_bytes()


def media_asset(actor: Actor, folder: Path, **more: Any) -> Asset:
    """The clip as a stored asset."""
    return create_asset_from_file(actor=actor, path=make_clip(folder / "clip.mp4", **more), file_name="clip.mp4")


def subtitle_asset(actor: Actor, folder: Path) -> Asset:
    """Portuguese subtitles as a stored asset."""
    path = folder / "given.srt"
    path.write_text(SRT, encoding="utf-8")
    return create_asset_from_file(actor=actor, path=path, file_name="given.srt", kind="subtitle")


def subtitles_order(actor: Actor, folder: Path, **fields: Any) -> TranslationOrder:
    """Subtitles into pt-BR from a file that holds them already: every stage runs, no weights are loaded."""
    given = {
        "source": {"asset": media_asset(actor, folder).public_id},
        "source_language": "en-US",
        "target_locales": ["pt-BR"],
        "steps": ["subtitles"],
        "subtitle_source": "file",
        "subtitle": {"asset": subtitle_asset(actor, folder).public_id, "usage": "final_translated"},
    }
    return msgspec.convert(given | fields, TranslationOrder)


def submitted(actor: Actor, order: Order) -> Job:
    """The one job of an order."""
    (admitted,) = submit(actor=actor, order=order).jobs
    return Job.objects.get(pk=admitted.pk)


def order(**fields: Any) -> TranslationOrder:
    """An order whose subtitles are given and already translated, so that no weights are needed, unless told otherwise."""
    given = {
        "source": {"url": "https://media.example.org/talks/keynote.mp4"},
        "target_locales": ["pt-BR"],
        "source_language": "en-US",
        "steps": ["subtitles"],
        "subtitle_source": "file",
        "subtitle": {"url": "https://media.example.org/talks/keynote.srt", "usage": "final_translated"},
    }
    return msgspec.convert(given | fields, TranslationOrder)


def stored_asset(organization: Organization, **fields: Any) -> Asset:
    probe = {"duration": 61.2, "video": {"width": 640, "height": 360}, "audio": [{"channels": 2}]}
    given = {
        "kind": "media",
        "status": "stored",
        "file_name": "keynote.mp4",
        "size": 1_000_000,
        "duration_ms": 61_200,
        "probe": probe,
        "storage_key": f"assets/{new_id('ast')}",
    }
    return Asset.objects.create(organization=organization, **(given | fields))


def refused(actor: Any, wanted: TranslationOrder, **more: Any) -> ApiError:
    before = Job.objects.count(), Hold.objects.count(), Project.objects.count()
    with pytest.raises(ApiError) as caught:
        submit(actor=actor, order=wanted, **more)
    assert (Job.objects.count(), Hold.objects.count(), Project.objects.count()) == before
    assert check_books() == []
    return caught.value


def parsed(text: str) -> keys.ParsedKey:
    return keys.parse_bearer(f"Bearer {text}")
