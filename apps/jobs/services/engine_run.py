"""One take-up of a job by the built-in engine: its stages in order, each a checkpoint."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction

from apps.engine import runner
from apps.engine.settings import EngineSettings
from apps.engine.workspace import Workspace
from apps.events import log
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.progress import Progress
from apps.jobs.services import fetching, publish, review, takeover
from apps.jobs.services.leases import Lease, LeaseLost


def workspace_path(job: Job) -> Path:
    """The job's directory on this machine; another machine starts over in its own."""
    return Path(settings.WORK_DIR) / job.public_id


class EngineRun:
    """One take-up of a job by this process."""

    engine_stages: ClassVar[dict[str, str]] = {states.LIPSYNC: "dub_lipsync"}
    """The engine's own name of a stage where it differs from the job's."""

    def __init__(self, job: Job, lease: Lease) -> None:
        self.job = job
        self.lease = lease
        self.workspace = Workspace(workspace_path(job))
        self.settings = self._settings()
        self.timings: dict[str, int] = dict(job.timings)
        self.review_after = str(job.order.get("review_after") or "never")
        self.stages = self._stages()
        self.progress = Progress(job, lease.owner, self.stages)
        self.measured_ms = 0

    def drive(self) -> None:
        """All stages in order. Returns when the job is paused or completed; raises JobError or LeaseLost."""
        for stage in self.stages:
            if stage in (states.QUEUED, states.DONE):
                continue
            if stage == states.REVIEW:
                if self._pause():
                    return
                continue
            self._enter(stage)
            began = time.monotonic()
            if stage == states.PUBLISH:
                if self._publish(began):
                    shutil.rmtree(self.workspace.root, ignore_errors=True)
                    return
                raise LeaseLost(self.lease.owner)
            self._work(stage)
            self._after(stage)
            self._leave(stage, began)

    def _settings(self) -> EngineSettings:
        return takeover.settings_for(self.job)

    def _stages(self) -> list[str]:
        steps: list[str] = self.job.order["steps"]
        return states.stages_for(
            voice="voice" in steps,
            review_after=self.review_after,
            given=self.job.base_job_id is not None,
            lipsync="lipsync" in steps,
        )

    def _work(self, stage: str) -> None:
        """One stage, done in full or passed because it was done before."""
        if stage == states.FETCH:
            fetching.fetch(self.job, self.workspace, self.progress.report, self._stopped)
        else:
            name = self.engine_stages.get(stage, stage)
            runner.run_stage(self.workspace.root, name, self.progress.report, self.settings, self._stopped)

    def _stopped(self) -> bool:
        return self.lease.lost

    def _enter(self, stage: str) -> None:
        self.lease.check()
        if not self.progress.enter(stage):
            raise LeaseLost(self.lease.owner)
        if stage not in self.timings:
            self._tell(stage, "started", {"try": self.job.tries} if self.job.tries > 1 else {})

    def _leave(self, stage: str, began: float) -> None:
        """Keeps the stage's time, once: stages that an earlier worker finished are passed in no time."""
        if stage in self.timings:
            return
        self.timings[stage] = round((time.monotonic() - began) * 1000)
        mine = Job.objects.filter(pk=self.job.pk, status=states.PROCESSING, lease_owner=self.lease.owner)
        with transaction.atomic():
            if not mine.update(timings=self.timings):
                raise LeaseLost(self.lease.owner)
            self._tell(stage, "finished", {"ms": self.timings[stage]})

    def _tell(self, stage: str, state: str, more: dict[str, Any]) -> None:
        log.record(
            type="job.stage",
            actor=None,
            organization_id=self.job.organization_id,
            subject=self.job,
            data={"stage": stage, "state": state} | more,
        )

    def _after(self, stage: str) -> None:
        """What the portal takes over from a finished stage."""
        if stage == states.PROBE:
            self.measured_ms = takeover.measure(self.job, self.workspace, self.lease.owner)
        elif stage == states.TRANSLATE and self.review_after != states.TRANSLATE and stage not in self.timings:
            takeover.keep_translation(self.job, self.workspace, self.lease.owner)
        elif stage == states.SPEAK:
            takeover.keep_voices(self.job, self.workspace, self.lease.owner)
        elif stage == states.LIPSYNC:
            takeover.keep_lipsync(self.job, self.workspace, self.lease.owner)
        if stage == self.review_after and self.job.reviewed_stage == stage:
            takeover.overlay(self.job, self.workspace, stage)

    def _pause(self) -> bool:
        """The gate: True when the job paused here, False when it was passed before."""
        stage = self.review_after
        if self.job.reviewed_stage == stage:
            return False
        document = self.workspace.read_transcript(takeover.transcript_name(stage))
        if not review.pause_job(self.job, owner=self.lease.owner, stage=stage, document=document):
            raise LeaseLost(self.lease.owner)
        return True

    def _publish(self, began: float) -> bool:
        artefacts = publish.store_outputs(self.job, self.workspace, self.progress.report, self.lease.check)
        self.timings[states.PUBLISH] = round((time.monotonic() - began) * 1000)
        return publish.complete(
            self.job,
            owner=self.lease.owner,
            artefacts=artefacts,
            measured_ms=self.measured_ms,
            timings=self.timings,
        )
