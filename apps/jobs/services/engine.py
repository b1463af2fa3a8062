"""The worker's door to the built-in engine: takes a job up, and says what becomes of it when something goes wrong."""

from __future__ import annotations

import logging
import shutil

import structlog
from django.conf import settings

from apps.core import errors
from apps.core.errors import JobError
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services import finish
from apps.jobs.services.engine_run import EngineRun, workspace_path
from apps.jobs.services.leases import Lease, LeaseLost, claim, give_back
from apps.jobs.services.lipsync_files import InputError
from apps.jobs.services.lipsync_run import LipsyncRun
from apps.jobs.services.orders import is_lipsync
from apps.projects.services.fetch import fail_asset

__all__ = ["run_engine", "workspace_path"]

logger = logging.getLogger(__name__)
RETRY_SECONDS = 10.0
MAY_PASS = frozenset({errors.RESOURCES, errors.ENGINE_FAULT})
"""Codes behind which there may be a killed child or a full machine: worth a second try before the customer hears of it."""
MAY_PASS_TRIES = 2
SPOILED = frozenset({errors.DAMAGED, errors.TYPE_REFUSED, errors.LIMITS})
"""Codes that say something about the file itself: later orders of the same asset are refused at once."""


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
            run = LipsyncRun(job, lease) if is_lipsync(job) else EngineRun(job, lease)
            run.drive()
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


def _spoil(job: Job, error: JobError) -> None:
    if isinstance(error, InputError):
        fail_asset(error.asset, error.plain)
    if job.translation is not None:
        asset = job.translation.project.source_asset
        asset.refresh_from_db()
        fail_asset(asset, error)


def _clean_up_after_loss(job: Job) -> None:
    """Removes the files of a job that was canceled under our hands; whoever else has it keeps them."""
    if Job.objects.filter(pk=job.pk, status=states.CANCELED).exists():
        shutil.rmtree(workspace_path(job), ignore_errors=True)
