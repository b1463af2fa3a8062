"""What an order would cost, before it is placed."""

from __future__ import annotations

import msgspec
from django.db import connection

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.jobs.services import refusals
from apps.jobs.services.submit import PERMISSION, make_document, normalize
from apps.plans.selectors import plan_for
from apps.plans.services import Estimate, estimate
from apps.providers.orders import LipsyncOrder, Order


def estimate_order(*, actor: Actor, order: Order) -> Estimate:
    """Checks an order as admission does (check 6) and prices it; nothing is set aside. Raises ApiError 5, 814 or 1503."""
    require(actor, PERMISSION)
    plan = plan_for(actor.organization)
    if plan is None:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    order, wrong = normalize(actor, order)
    if wrong:
        raise errors.invalid(errors=wrong)
    document = msgspec.json.encode(make_document(actor, order)).decode()
    limits = [actor.organization.pk, plan.max_file_bytes, plan.max_duration]
    call, assumes = "check_lipsync(%s::jsonb, %s, %s, %s)", "c.assumes"
    if not isinstance(order, LipsyncOrder):
        call, assumes = "check_order(%s::jsonb, %s, %s, %s, %s)", "c.duration_ms IS NULL"
        limits.append(plan.max_targets)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT c.wrong::text, c.duration_ms, {assumes} FROM {call} c", [document, *limits])
        row = cursor.fetchone()
    assert row is not None
    found = msgspec.json.decode(row[0])
    if found:
        raise refusals.to_error({"code": errors.INVALID, "wrong": found})
    return estimate(actor=actor, order=order, duration_ms=row[1], assumed=row[2])
