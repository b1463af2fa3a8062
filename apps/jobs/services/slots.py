"""Concurrency slots for jobs that come back: resumed and retried ones pass check 8 again (code 1304)."""

from __future__ import annotations

from django.db import connection

from apps.core import errors
from apps.jobs.models import Job
from apps.jobs.services.refusals import to_error
from apps.plans.models import Plan, Service
from apps.plans.selectors import plan_for


def plan_of(job: Job) -> Plan:
    """The plan in force for a job's organization; raises ApiError 814 when there is none."""
    plan = plan_for(job.organization)
    if plan is None:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    return plan


def take(job: Job) -> None:
    """Takes the job's slots, inside a transaction that holds the job's row; raises ApiError 814 or 1304."""
    plan = plan_of(job)
    limit = plan.translate_concurrency if job.service == Service.TRANSLATE else plan.lipsync_concurrency
    key_limit = job.api_key.max_concurrency if job.api_key is not None else None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lock_slots(%s, %s, %s, %s, %s, 1)",
            [job.organization_id, job.api_key_id, job.service, limit, key_limit],
        )
        row = cursor.fetchone()
        assert row is not None
        if row[0]:
            reached = key_limit if row[0] == "key" and key_limit is not None else limit
            raise to_error({"code": errors.CONCURRENCY, "full": row[0], "limit": reached})
        cursor.execute("SELECT move_slots(%s, %s, %s, 1)", [job.organization_id, job.api_key_id, job.service])
