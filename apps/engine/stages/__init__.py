"""The stages by name. A stage's module is imported only when it runs: models and codecs stay out of other processes."""

from __future__ import annotations

import importlib
from typing import Protocol

from apps.engine.task import EngineTask
from apps.engine.workspace import Workspace

STAGES: dict[str, str] = {
    "probe": "apps.engine.stages.probe",
    "separate": "apps.engine.stages.separate",
    "recognize": "apps.engine.stages.recognize",
    "translate": "apps.engine.stages.translate",
    "speak": "apps.engine.stages.speak",
    "dub_lipsync": "apps.engine.stages.dub_lipsync",
    "render": "apps.engine.stages.render",
    "lipsync": "apps.engine.stages.lipsync",
    "faces": "apps.engine.stages.faces",
}
"""Stage name -> module with a STAGE object, in the order of work; lipsync is the one stage of a lip-sync job, faces a look before it."""


class Report(Protocol):
    """Tells progress: `done` of `total` units ("line", "second", "frame"); cheap, may be called often."""

    def __call__(self, done: float, total: float, unit: str) -> None: ...


class Stage(Protocol):
    """One step of the pipeline over a workspace. All of it runs in the stage's own limited process."""

    name: str

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        """Workspace files it reads."""
        ...

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        """Workspace files or directories it leaves; all must exist when run returns."""
        ...

    def key(self, task: EngineTask, ws: Workspace) -> str:
        """What the result depends on: the same key means the work need not be done again."""
        ...

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Does the work; raises JobError with a numbered reason."""
        ...


def load_stage(name: str) -> Stage:
    """Imports a stage; raises KeyError for an unknown name."""
    stage: Stage = importlib.import_module(STAGES[name]).STAGE
    return stage
