"""What an order would cost and who could carry it out, before it is placed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.jobs.services import refusals, validate
from apps.jobs.services.submit import PERMISSION, make_document
from apps.plans.selectors import plan_for
from apps.plans.services import Estimate, estimate
from apps.projects.services.fetch import engine_settings
from apps.providers.local.provider import LOCAL
from apps.providers.orders import TranslationOrder
from apps.providers.registry import PROVIDERS


@dataclass(frozen=True, slots=True)
class OfferedProvider:
    """A provider as customers see it; capabilities are JSON data."""

    name: str
    title: str
    available: bool
    capabilities: Mapping[str, Any]


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


def providers_offered() -> list[OfferedProvider]:
    """All providers in the order of routing."""
    LOCAL.use(engine_settings())
    offered = []
    for provider in PROVIDERS.values():
        able = provider.capabilities()
        offered.append(
            OfferedProvider(
                name=provider.name,
                title=provider.title,
                available=True,
                capabilities={
                    "steps": sorted(able.steps),
                    "subtitle_sources": sorted(able.subtitle_sources),
                    "export_types": sorted(able.export_types),
                    "media_types": sorted(able.media_types),
                    "options": sorted(able.options),
                    "remarks": list(able.remarks),
                },
            )
        )
    return offered
