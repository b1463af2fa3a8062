"""What an order would cost, before it is placed."""

from __future__ import annotations

import msgspec
from django.db import connection

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.jobs.services import refusals, validate
from apps.jobs.services.submit import PERMISSION, make_document
from apps.plans.selectors import plan_for
from apps.plans.services import Estimate, estimate
from apps.providers.orders import TranslationOrder


def estimate_order(*, actor: Actor, order: TranslationOrder) -> Estimate:
    """Checks an order as admission does (check 6) and prices it; nothing is set aside. Raises ApiError 5, 814 or 1503."""
    require(actor, PERMISSION)
    plan = plan_for(actor.organization)
    if plan is None:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    order, wrong = validate.normalize(order)
    if wrong:
        raise errors.invalid(errors=wrong)
    document = msgspec.json.encode(make_document(actor, order)).decode()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.wrong::text, c.duration_ms FROM check_order(%s::jsonb, %s, %s, %s, %s) c",
            [document, actor.organization.pk, plan.max_file_bytes, plan.max_duration, plan.max_targets],
        )
        row = cursor.fetchone()
    assert row is not None
    found = msgspec.json.decode(row[0])
    if found:
        raise refusals.to_error({"code": errors.INVALID, "wrong": found})
    return estimate(actor=actor, order=order, duration_ms=row[1])
