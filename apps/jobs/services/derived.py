"""Files made of a finished job's results later on, in a form that somebody asks for; and the end of all its files when they are to go."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from django.db import transaction
from django.db.models import Q

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.engine.transcript import Transcript as Document
from apps.events import log
from apps.jobs import states
from apps.jobs.models import Artefact, Job
from apps.jobs.services import publish
from apps.jobs.services.lipsync_files import inputs_of
from apps.jobs.services.rework import rendered_transcript
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services.assets import delete_asset_file

MAX_TRANSCRIPT: int = 32 << 20


def text_of(job: Job) -> Document | None:
    """The text that a finished job was rendered from: its own transcript file, else the revision; None when there is neither."""
    for artefact in job.artefacts.all():
        if artefact.kind == "transcript" and artefact.format == "json" and artefact.size <= MAX_TRANSCRIPT:
            try:
                with storage.open_key(artefact.storage_key) as stream:
                    return Document.from_json(stream.read())
            except FileNotFoundError:
                return None
    row = rendered_transcript(job)
    return msgspec.convert(row.document, Document) if row is not None else None


def keep_derived(
    job: Job, *, kind: str, form: str, name: str, label: str, content: bytes, content_type: str
) -> Artefact:
    """Keeps a file that was made of a job's results as one more of its artefacts, as old as they are; a repeat gives the same.

    Raises ApiError 409 unless the job is completed.
    """
    if job.status != states.COMPLETED:
        raise errors.conflict(f"The job is {job.status}.")
    with tempfile.TemporaryDirectory(prefix="derived-") as scratch:
        path = Path(scratch) / "file"
        path.write_bytes(content)
        saved = storage.save_file(path, publish.storage_key(job, name), content_type)
    row, _ = Artefact.objects.get_or_create(
        job=job,
        file_name=publish.file_name(job, name),
        defaults={
            "organization": job.organization,
            "kind": kind,
            "format": form,
            "language": job.target_locale,
            "label": label,
            "storage_key": saved.key,
            "content_type": content_type,
            "size": saved.size,
            "sha256": saved.sha256,
            "position": 1000,
            # Kept for as long as the results that it was made of.
            **({"created_at": job.finished_at} if job.finished_at else {}),
        },
    )
    return row


def _sources(job: Job) -> list[Asset]:
    return [job.translation.project.source_asset] if job.translation is not None else list(inputs_of(job).values())


def _delete_source(job: Job, asset: Asset) -> bool:
    """Removes a source unless another job is under way with it or still has results of it."""
    made_of_it = Q(translation__project__source_asset=asset) | Q(inputs__asset=asset)
    others = Job.objects.filter(made_of_it).exclude(pk=job.pk)
    needed = others.filter(status__in=states.OPEN).exists() or others.filter(artefacts__isnull=False).exists()
    return not needed and asset.status in (Asset.Status.STORED, Asset.Status.REMOTE) and delete_asset_file(asset)


def delete_results(*, actor: Actor | None, job: Job) -> int:
    """Removes the files of an ended job, and its source when nothing else is made of it; how many went. The job's row stays.

    Raises ApiError 1503, and 409 while the job is open.
    """
    if actor is not None:
        require(actor, "jobs.manage")
    if job.status in states.OPEN:
        raise errors.conflict(f"The job is {job.status}.")
    gone = 0
    for artefact in Artefact.objects.filter(job=job):
        storage.delete(artefact.storage_key)
        gone += artefact.delete()[0]
    gone += sum(_delete_source(job, asset) for asset in _sources(job))
    if gone:
        with transaction.atomic():
            log.record(
                type="job.results_deleted",
                actor=actor,
                organization_id=job.organization_id,
                subject=job,
                data={"files": gone},
            )
    return gone
