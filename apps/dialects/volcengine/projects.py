"""A project of Volcengine is one of our translations: ProjectId is its public id, SpaceName the folder of its project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects.models import Resource
from apps.dialects.resources import create_resource, find_resource
from apps.dialects.volcengine.actions import Call
from apps.dialects.volcengine.dialect import NAME
from apps.engine.transcript import Transcript as Document
from apps.jobs.models import Job
from apps.jobs.selectors import jobs_for
from apps.projects.models import Transcript, Translation
from apps.projects.selectors import transcript_for, translation_for
from apps.providers.volcengine_vod import wire

KIND = "project"
VOICES = "voices"
"""Where a project's notes keep the voice of a speaker, also of one who has no lines yet."""


@dataclass(frozen=True, slots=True)
class Found:
    """A project with its newest job and its newest text (None while there is none)."""

    translation: Translation
    job: Job
    row: Transcript | None

    @property
    def moves_mouths(self) -> bool:
        """Whether FacialTranslation is among the project's steps."""
        return "lipsync" in self.job.order["steps"]

    @property
    def document(self) -> Document:
        """The newest text. Raises ApiError 4090 while there is none."""
        if self.row is None:
            raise errors.conflict("The project has no subtitles yet.")
        return msgspec.convert(self.row.document, Document)

    @property
    def base_info(self) -> dict[str, Any]:
        """ProjectBaseInfo: the version changes with every edit and every rendering."""
        return {"ProjectId": self.translation.public_id, "ProjectVersion": version_of(self.job, self.row)}


def find(call: Call, space: str, project_id: str) -> Found:
    """The project of that space. Raises ApiError 4040 (a stranger's does not exist)."""
    actor = call.actor
    translation = translation_for(actor, project_id[:64].replace("\x00", ""))
    jobs = jobs_for(actor, translation=translation.public_id, limit=1).items
    if translation.project.folder != space.strip() or not jobs:
        raise errors.not_found("project in this space")
    return Found(translation, jobs[0], newest_text(translation))


def newest_text(translation: Translation) -> Transcript | None:
    """The newest revision, None while there is none."""
    try:
        return transcript_for(translation)
    except ApiError:
        return None


def version_of(job: Job, row: Transcript | None) -> str:
    """Iteration and revision."""
    return f"v{job.iteration}-{row.revision if row else 0}"


def status_of(job: Job) -> str:
    """Their word: a first rendering is processed, every later one exported."""
    again = job.iteration > 1
    return {
        "processing": wire.IN_EXPORTING if again else wire.IN_PROCESSING,
        "paused": wire.SUSPENDED,
        "completed": wire.EXPORT_SUCCEED if again else wire.PROCESS_SUCCEED,
    }.get(job.status, wire.EXPORT_FAILED if again else wire.PROCESS_FAILED)


def notes_of(call: Call, found: Found) -> Resource:
    """What our rows do not say of a project: configuration for its next rendering, voices of speakers without lines."""
    translation = found.translation
    known = find_resource(call.actor, NAME, KIND, translation.public_id)
    if known is not None:
        return known
    try:
        return create_resource(
            organization_id=call.actor.organization.pk,
            dialect=NAME,
            kind=KIND,
            external_id=translation.public_id,
            subject=translation.public_id,
        )
    except ApiError:  # another request was faster
        again = find_resource(call.actor, NAME, KIND, translation.public_id)
        assert again is not None
        return again
