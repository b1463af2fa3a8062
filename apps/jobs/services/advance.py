"""Routing: a new job gets its provider and goes to whoever carries it out."""

from __future__ import annotations

from apps.core import errors
from apps.core.errors import JobError
from apps.events import queue
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services.finish import fail_job
from apps.jobs.services.routing import route
from apps.providers.registry import NoProvider

ENGINE_QUEUE = "engine"


def advance(public_id: str) -> None:
    """Gives a processing job its provider (once) and wakes who works on it. Harmless when repeated."""
    rows = Job.objects.select_related("organization", "base_job", "provider_account")
    job = rows.filter(public_id=public_id, status=states.PROCESSING).first()
    if job is None:
        return
    try:
        provider = route(job)
    except NoProvider as error:
        fail_job(job, JobError(errors.PAIR_UNAVAILABLE, str(error)))
        return
    if provider.remote is None:
        queue.enqueue("run_engine", job.public_id, queue=ENGINE_QUEUE)
    elif job.next_poll_at is None:
        queue.enqueue("submit_remote", job.public_id)
