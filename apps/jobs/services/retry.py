"""Retry: a failed or canceled job starts over as a new attempt with a new hold; finished stages are used again."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors
from apps.events import queue
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services import finish, pricing, slots
from apps.jobs.services.lipsync_files import billed_ms, inputs_of
from apps.jobs.services.submit import WAKE_SECONDS
from apps.projects.models import Asset


def retry_job(*, actor: Actor, job: Job) -> Job:
    """Starts a failed or canceled job again. It costs what a new order would: checks 8 and 9 are made again.

    Raises ApiError 409 for any other status, 5 when its source is gone, 814, 1304 or 104.
    """
    require(actor, "jobs.manage")
    with transaction.atomic():
        job = finish.lock(job)
        if not states.may("retry", job.status):
            raise errors.conflict(f"Only a failed or canceled job can be tried again; this one is {job.status}.")
        duration = _revive_all(job)
        slots.take(job)
        attempt = job.attempt + 1
        amount = pricing.price_again(job, plan_id=slots.plan_of(job).pk, duration_ms=duration)
        hold = pricing.place_hold(actor, job, attempt=attempt, amount=amount)
        moved = finish.move_status(
            job,
            "retry",
            stage=states.QUEUED,
            attempt=attempt,
            tries=0,
            hold=hold,
            estimate=hold.amount,
            measured_ms=None,
            error_code=None,
            error="",
            timings={},
            progress_fraction=0.0,
            progress_done=0,
            progress_total=0,
            progress_unit="",
            cancel_requested_at=None,
            finished_at=None,
            started_at=None,
            provider_ref="",
            provider_account=None,
            poll_failures=0,
            close_at=None,
            close_tries=0,
            provider_memo={} if job.provider_account_id is not None else job.provider_memo,
            deadline_at=clock.now() + timedelta(seconds=settings.JOB_DEADLINE_SECONDS),
            next_run_at=clock.now() + timedelta(seconds=WAKE_SECONDS),
        )
        assert moved, "the row is locked and had ended"
        finish.tell(job, "retry", actor, {"attempt": attempt, "estimate": hold.amount})
        queue.enqueue("advance", job.public_id)
    return job


def _revive_all(job: Job) -> int | None:
    """The job's files made usable again; the length that it is billed by, as far as it is known, in ms."""
    if job.translation is not None:
        asset = job.translation.project.source_asset
        _revive(asset, "source.asset")
        return asset.duration_ms
    for name, asset in inputs_of(job).items():
        _revive(asset, name)
    return billed_ms(job)


def _revive(asset: Asset, field: str) -> None:
    """A link that could not be used is fetched anew: what it leads to may be right by now."""
    if asset.status == Asset.Status.DELETED:
        raise errors.invalid(field, "The source file has been deleted.")
    if asset.status == Asset.Status.FAILED:
        if not asset.source_url:
            raise errors.invalid(field, f"This file cannot be used: {asset.error}")
        asset.status, asset.error_code, asset.error, asset.probe, asset.duration_ms = "remote", None, "", None, None
        asset.save(update_fields=["status", "error_code", "error", "probe", "duration_ms"])
