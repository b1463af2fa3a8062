"""What an order would cost: checked as at admission, nothing written."""

from __future__ import annotations

import msgspec
from django.db import connection

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.jobs.services import refusals, validate
from apps.jobs.services.submit import PERMISSION, _document
from apps.plans.selectors import plan_for
from apps.plans.services.estimates import Estimate, estimate
from apps.providers.orders import TranslationOrder

_CHECK = "SELECT wrong::text, duration_ms FROM check_order(%s::jsonb, %s, %s, %s, %s)"


def estimate_order(*, actor: Actor, order: TranslationOrder) -> Estimate:
    """Price of an order for this actor. Raises ApiError 1503, 814 or 5 exactly where `submit` would."""
    require(actor, PERMISSION)
    plan = plan_for(actor.organization)
    if plan is None:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    order, wrong = validate.normalize(order)
    if wrong:
        raise errors.invalid(errors=wrong)
    document = msgspec.json.encode(_document(actor, order, None, "")).decode()
    limits = [actor.organization.pk, plan.max_file_bytes, plan.max_duration, plan.max_targets]
    with connection.cursor() as cursor:
        cursor.execute(_CHECK, [document, *limits])
        found, duration_ms = cursor.fetchone()
    if refused := msgspec.json.decode(found):
        raise refusals.to_error({"code": errors.INVALID, "wrong": refused})
    return estimate(actor=actor, order=order, duration_ms=duration_ms)
