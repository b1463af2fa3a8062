"""A job's order as it was admitted: Job.order read into the struct of its service."""

from __future__ import annotations

import msgspec

from apps.jobs.models import Job
from apps.plans.models import Service
from apps.providers.orders import LipsyncOrder, Order, TranslationOrder


def order_of(job: Job) -> Order:
    """The order of either service."""
    return lipsync_order(job) if is_lipsync(job) else msgspec.convert(job.order, TranslationOrder)


def lipsync_order(job: Job) -> LipsyncOrder:
    """The order of a job that is known to be a lip-sync job."""
    return msgspec.convert(job.order, LipsyncOrder)


def is_lipsync(job: Job) -> bool:
    """Whether the job is a lip-sync render: such a job has inputs and no translation."""
    return job.service == Service.LIPSYNC
