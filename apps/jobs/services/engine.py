"""Carries one job through the built-in engine, stage by stage, resuming where an earlier worker was stopped."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.db import transaction

from apps.core import errors
from apps.core.errors import JobError
from apps.engine import runner
from apps.engine.transcript import Transcript as Document
from apps.engine.workspace import PROBE_FILE, RECOGNIZED_FILE, TRANSCRIPT_FILE, Workspace
from apps.events import log
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.progress import Progress
from apps.jobs.services import fetching, finish, publish, review
from apps.jobs.services.leases import Lease, LeaseLost, claim, give_back
from apps.plans.services import resize_hold
from apps.projects.models import Transcript
from apps.projects.selectors import transcript_for
from apps.projects.services import save_revision
from apps.projects.services.fetch import engine_settings, fail_asset, remember_probe

logger = logging.getLogger(__name__)
RETRY_SECONDS = 10.0
MAY_PASS = frozenset({errors.RESOURCES, errors.ENGINE_FAULT})
"""Codes behind which there may be a killed child or a full machine: worth a second try before the customer hears of it."""
MAY_PASS_TRIES = 2
SPOILED = frozenset({errors.DAMAGED, errors.TYPE_REFUSED, errors.LIMITS})
"""Codes that say something about the file itself: later orders of the same asset are refused at once."""


def workspace_path(job: Job) -> Path:
    """The job's directory on this machine; another machine starts over in its own."""
    return Path(settings.WORK_DIR) / job.public_id


def run_engine(public_id: str) -> bool:
    """Takes a job up and works on it until it pauses or ends. False when there was nothing to take.

    A message may come twice or late: the claim decides. Whatever goes wrong inside is the job's numbered error, except
    faults of our own, which give the job back to be tried again (JOB_MAX_TRIES times in all).
    """
    job = claim(public_id)
    if job is None:
        return False
    with structlog.contextvars.bound_contextvars(job=public_id), Lease(job) as lease:
        try:
            EngineRun(job, lease).drive()
        except LeaseLost:
            logger.info("job taken away")
            _clean_up_after_loss(job)
        except JobError as error:
            if lease.lost:
                _clean_up_after_loss(job)
            elif error.code in MAY_PASS and job.tries < MAY_PASS_TRIES:
                logger.warning("stage ended badly, once more", extra={"code": error.code, "reason": error.reason})
                give_back(job, seconds=RETRY_SECONDS)
            elif not finish.fail_job(job, error, owner=lease.owner):
                _clean_up_after_loss(job)
            elif error.code in SPOILED:
                _spoil(job, error)
        except Exception:
            logger.exception("fault while working on a job")
            if job.tries >= settings.JOB_MAX_TRIES:
                finish.fail_job(job, JobError(errors.ENGINE_FAULT), owner=lease.owner)
            else:
                give_back(job, seconds=RETRY_SECONDS)
        except BaseException:
            # The process is asked to stop (a deployment): the job goes on elsewhere, and this try does not count.
            give_back(job, count=False)
            raise
    return True


class EngineRun:
    """One take-up of a job by this process."""

    def __init__(self, job: Job, lease: Lease) -> None:
        assert job.translation is not None, "lip-sync jobs have no translation and no local engine"
        self.job = job
        self.lease = lease
        self.translation = job.translation
        self.workspace = Workspace(workspace_path(job))
        self.settings = engine_settings()
        self.timings: dict[str, int] = dict(job.timings)
        steps: list[str] = job.order["steps"]
        self.review_after = str(job.order.get("review_after") or "never")
        self.stages = states.stages_for(voice="voice" in steps, review_after=self.review_after)
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
            if stage == states.FETCH:
                fetching.fetch(self.job, self.workspace, self.progress.report, self._stopped)
            elif stage == states.PUBLISH:
                if self._publish(began):
                    shutil.rmtree(self.workspace.root, ignore_errors=True)
                    return
                raise LeaseLost(self.lease.owner)
            else:
                runner.run_stage(self.workspace.root, stage, self.progress.report, self.settings, self._stopped)
                self._after(stage)
            self._leave(stage, began)

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
            self._measure()
        elif stage == states.TRANSLATE and self.review_after != states.TRANSLATE and stage not in self.timings:
            document = self.workspace.read_transcript(TRANSCRIPT_FILE)
            save_revision(
                actor=None,
                translation=self.translation,
                document=document,
                origin=Transcript.Origin.TRANSLATED,
            )
        if stage == self.review_after and self.job.reviewed_stage == stage:
            self._overlay(stage)

    def _measure(self) -> None:
        """The measured length: kept on the asset, and the hold fitted to it while it was only assumed before."""
        found: dict[str, Any] = self.workspace.read_json(PROBE_FILE)
        asset = self.translation.project.source_asset
        remember_probe(asset, found)
        self.measured_ms = asset.duration_ms or 0
        hold = self.job.hold
        # Once for each attempt: a price that rises while the job is under way is not this customer's.
        if hold is None or self.job.measured_ms is not None:
            return
        wanted = publish.price(self.job, self.measured_ms)
        key = f"resize:{self.job.public_id}:{self.job.attempt}"
        with transaction.atomic():
            if hold.amount != wanted and not resize_hold(hold=hold, amount=wanted, business_key=key):
                raise JobError(10910)
            Job.objects.filter(pk=self.job.pk, lease_owner=self.lease.owner).update(
                measured_ms=self.measured_ms, estimate=wanted
            )

    def _overlay(self, stage: str) -> None:
        """The reviewed transcript replaces what the stage made; done again on every take-up, it changes nothing."""
        reviewed = transcript_for(self.translation, self.job.reviewed_revision)
        name = RECOGNIZED_FILE if stage == states.RECOGNIZE else TRANSCRIPT_FILE
        document = msgspec.convert(reviewed.document, Document)
        if self.workspace.read_transcript(name) != document:
            self.workspace.write_transcript(name, document)

    def _pause(self) -> bool:
        """The gate: True when the job paused here, False when it was passed before."""
        stage = self.review_after
        if self.job.reviewed_stage == stage:
            return False
        name = RECOGNIZED_FILE if stage == states.RECOGNIZE else TRANSCRIPT_FILE
        document = self.workspace.read_transcript(name)
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


def _spoil(job: Job, error: JobError) -> None:
    if job.translation is not None:
        asset = job.translation.project.source_asset
        asset.refresh_from_db()
        fail_asset(asset, error)


def _clean_up_after_loss(job: Job) -> None:
    """Removes the files of a job that was canceled under our hands; whoever else has it keeps them."""
    if Job.objects.filter(pk=job.pk, status=states.CANCELED).exists():
        shutil.rmtree(workspace_path(job), ignore_errors=True)
