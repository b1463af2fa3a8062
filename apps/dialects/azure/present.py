"""Our rows as Azure's documents: translations, iterations and operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from apps.core import errors
from apps.dialects.azure import texts
from apps.dialects.models import Resource
from apps.jobs import states
from apps.jobs.models import Artefact, Job
from apps.projects import storage
from apps.providers.azure import wire

_STATUS: Final[Mapping[str, str]] = {
    states.PROCESSING: wire.RUNNING,
    states.PAUSED: wire.RUNNING,
    states.COMPLETED: wire.SUCCEEDED,
    states.FAILED: wire.FAILED,
    states.CANCELED: wire.CANCELED,
}
Made = tuple[Resource, Job | None]
"""An iteration: its resource, and its job while that is there."""


def status_of(job: Job | None) -> str:
    """The service's word; a job whose row is gone failed."""
    if job is None:
        return wire.FAILED
    if job.status == states.PROCESSING and job.stage == states.QUEUED:
        return wire.NOT_STARTED
    return _STATUS[job.status]


def moment(value: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as the service writes it."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iteration(made: Made) -> dict[str, Any]:
    """An iteration; its input as it was sent."""
    resource, job = made
    body: dict[str, Any] = {
        "id": resource.external_id,
        "status": status_of(job),
        "createdDateTime": moment(resource.created_at),
        "lastActionDateTime": moment(_last(resource, job)),
        "input": resource.data["input"],
    }
    if text := resource.data.get("description"):
        body["description"] = text
    if job is None:
        body["failureReason"] = "The job is no longer there."
    elif job.status == states.COMPLETED:
        body["result"] = result(resource, job)
    elif job.status in (states.FAILED, states.CANCELED):
        body["failureReason"] = reason(job)
    return body


def translation(resource: Resource, iterations: Sequence[Made]) -> dict[str, Any]:
    """A translation with its newest iterations (newest first).

    `status` and `lastActionDateTime` are in no OpenAPI but real clients read them: the status is that of the operation that made
    the translation, which includes its first iteration where that was ordered with it.
    """
    data = resource.data
    body: dict[str, Any] = {"id": resource.external_id, **data["body"]}
    body["createdDateTime"] = moment(resource.created_at)
    first = iterations[-1] if iterations and data.get("auto") else None
    body["status"] = status_of(first[1]) if first else wire.SUCCEEDED
    body["lastActionDateTime"] = moment(max(_last(*made) for made in iterations) if iterations else resource.created_at)
    if iterations:
        body["latestIteration"] = iteration(iterations[0])
    done = next((made for made in iterations if made[1] is not None and made[1].status == states.COMPLETED), None)
    if done:
        body["latestSucceededIteration"] = iteration(done)
    if first and first[1] is not None and first[1].status in (states.FAILED, states.CANCELED):
        body["failureReason"] = reason(first[1])
    if expires := data.get("expires"):
        body["expiresDateTime"] = expires
    return body


def operation(resource: Resource, job: Job | None) -> dict[str, Any]:
    """An operation; one that no job belongs to made a resource only and has succeeded."""
    return {"id": resource.external_id, "status": status_of(job) if resource.subject else wire.SUCCEEDED}


def result(resource: Resource, job: Job) -> dict[str, str]:
    """Links to what a completed job made, those that are still kept; ASS only where it was asked for."""
    kept = {(artefact.kind, artefact.format): artefact for artefact in reversed(_files(job))}
    if not kept:
        return {}  # past their retention
    made: dict[str, str] = {}
    for name, key in wire.RESULTS.items():
        asked = name != "targetLocaleAdvancedSubtitleFileUrl" or resource.data["input"].get(
            "exportTargetLocaleAdvancedSubtitleFile"
        )
        found = kept.get(key) or (kept.get(("audio_mp3", "mp3")) if name == "translatedAudioFileUrl" else None)
        if name == "metadataJsonWebvttFileUrl":
            found = texts.metadata_file(job)
        if asked and found is not None:
            made[name] = storage.signed_url(found, absolute=True)
    return made


def reason(job: Job) -> str:
    """Why a job ended, with its number."""
    known = errors.job_codes().get(job.error_code or 0)
    words = job.error or (known.title if known else "The job ended without a result.")
    return f"{words} ({job.error_code})" if job.error_code else words


def by_translation(iterations: Iterable[Resource], jobs: Mapping[str, Job]) -> dict[int, list[Made]]:
    """Translation's row id -> its iterations, newest first."""
    found: dict[int, list[Made]] = {}
    for resource in sorted(iterations, key=lambda resource: -resource.pk):
        assert resource.parent_id is not None
        found.setdefault(resource.parent_id, []).append((resource, jobs.get(resource.subject)))
    return found


def _files(job: Job) -> list[Artefact]:
    return list(job.artefacts.all())


def _last(resource: Resource, job: Job | None) -> datetime:
    if job is None:
        return resource.updated_at
    return job.finished_at or job.started_at or resource.created_at
