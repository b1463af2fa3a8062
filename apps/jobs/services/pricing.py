"""What a job costs, and the hold that a later attempt of it needs."""

from __future__ import annotations

from collections.abc import Container
from datetime import timedelta

import msgspec
from django.db import connection

from apps.accounts.actor import Actor
from apps.core import clock, errors
from apps.core.ids import new_id
from apps.jobs.models import Job
from apps.jobs.services import rework
from apps.jobs.services.orders import order_of
from apps.jobs.services.refusals import to_error
from apps.jobs.services.submit import HOLD_SECONDS
from apps.plans.models import Hold
from apps.plans.selectors import plan_for
from apps.plans.services import price_measured


def price(job: Job, measured_ms: int, *, without: Container[str] = ()) -> int:
    """What the job costs at its measured length, milli-credits; an iteration by its changed lines.

    Items in `without` (plans.pricing.billable_items) are left out. A subscription that ended meanwhile has no prices any more: then it
    costs what was set aside.
    """
    plan = plan_for(job.organization)
    if plan is None:
        return job.hold.amount if job.hold is not None else 0
    if job.base_job_id is not None:
        return rework.price_of(job, plan_id=plan.pk, duration_ms=measured_ms, without=without)
    return price_measured(plan_id=plan.pk, order=order_of(job), measured_ms=measured_ms, without=without)


def price_again(job: Job, *, plan_id: int, duration_ms: int | None) -> int:
    """What another attempt of an ended job needs; duration None: not known yet."""
    if job.base_job_id is not None:
        return rework.price_of(job, plan_id=plan_id, duration_ms=duration_ms or 0)
    return price_measured(plan_id=plan_id, order=order_of(job), measured_ms=duration_ms)


def place_hold(actor: Actor, job: Job, *, attempt: int, amount: int) -> Hold:
    """Sets `amount` aside for an attempt, inside the caller's transaction; raises ApiError 104."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.hold_id, h.needed, h.available FROM place_hold(%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s) h",
            [
                job.organization_id,
                job.pool,
                job.public_id,
                attempt,
                amount,
                new_id("hld"),
                new_id("led"),
                msgspec.json.encode(actor.as_json()).decode(),
                clock.now() + timedelta(seconds=HOLD_SECONDS),
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
