"""Retry: a failed or canceled job starts over as a new attempt with a new hold; finished stages are used again."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from django.conf import settings
from django.db import connection, transaction

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors
from apps.core.ids import new_id
from apps.events import queue
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services import finish, slots
from apps.jobs.services.refusals import to_error
from apps.jobs.services.submit import HOLD_SECONDS, WAKE_SECONDS
from apps.plans.models import Hold
from apps.plans.pricing import billable_items
from apps.projects.models import Asset
from apps.providers.orders import TranslationOrder


def retry_job(*, actor: Actor, job: Job) -> Job:
    """Starts a failed or canceled job again. It costs what a new order would: checks 8 and 9 are made again.

    Raises ApiError 409 for any other status, 5 when its source is gone, 814, 1304 or 104.
    """
    require(actor, "jobs.manage")
    with transaction.atomic():
        job = finish.lock(job)
        if not states.may("retry", job.status) or job.translation is None:
            raise errors.conflict(f"Only a failed or canceled job can be tried again; this one is {job.status}.")
        asset = job.translation.project.source_asset
        _revive(asset)
        slots.take(job)
        attempt = job.attempt + 1
        hold = _place_hold(actor, job, attempt, asset.duration_ms)
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
            deadline_at=clock.now() + timedelta(seconds=settings.JOB_DEADLINE_SECONDS),
            next_run_at=clock.now() + timedelta(seconds=WAKE_SECONDS),
        )
        assert moved, "the row is locked and had ended"
        finish.tell(job, "retry", actor, {"attempt": attempt, "estimate": hold.amount})
        queue.enqueue("advance", job.public_id)
    return job


def _revive(asset: Asset) -> None:
    """A link that could not be used is fetched anew: what it leads to may be right by now."""
    if asset.status == Asset.Status.DELETED:
        raise errors.invalid("source.asset", "The source file has been deleted.")
    if asset.status == Asset.Status.FAILED:
        if not asset.source_url:
            raise errors.invalid("source.asset", f"This file cannot be used: {asset.error}")
        asset.status, asset.error_code, asset.error, asset.probe, asset.duration_ms = "remote", None, "", None, None
        asset.save(update_fields=["status", "error_code", "error", "probe", "duration_ms"])


def _place_hold(actor: Actor, job: Job, attempt: int, duration_ms: int | None) -> Hold:
    items = billable_items(msgspec.convert(job.order, TranslationOrder))
    expires = clock.now() + timedelta(seconds=HOLD_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.hold_id, h.needed, h.available FROM place_hold(%s, %s, %s, %s, price_order(%s, %s, %s, %s), %s, %s, %s::jsonb, %s) h",
            [
                job.organization_id,
                job.pool,
                job.public_id,
                attempt,
                slots.plan_of(job).pk,
                job.service,
                items,
                duration_ms,
                new_id("hld"),
                new_id("led"),
                msgspec.json.encode(actor.as_json()).decode(),
                expires,
            ],
        )
        row = cursor.fetchone()
    assert row is not None
    hold_id, needed, available = row
    if hold_id is None:
        raise to_error(
            {"code": errors.INSUFFICIENT_CREDITS, "needed": needed, "available": available, "pool": job.pool}
        )
    return Hold.objects.get(pk=hold_id)
