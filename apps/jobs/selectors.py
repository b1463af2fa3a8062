"""Reads of jobs: one door per object; another organization's object does not exist. Lists page by keyset, never by count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.core.ids import is_id
from apps.events.models import Event
from apps.jobs.models import Artefact, Job
from apps.plans.models import Service
from apps.projects.selectors import Page, read_cursor
from apps.projects.services.fetch import engine_settings
from apps.providers.local.provider import LOCAL
from apps.providers.registry import PROVIDERS


def job_for(actor: Actor, public_id: str) -> Job:
    """The job with hold, translation, project and source asset loaded; ApiError 404 when it is not of this organization."""
    require(actor, "jobs.view")
    row = _jobs(actor).filter(public_id=public_id).first()
    if row is None:
        raise errors.not_found("job")
    return row


def jobs_for(
    actor: Actor,
    *,
    status: str = "",
    model: str = "",
    search: str = "",
    cursor: str = "",
    limit: int = 50,
) -> Page[Job]:
    """Jobs, newest first, with artefacts loaded. `search` looks into id, project name, file name and language."""
    require(actor, "jobs.view")
    rows = _jobs(actor).prefetch_related("artefacts")
    if status:
        rows = rows.filter(status=status)
    if model:
        rows = rows.filter(model=model)
    if search := search.strip():
        rows = rows.filter(_matches(search))
    if cursor:
        rows = rows.filter(id__lt=read_cursor(cursor))
    found = list(rows.order_by("-id")[: limit + 1])
    return Page(found[:limit], str(found[limit - 1].pk) if len(found) > limit else "")


def artefacts_for(actor: Actor, job: Job) -> list[Artefact]:
    """The files of a job that was got through job_for, the main result first."""
    require(actor, "jobs.view")
    return list(Artefact.objects.filter(job=job, organization=actor.organization).order_by("-is_main", "position", "id"))


def artefact_for(actor: Actor, public_id: str) -> Artefact:
    """One file with its job; ApiError 404."""
    require(actor, "jobs.view")
    rows = Artefact.objects.select_related("job").filter(organization=actor.organization, public_id=public_id)
    row = rows.first()
    if row is None:
        raise errors.not_found("artefact")
    return row


def events_for_job(actor: Actor, job: Job, *, after: int = 0, limit: int = 1000) -> list[Event]:
    """The job's timeline, oldest first, from the event after `after`."""
    require(actor, "jobs.view")
    rows = Event.objects.filter(subject_id=job.public_id, organization_id=actor.organization.pk, id__gt=after)
    return list(rows.order_by("id")[:limit])


@dataclass(frozen=True, slots=True)
class OfferedProvider:
    """An entry of GET /providers; capabilities is plain data."""

    name: str
    title: str
    available: bool
    capabilities: Mapping[str, Any]


def providers_offered() -> Sequence[OfferedProvider]:
    """What carries jobs out here, in the order of routing, with what each can do now."""
    LOCAL.use(engine_settings())
    offered = []
    for provider in PROVIDERS.values():
        able = provider.capabilities()
        data = {
            "steps": sorted(able.steps),
            "subtitle_sources": sorted(able.subtitle_sources),
            "export_types": sorted(able.export_types),
            "media_types": sorted(able.media_types),
            "options": sorted(able.options),
            "max_bytes": able.max_bytes or None,
            "max_seconds": able.max_seconds or None,
            "remarks": list(able.remarks),
        }
        offered.append(OfferedProvider(provider.name, provider.title, bool(able.steps), data))
    return offered


def running_count(actor: Actor, service: str = Service.TRANSLATE) -> int:
    """Jobs of the organization that are queued or running now, in one service."""
    return Job.objects.filter(
        organization=actor.organization, service=service, status=Job.Status.PROCESSING
    ).count()


def _jobs(actor: Actor) -> QuerySet[Job]:
    rows = Job.objects.filter(organization=actor.organization)
    return rows.select_related("hold", "translation__project__source_asset", "api_key", "created_by")


def _matches(search: str) -> Q:
    if is_id(search, "job"):
        return Q(public_id=search)
    return (
        Q(target_locale__istartswith=search)
        | Q(translation__project__name__icontains=search)
        | Q(translation__project__source_asset__file_name__icontains=search)
        | Q(public_id__icontains=search)
    )
