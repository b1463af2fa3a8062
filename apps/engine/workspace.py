"""The directory of one engine job: fixed file names, atomic writes, and a manifest of finished stages."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from apps.engine.task import EngineTask
from apps.engine.transcript import Transcript

TASK_FILE = "task.json"
SOURCE_FILE = "source"
SUBTITLE_FILE = "subtitle_in"
PROBE_FILE = "probe.json"
AUDIO_FILE = "audio.wav"
ASR_FILE = "asr.wav"
SPEECH_FILE = "speech.wav"
BACKGROUND_FILE = "background.wav"
SEPARATE_FILE = "separate.json"
RECOGNIZED_FILE = "transcript.source.json"
TRANSCRIPT_FILE = "transcript.json"
VOICE_FILE = "voice.wav"
OUT_DIR = "out"
OUT_MANIFEST = "out/manifest.json"
MANIFEST_FILE = "manifest.json"
TEMPORARY_DIR = ".tmp"
LOG_DIR = "logs"


DIGESTS_FILE = "digests.json"
LOCK_FILE = ".lock"
REVIEWED_FILES = frozenset({TRANSCRIPT_FILE, RECOGNIZED_FILE})
"""Outputs that people may change after their stage ended; the stage stays done and later stages see new text."""

DIGEST_CACHE_FROM = 1024 * 1024


class FileRecord(msgspec.Struct, frozen=True):
    """One output as it was when its stage ended; size in bytes, 0 for a directory."""

    sha256: str
    size: int


class CachedDigest(msgspec.Struct, frozen=True):
    """A digest that holds as long as the file's size and time of change are these."""

    sha256: str
    size: int
    mtime_ns: int


class StageRecord(msgspec.Struct, frozen=True):
    """A finished stage: its cache key, its outputs, and what it cost (wall and processor seconds, peak bytes)."""

    key: str
    outputs: dict[str, FileRecord]
    wall: float = 0.0
    cpu: float = 0.0
    peak_rss: int = 0


class Manifest(msgspec.Struct):
    """Finished stages by name."""

    stages: dict[str, StageRecord] = {}


