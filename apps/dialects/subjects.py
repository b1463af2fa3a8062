"""What resources stand for: our jobs, read through jobs' own door."""

from __future__ import annotations

from collections.abc import Iterable

from apps.accounts.actor import Actor
from apps.core import errors
from apps.dialects.models import Resource
from apps.jobs.models import Job
from apps.jobs.selectors import jobs_by_id


def job_of(actor: Actor, resource: Resource) -> Job:
    """The job that a resource stands for, with its artefacts at hand. Raises ApiError 4040."""
    found = jobs_by_id(actor, [resource.subject]).get(resource.subject)
    if found is None:
        raise errors.not_found(resource.kind)
    return found


def jobs_of(actor: Actor, resources: Iterable[Resource]) -> dict[str, Job]:
    """Subject -> job of many resources in two queries (jobs, artefacts), however many there are."""
    return jobs_by_id(actor, [resource.subject for resource in resources])
