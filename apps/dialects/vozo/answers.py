"""A job in Vozo's words: the status answer, which is also the body of every callback."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.core import errors
from apps.jobs.models import Artefact, Job
from apps.projects import storage
from apps.providers.vozo import wire


def status_of(job: Job, data: Mapping[str, Any]) -> wire.Status:
    """Where the job stands now; `data` is its Resource's."""
    return told(job, wire.status_word(job.status, job.stage), data)


def told(job: Job, word: str, data: Mapping[str, Any], failure: Mapping[str, Any] | None = None) -> wire.Status:
    """The answer for a status word: an error only with `failed` (the job's, unless `failure` tells an earlier one's), links with `done`."""
    if word == wire.FAILED:
        code, text = job.error_code, job.error
        if failure:
            code, text = failure.get("error_code", code), failure.get("error", text)
        return wire.Status(task_id=job.public_id, status=word, err_code=str(code or ""), err_message=text)
    if word == wire.DONE:
        return wire.Status(task_id=job.public_id, status=word, result=_result(job, job.artefacts.all(), data))
    return wire.Status(task_id=job.public_id, status=word)


def video_status_of(job: Job) -> wire.VideoStatus:
    """Where a lip-sync job stands now."""
    return video_told(job, wire.video_status_word(job.status, job.stage))


def video_told(job: Job, word: str, failure: Mapping[str, Any] | None = None) -> wire.VideoStatus:
    """The answer of a lip-sync task for a status word; what is wrong with its audio is Vozo's 1502."""
    if word == wire.FAILED:
        code, text = job.error_code, job.error
        if failure:
            code, text = failure.get("error_code", code), failure.get("error", text)
        # Whoever refuses a file of the form begins with its name.
        number = wire.LIPSYNC_AUDIO if text.startswith("audio:") or code == errors.NO_SPEECH else code or ""
        return wire.VideoStatus(task_id=job.public_id, status=word, err_code=str(number), err_message=text)
    if word == wire.DONE:
        video = next((artefact for artefact in job.artefacts.all() if artefact.kind == "video"), None)
        url = storage.signed_url(video, absolute=True) if video is not None else None
        return wire.VideoStatus(task_id=job.public_id, status=word, video_url=url)
    return wire.VideoStatus(task_id=job.public_id, status=word)


def _result(job: Job, artefacts: Iterable[Artefact], data: Mapping[str, Any]) -> wire.Result:
    """Links to the files, good for an hour; each answer gives new ones. The audio is MP3 where there is one."""
    links: dict[str, str] = {}
    for artefact in artefacts:
        name = _name(artefact)
        if name and (name not in links or artefact.kind == "audio_mp3"):
            links[name] = storage.signed_url(artefact, absolute=True)
    if data.get("project_mode") == "editable":
        links["project_url"] = settings.PUBLIC_URL + reverse("web:job", args=[job.public_id])
    return wire.Result(**links)


def _name(artefact: Artefact) -> str:
    match artefact.kind:
        case "video":
            return "video_url"
        case "audio" | "audio_mp3":
            return "audio_url"
        case "subtitle_target" if artefact.format == "srt":
            return "subtitle_url"
    return ""