def digest_file(path: Path) -> str:
    """sha256 of a file as hex; of a directory: of the sorted names and digests in it."""
    if path.is_dir():
        tree = hashlib.sha256()
        for item in sorted(p for p in path.rglob("*") if p.is_file()):
            tree.update(f"{item.relative_to(path).as_posix()}\0{digest_file(item)}\n".encode())
        return tree.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Workspace:
    """Access to one job's directory. Every write is to a temporary file renamed into place, so a killed process
    leaves a file either as it was or complete; a stage counts as done only after mark_done.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    @classmethod
    def create(cls, root: Path | str, task: EngineTask) -> Workspace:
        """Makes the directory and writes the task; an existing directory keeps its finished stages."""
        workspace = cls(root)
        workspace.root.mkdir(parents=True, exist_ok=True)
        workspace.write_bytes(TASK_FILE, msgspec.json.format(msgspec.json.encode(task), indent=1) + b"\n")
        return workspace

    def task(self) -> EngineTask:
        """The task of this workspace; raises msgspec.ValidationError when the file is not a task."""
        return msgspec.json.decode(self.path(TASK_FILE).read_bytes(), type=EngineTask)

    def path(self, name: str) -> Path:
        """The path of a file of the workspace; raises ValueError for a name that leaves it."""
        parts = Path(name).parts
        if not parts or Path(name).is_absolute() or ".." in parts:
            raise ValueError(f"not a workspace file name: {name!r}")
        return self.root / name

    def exists(self, name: str) -> bool:
        """True when the file is there."""
        return self.path(name).exists()

    def read_json(self, name: str) -> Any:
        """Parsed JSON of a file."""
        return msgspec.json.decode(self.path(name).read_bytes())

    def write_json(self, name: str, value: object) -> None:
        """Writes JSON atomically, indented; msgspec structs are welcome."""
        self.write_bytes(name, msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")

    def write_bytes(self, name: str, data: bytes) -> None:
        """Writes a file atomically."""
        with self.writing(name) as temporary:
            temporary.write_bytes(data)

    def read_transcript(self, name: str = TRANSCRIPT_FILE) -> Transcript:
        """The transcript in a file; raises OSError or msgspec.ValidationError."""
        return Transcript.load(self.path(name))

    def write_transcript(self, name: str, transcript: Transcript) -> None:
        """Writes a transcript atomically."""
        self.write_bytes(name, transcript.to_json())

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Gives a temporary path (same extension) that becomes `name` when the block ends well."""
        target = self.path(name)
        directory = self.root / TEMPORARY_DIR
        directory.mkdir(exist_ok=True)
        temporary = directory / f"{os.getpid()}-{name.replace('/', '_')}"
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    @contextmanager
    def writing_directory(self, name: str) -> Iterator[Path]:
        """Gives an empty temporary directory that replaces the directory `name` when the block ends well."""
        target = self.path(name)
        temporary = self.root / TEMPORARY_DIR / f"{os.getpid()}-{name.replace('/', '_')}.d"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            if target.exists():
                shutil.rmtree(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary directory that is gone after the block."""
        directory = self.root / TEMPORARY_DIR / f"{os.getpid()}-scratch"
        directory.mkdir(parents=True, exist_ok=True)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def clear_temporary(self) -> None:
        """Removes what a killed stage left behind; call only while no stage is running here."""
        shutil.rmtree(self.root / TEMPORARY_DIR, ignore_errors=True)

    def manifest(self) -> Manifest:
        """The manifest; a missing or unreadable one counts as empty (then stages run again)."""
        try:
            return msgspec.json.decode(self.path(MANIFEST_FILE).read_bytes(), type=Manifest)
        except (OSError, msgspec.MsgspecError):
            return Manifest()

    def digest(self, name: str) -> str:
        """sha256 of a file or directory, "" when missing; large files are read once while they do not change."""
        path = self.path(name)
        if not path.exists():
            return ""
        stat = path.stat()
        if path.is_dir() or stat.st_size < DIGEST_CACHE_FROM:
            return digest_file(path)
        known = self._digests()
        cached = known.get(name)
        if cached is None or (cached.size, cached.mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            cached = CachedDigest(sha256=digest_file(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns)
            self.write_json(DIGESTS_FILE, known | {name: cached})
        return cached.sha256

    def _digests(self) -> dict[str, CachedDigest]:
        try:
            return msgspec.json.decode(self.path(DIGESTS_FILE).read_bytes(), type=dict[str, CachedDigest])
        except (OSError, msgspec.MsgspecError):
            return {}

    def is_done(self, stage: str, key: str | None = None) -> bool:
        """True when the stage ended and its outputs are still there; with a key also that it is the same work."""
        record = self.manifest().stages.get(stage)
        if record is None or (key is not None and record.key != key):
            return False
        for name, known in record.outputs.items():
            path = self.path(name)
            if not path.exists():
                return False
            if path.is_file() and name not in REVIEWED_FILES and path.stat().st_size != known.size:
                return False
        return True

    def mark_done(
        self,
        stage: str,
        key: str,
        outputs: Iterable[str],
        *,
        wall: float = 0.0,
        cpu: float = 0.0,
        peak_rss: int = 0,
    ) -> None:
        """Records a finished stage with its outputs; raises FileNotFoundError when one is not there."""
        files: dict[str, FileRecord] = {}
        for name in outputs:
            path = self.path(name)
            size = path.stat().st_size
            files[name] = FileRecord(sha256=self.digest(name), size=size if path.is_file() else 0)
        manifest = self.manifest()
        manifest.stages[stage] = StageRecord(
            key=key,
            outputs=files,
            wall=round(wall, 3),
            cpu=round(cpu, 3),
            peak_rss=peak_rss,
        )
        self.write_json(MANIFEST_FILE, manifest)

    def forget(self, stages: Iterable[str]) -> None:
        """Takes stages out of the manifest, so that they run again (the files stay as caches)."""
        manifest = self.manifest()
        for name in stages:
            manifest.stages.pop(name, None)
        self.write_json(MANIFEST_FILE, manifest)

    def key_of(self, stage: str, files: Iterable[str], *values: object) -> str:
        """A cache key from the digests of input files and any values that JSON can carry."""
        parts = [stage, [[name, self.digest(name)] for name in files], list(values)]
        return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()
