"""Finished work of one source, kept between its jobs: separated sound, recognized words, spoken lines, faces and painted stretches.

Files are named by what they were made of, so that whatever is found is what would be made. The folder may vanish at any moment
without harm: then the work is done again, with the same result. Files are hard links where the file system allows it, and nothing
in a workspace is ever changed in place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from apps.engine.settings import EngineSettings
from apps.engine.workspace import Workspace

SHARED_STAGES = ("separate",)
"""Stages whose outputs depend on the source alone, and cost more than a look into the folder."""
COMPLETE = "complete.json"


class Reuse:
    """The folder of one source; "" keeps nothing and finds nothing."""

    def __init__(self, folder: str) -> None:
        self.root = Path(folder) if folder else None

    @classmethod
    def of(cls, settings: EngineSettings) -> Reuse:
        """As the settings say."""
        return cls(settings.reuse_dir)

    def bring(self, ws: Workspace, name: str) -> bool:
        """A kept file into the workspace, under the same name; False when it is not there."""
        return self.root is not None and _link(self.root / name, ws.path(name))

    def keep(self, ws: Workspace, name: str) -> None:
        """Keeps a finished file of the workspace; a full disk or a folder that vanished is no error."""
        if self.root is not None:
            _link(ws.path(name), self.root / name)

    def bring_stage(self, ws: Workspace, stage: str, key: str) -> bool:
        """All outputs of a stage that did the same work before; False when they are not all there."""
        if self.root is None or stage not in SHARED_STAGES:
            return False
        folder = self._folder(stage, key)
        try:
            sizes = msgspec.json.decode((folder / COMPLETE).read_bytes(), type=dict[str, int])
        except (OSError, msgspec.MsgspecError):
            return False
        with suppress(OSError):
            os.utime(self.root)  # the folder used last is the last to be cleaned away
        return all(_link(folder / name, ws.path(name), size) for name, size in sizes.items())

    def keep_stage(self, ws: Workspace, stage: str, key: str, names: tuple[str, ...]) -> None:
        """Keeps a finished stage; it counts only once all of it is there."""
        if self.root is None or stage not in SHARED_STAGES:
            return
        folder = self._folder(stage, key)
        if all(_link(ws.path(name), folder / name) for name in names):
            self._finish(folder, {name: ws.path(name).stat().st_size for name in names})

    def _finish(self, folder: Path, sizes: Mapping[str, int]) -> None:
        partial = folder / f".{os.getpid()}.{COMPLETE}"
        with suppress(OSError):
            partial.write_bytes(msgspec.json.encode(sizes))
            partial.replace(folder / COMPLETE)

    def _folder(self, stage: str, key: str) -> Path:
        assert self.root is not None
        return self.root / f"{stage}-{key[:32]}"


def _link(source: Path, target: Path, size: int | None = None) -> bool:
    """The same file under another name, or a copy of it; True when it is there afterwards."""
    partial = target.parent / f".{os.getpid()}-{target.name}"
    try:
        if size is not None and source.stat().st_size != size:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, partial)
        except FileNotFoundError:
            return False
        except OSError:
            shutil.copyfile(source, partial)
        partial.replace(target)
        partial.unlink(missing_ok=True)  # rename does nothing where both are the same file already
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True
