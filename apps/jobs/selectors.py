"""Reads of jobs: one door per object, keyset lists without COUNT; another tenant's job does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.events.models import Event
from apps.jobs.models import Artefact, Job
from apps.projects.models import Transcript, Translation
from apps.projects.selectors import Page, read_cursor
from apps.projects.selectors import transcript_for as _transcript_for
from apps.projects.services.fetch import engine_settings
from apps.providers.local.provider import LOCAL
from apps.providers.registry import PROVIDERS

RELATED = ("translation__project__source_asset", "hold", "organization", "api_key", "created_by")


@dataclass(frozen=True, slots=True)
class OfferedProvider:
    """A provider as customers see it; capabilities are JSON data."""

    name: str
    title: str
    available: bool
    capabilities: Mapping[str, Any]


def job_for(actor: Actor, public_id: str) -> Job:
    """The job with what its page shows; ApiError 404 when it is not of this organization."""
    require(actor, "jobs.view")
    job = Job.objects.select_related(*RELATED).filter(organization=actor.organization, public_id=public_id).first()
    if job is None:
        raise errors.not_found("job")
    return job


def jobs_for(
    actor: Actor,
    *,
    status: str = "",
    model: str = "",
    search: str = "",
    translation: str = "",
    cursor: str = "",
    limit: int = 50,
) -> Page[Job]:
    """Jobs, newest first. `search` looks into the project's name and file name, or is a job's id. Raises ApiError 5."""
    require(actor, "jobs.view")
    rows = Job.objects.select_related(*RELATED).prefetch_related("artefacts").filter(organization=actor.organization)
    if status:
        if status not in Job.Status.values:
            raise errors.invalid("status", f"Must be one of {', '.join(Job.Status.values)}.")
        rows = rows.filter(status=status)
    if model:
        rows = rows.filter(model=model)
    if translation:
        rows = rows.filter(translation__public_id=translation)
    if search := search.strip()[:200]:
        rows = rows.filter(
            Q(public_id=search)
            | Q(translation__project__name__icontains=search)
            | Q(translation__project__source_asset__file_name__icontains=search)
            | Q(target_locale__iexact=search)
        )
    if cursor:
        rows = rows.filter(id__lt=read_cursor(cursor))
    limit = max(1, min(limit, 200))
    found = list(rows.order_by("-id")[: limit + 1])
    return Page(found[:limit], str(found[limit - 1].pk) if len(found) > limit else "")


def sister_jobs(actor: Actor, job: Job) -> list[Job]:
    """The newest job of each language of the same project, as asked for; of the job's own language the job itself."""
    require(actor, "jobs.view")
    if job.translation is None:
        return [job]
    same = Job.objects.filter(organization=actor.organization, translation__project=job.translation.project)
    rows = same.select_related(*RELATED)
    newest = {row.translation_id: row for row in rows.order_by("translation_id", "-id").distinct("translation_id")}
    newest[job.translation_id] = job
    return [newest[key] for key in sorted(key for key in newest if key is not None)]


def running_jobs(actor: Actor, *, most: int = 100) -> int:
    """How many jobs are in progress, counted up to `most`."""
    require(actor, "jobs.view")
    rows = Job.objects.filter(organization=actor.organization, status=Job.Status.PROCESSING)
    return len(rows.values_list("pk")[:most])


def events_for_job(actor: Actor, job: Job, *, after: int = 0, limit: int = 500) -> list[Event]:
    """The job's timeline, oldest first, after an event's id."""
    require(actor, "jobs.view")
    rows = Event.objects.filter(organization_id=actor.organization.pk, subject_id=job.public_id, id__gt=after)
    return list(rows.order_by("id")[:limit])


def artefacts_for(actor: Actor, job: Job) -> list[Artefact]:
    """What the job made, in its order: main files first."""
    require(actor, "jobs.view")
    return list(job.artefacts.filter(organization=actor.organization))


def artefact_for(actor: Actor, public_id: str) -> Artefact:
    """The artefact; ApiError 404."""
    require(actor, "jobs.view")
    row = Artefact.objects.select_related("job").filter(organization=actor.organization, public_id=public_id).first()
    if row is None:
        raise errors.not_found("artefact")
    return row


def transcript_for(actor: Actor, translation: Translation, revision: int | None = None) -> Transcript:
    """A revision of a translation's transcript, the newest by default; ApiError 404."""
    require(actor, "jobs.view")
    if translation.organization_id != actor.organization.pk:
        raise errors.not_found("translation")
    return _transcript_for(translation, revision)


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
