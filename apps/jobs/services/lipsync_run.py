"""One take-up of a lip-sync job by the built-in engine: fetch, probe, lipsync, publish."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.outputs import Output
from apps.engine.settings import EngineSettings
from apps.engine.workspace import OUT_MANIFEST
from apps.jobs import states
from apps.jobs.services import lipsync_files, takeover
from apps.jobs.services.engine_run import EngineRun
from apps.projects.services.fetch import engine_settings


class LipsyncRun(EngineRun):
    """The stages of a lip-sync job; pausing has no place among them."""

    engine_stages: ClassVar[dict[str, str]] = {}

    def _settings(self) -> EngineSettings:
        return engine_settings()

    def _stages(self) -> list[str]:
        return states.lipsync_stages()

    def _work(self, stage: str) -> None:
        if stage == states.FETCH:
            lipsync_files.fetch(self.job, self.workspace, self.progress.report, self._stopped)
        elif stage == states.PROBE:
            self.measured_ms = lipsync_files.probe(
                self.job, self.workspace, self.settings, self.progress.report, self._stopped
            )
            takeover.fit_hold(self.job, self.measured_ms, self.lease.owner)
        else:
            try:
                super()._work(stage)
            except JobError as error:
                raise lipsync_files.blamed(self.job, error) from None

    def _after(self, stage: str) -> None:
        if stage == states.LIPSYNC:
            # What was made is charged, never more of it than was sound: a last frame may reach over the end.
            self.measured_ms = min(self.measured_ms, self._made_ms())

    def _made_ms(self) -> int:
        """Length of the result."""
        outputs = msgspec.json.decode(self.workspace.path(OUT_MANIFEST).read_bytes(), type=list[Output])
        lengths = [output.duration for output in outputs if output.main and output.duration > 0]
        if not lengths:
            raise JobError(errors.ENGINE_FAULT, "the lip-sync stage made no video")
        return round(lengths[0] * 1000)
