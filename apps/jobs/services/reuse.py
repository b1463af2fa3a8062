"""Where finished work of a source is kept on this machine between its jobs (apps/engine/reuse.py), and when it goes."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings

from apps.projects.models import Asset

FOLDER: Final = "reuse"


def folder_for(asset: Asset) -> Path | None:
    """The folder of one source: its organization's alone, since assets are. None when nothing is to be kept."""
    return _root() / asset.public_id if settings.REUSE_HOURS > 0 else None


def clean_reuse() -> int:
    """Removes folders of sources that are deleted or were not used for REUSE_HOURS, then the oldest beyond REUSE_MAX_MB."""
    if not _root().is_dir():
        return 0
    folders = {path.name: path for path in _root().iterdir()}
    stored = Asset.objects.filter(public_id__in=list(folders), status=Asset.Status.STORED)
    living = set(stored.values_list("public_id", flat=True))
    oldest = time.time() - settings.REUSE_HOURS * 3600
    ages = {name: _used(path) for name, path in folders.items()}
    gone = [name for name in folders if name not in living or ages[name] < oldest]
    room = settings.REUSE_MAX_MB << 20
    for name in sorted(set(folders) - set(gone), key=lambda one: -ages[one]):
        room -= _size(folders[name])
        if room < 0:
            gone.append(name)
    for name in gone:
        shutil.rmtree(folders[name], ignore_errors=True)
    return len(gone)


def _root() -> Path:
    return Path(settings.WORK_DIR) / FOLDER


def _used(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total
