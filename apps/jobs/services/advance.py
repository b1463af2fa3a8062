"""Routing: a new job gets its provider and goes to whoever carries it out."""

from __future__ import annotations

import msgspec

from apps.core import errors
from apps.core.errors import JobError
from apps.events import log, queue
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services.finish import fail_job
from apps.projects.services.fetch import engine_settings
from apps.providers.base import Provider
from apps.providers.local.provider import LOCAL
from apps.providers.orders import TranslationOrder
from apps.providers.registry import PROVIDERS, NoProvider, choose

ENGINE_QUEUE = "engine"


def advance(public_id: str) -> None:
    """Gives a processing job its provider (once) and wakes who works on it. Harmless when repeated."""
    job = Job.objects.select_related("organization").filter(public_id=public_id, status=states.PROCESSING).first()
    if job is None:
        return
    provider = PROVIDERS.get(job.provider) if job.provider and job.provider_ref else None
    if provider is None:
        try:
            provider = route(job)
        except NoProvider as error:
            fail_job(job, JobError(errors.PAIR_UNAVAILABLE, str(error)))
            return
    if provider.remote is None:
        queue.enqueue("run_engine", job.public_id, queue=ENGINE_QUEUE)
    elif job.provider_ref:
        queue.enqueue("collect_remote", job.public_id)
    else:
        queue.enqueue("submit_remote", job.public_id)


def route(job: Job) -> Provider:
    """Chooses and keeps the provider: the order's, else the organization's preference, else the first that covers it."""
    LOCAL.use(engine_settings())
    order = msgspec.convert(job.order, TranslationOrder)
    provider = choose(order, preferred=job.organization.preferred_provider)
    if Job.objects.filter(pk=job.pk, provider_ref="").exclude(provider=provider.name).update(provider=provider.name):
        log.record(
            type="job.routed",
            actor=None,
            organization_id=job.organization_id,
            subject=job,
            data={"provider": provider.name},
        )
    return provider
