"""Reads of jobs: one door per object, keyset lists without COUNT; another tenant's job does not exist."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.events.models import Event
from apps.jobs.models import Artefact, Job, ProviderAccount
from apps.projects.models import Transcript, Translation
from apps.projects.selectors import Page, newest_first
from apps.projects.selectors import transcript_for as _transcript_for

RELATED = ("translation__project__source_asset", "hold", "organization", "api_key", "created_by")


def job_for(actor: Actor, public_id: str) -> Job:
    """The job with what its page shows; ApiError 404 when it is not of this organization."""
    require(actor, "jobs.view")
    job = Job.objects.select_related(*RELATED).filter(organization=actor.organization, public_id=public_id).first()
    if job is None:
        raise errors.not_found("job")
    return job


def jobs_by_id(actor: Actor, public_ids: Iterable[str]) -> dict[str, Job]:
    """Those of these jobs that are the organization's, by public id, with what their pages show and their artefacts."""
    require(actor, "jobs.view")
    wanted = [public_id for public_id in public_ids if public_id]
    if not wanted:
        return {}
    rows = Job.objects.select_related(*RELATED).prefetch_related("artefacts")
    found = rows.filter(organization=actor.organization, public_id__in=wanted)
    return {job.public_id: job for job in found}


def jobs_for(
    actor: Actor,
    *,
    status: str = "",
    model: str = "",
    service: str = "",
    search: str = "",
    translation: str = "",
    cursor: str = "",
    limit: int = 50,
) -> Page[Job]:
    """Jobs, newest first. `search` looks into the names of project and file, a lip-sync job's title, or is a job's id.

    `service` is translate or lipsync. Raises ApiError 5.
    """
    require(actor, "jobs.view")
    rows = Job.objects.select_related(*RELATED).prefetch_related("artefacts").filter(organization=actor.organization)
    if status:
        if status not in Job.Status.values:
            raise errors.invalid("status", f"Must be one of {', '.join(Job.Status.values)}.")
        rows = rows.filter(status=status)
    if model:
        rows = rows.filter(model=model)
    if service:
        rows = rows.filter(service=service)
    if translation:
        rows = rows.filter(translation__public_id=translation)
    if search := search.strip()[:200]:
        rows = rows.filter(
            Q(public_id=search)
            | Q(translation__project__name__icontains=search)
            | Q(translation__project__source_asset__file_name__icontains=search)
            | Q(target_locale__iexact=search)
            | Q(translation=None, order__title__icontains=search)
        )
    return newest_first(rows, cursor, max(1, min(limit, 200)))


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


def provider_accounts_for(actor: Actor) -> list[ProviderAccount]:
    """The provider accounts that the organization brought, by provider and priority. Raises ApiError 1503."""
    require(actor, "org.manage")
    return list(ProviderAccount.objects.filter(organization=actor.organization))


def provider_account_for(actor: Actor, public_id: str) -> ProviderAccount:
    """One of them; ApiError 1503 or 404. Staff's own accounts do not exist for customers."""
    require(actor, "org.manage")
    row = ProviderAccount.objects.filter(organization=actor.organization, public_id=public_id).first()
    if row is None:
        raise errors.not_found("provider account")
    return row
