"""Concurrency slots for jobs that come back: resumed and retried ones pass check 8 again (code 1304)."""

from __future__ import annotations

import logging
from typing import Final

from django.db import connection, transaction

from apps.core import errors
from apps.jobs.models import Job
from apps.jobs.services.refusals import to_error
from apps.plans.models import Plan, Service
from apps.plans.selectors import plan_for

logger = logging.getLogger(__name__)
_TAKEN: Final = """
    SELECT c.id, c.running, coalesce(sum(j.jobs), 0)::int
      FROM jobs_concurrencycounter c
      LEFT JOIN (SELECT organization_id, api_key_id, service, count(*) AS jobs FROM jobs_job
                  WHERE status = 'processing' GROUP BY 1, 2, 3) j
        ON j.organization_id = c.organization_id AND j.service = c.service
       AND (c.api_key_id IS NULL OR j.api_key_id = c.api_key_id)
     WHERE %(id)s::bigint IS NULL OR c.id = %(id)s
     GROUP BY c.id HAVING c.running <> coalesce(sum(j.jobs), 0)
"""


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


def repair() -> int:
    """Sets counters right that differ from the jobs in processing; returns how many did. None should, ever.

    Whoever moves a job moves its counter in the same transaction, so under the counter's lock committed rows are the truth.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, {"id": None})  # a first look without locks: jobs on the move may differ for a moment
        suspects = [row[0] for row in cursor.fetchall()]
    return sum(_repair(counter) for counter in suspects)


@transaction.atomic
def _repair(counter: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM jobs_concurrencycounter WHERE id = %s FOR NO KEY UPDATE", [counter])
        cursor.execute(_TAKEN, {"id": counter})
        row = cursor.fetchone()
        if row is None:
            return False
        logger.error("concurrency counter was wrong", extra={"counter": counter, "was": row[1], "is": row[2]})
        cursor.execute("UPDATE jobs_concurrencycounter SET running = %s WHERE id = %s", [row[2], counter])
    return True
