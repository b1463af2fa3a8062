"""Workspaces and settings for the engine's tests; costly recognitions are made once per session."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.engine import runner
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask
from apps.engine.transcript import Transcript
from apps.engine.workspace import RECOGNIZED_FILE, Workspace

MakeWorkspace = Callable[..., Workspace]
Recognize = Callable[..., Transcript]


@pytest.fixture(scope="session")
def engine_settings(model_dir: Path) -> EngineSettings:
    """Settings with the installed weights."""
    return EngineSettings(model_dir=str(model_dir), nice=0)


@pytest.fixture(scope="session")
def plain_settings() -> EngineSettings:
    """Settings for stages that need no weights."""
    return EngineSettings(nice=0)


@pytest.fixture
def workspace(tmp_path: Path) -> MakeWorkspace:
    """Makes a workspace around a media file: workspace(path, **fields of EngineTask)."""

    def make(source: Path, name: str = "job", subtitle: bytes | None = None, **fields: Any) -> Workspace:
        fields.setdefault("target_locale", "pt-BR")
        return _make(tmp_path / name, source, subtitle, fields)

    return make


@pytest.fixture(scope="session")
def recognized(
    engine_settings: EngineSettings, shared_media: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recognize]:
    """Runs probe and recognize on a shared clip once per session: recognized("speech/x.wav", **task fields)."""
    known: dict[str, Transcript] = {}

    def recognize(clip: str, **fields: Any) -> Transcript:
        key = f"{clip} {sorted(fields.items())!r}"
        if key not in known:
            fields.setdefault("target_locale", "pt-BR")
            ws = _make(tmp_path_factory.mktemp("recognized"), shared_media / clip, None, fields)
            for stage in ("probe", "recognize"):
                runner.run_stage(ws.root, stage, None, engine_settings)
            known[key] = ws.read_transcript(RECOGNIZED_FILE)
        return known[key]

    yield recognize


@pytest.fixture(scope="session")
def finished(
    engine_settings: EngineSettings, shared_media: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Workspace]]:
    """Runs every stage on a shared clip once per session: finished("speech/x.wav", **task fields). Read only."""
    known: dict[str, Workspace] = {}

    def finish(clip: str, **fields: Any) -> Workspace:
        key = f"{clip} {sorted(fields.items())!r}"
        if key not in known:
            fields.setdefault("target_locale", "pt-BR")
            ws = _make(tmp_path_factory.mktemp("finished"), shared_media / clip, None, fields)
            for stage in runner.plan(ws.task()):
                runner.run_stage(ws.root, stage, None, engine_settings)
            known[key] = ws
        return known[key]

    yield finish


def _make(root: Path, source: Path, subtitle: bytes | None, fields: dict[str, Any]) -> Workspace:
    if subtitle is not None:
        fields = {"subtitle_source": "file", "subtitle_file": "subtitle_in", **fields}
    ws = Workspace.create(root, EngineTask(**fields))
    shutil.copyfile(source, ws.path("source"))
    if subtitle is not None:
        ws.path("subtitle_in").write_bytes(subtitle)
    return ws
