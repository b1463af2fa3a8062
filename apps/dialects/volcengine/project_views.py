"""GetAITranslationProject and ListAITranslationProject: status, files as signed links, and the text in its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from apps.core import errors
from apps.dialects.volcengine import projects, shapes
from apps.dialects.volcengine.actions import Call, Result, action
from apps.dialects.volcengine.languages import to_theirs
from apps.dialects.volcengine.orders import config_of
from apps.dialects.volcengine.text_parts import parts_of
from apps.jobs.models import Artefact, Job
from apps.jobs.selectors import jobs_by_id, jobs_for
from apps.projects import storage
from apps.projects.models import Asset, Translation
from apps.providers.volcengine_vod import wire

MAX_PAGE: Final = 100
# Artefact kind and formats -> their field; the first format that is there counts.
_FILES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "OutputSubtitle": ("subtitle_target", ("vtt", "srt")),
    "InputSubtitle": ("subtitle_source", ("vtt", "srt")),
    "BilingualSubtitle": ("subtitle_bilingual", ("vtt", "srt")),
    "BackgroundAudio": ("background", ()),
    "ForegroundAudio": ("voice", ()),
}
_BY_STATUS: Final[Mapping[str, Q]] = {
    wire.IN_PROCESSING: Q(job_status="processing", job_iteration=1),
    wire.IN_EXPORTING: Q(job_status="processing", job_iteration__gt=1),
    wire.SUSPENDED: Q(job_status="paused"),
    wire.PROCESS_SUCCEED: Q(job_status="completed", job_iteration=1),
    wire.EXPORT_SUCCEED: Q(job_status="completed", job_iteration__gt=1),
    wire.PROCESS_FAILED: Q(job_status__in=["failed", "canceled"], job_iteration=1),
    wire.EXPORT_FAILED: Q(job_status__in=["failed", "canceled"], job_iteration__gt=1),
}


@action(wire.GET, reads=True)
def get_project(call: Call) -> Result:
    """Everything about one project; files of the newest rendering that succeeded."""
    given = call.read(shapes.Get)
    found = projects.find(call, given.SpaceName, given.ProjectId)
    wanted = [name.strip() for name in given.Additions.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in wire.ADDITIONS]:
        raise errors.invalid("Additions", f"There is no {unknown[0][:40]!r}; known are {', '.join(wire.ADDITIONS)}.")
    job = found.job
    done = job if job.status == "completed" else None
    if done is None and job.iteration > 1:
        finished = jobs_for(call.actor, translation=found.translation.public_id, status="completed", limit=1).items
        done = finished[0] if finished else None
    info = _summary(found.translation, job, projects.version_of(job, found.row), done)
    if done is not None:
        info |= _files(done, found.translation.project.folder)
    if wanted:
        parts: dict[str, Any] = {name: [] for name in wanted} | {"BackgroundClip": None}
        if found.row is not None:
            parts = parts_of(found.translation.public_id, found.document, faces=found.moves_mouths)
        info |= {name: parts[name] for name in wanted if parts.get(name) is not None}
    return {"ProjectInfo": info}


@action(wire.LIST, reads=True)
def list_projects(call: Call) -> Result:
    """The projects of a space by page, newest first."""
    given = call.read(shapes.List)
    for name, number, most in (("PageNumber", given.PageNumber, 1_000_000), ("PageSize", given.PageSize, MAX_PAGE)):
        if not 1 <= number <= most:
            raise errors.invalid(name, f"Needs 1 to {most}.")
    rows = _rows(call, given)
    first = (given.PageNumber - 1) * given.PageSize
    page = list(rows.order_by("-id")[first : first + given.PageSize])
    jobs = jobs_by_id(call.actor, [str(row.job_id) for row in page])  # type: ignore[attr-defined]
    shown = []
    for row in page:
        job = jobs[str(row.job_id)]  # type: ignore[attr-defined]
        done = job if job.status == "completed" else None
        entry = _summary(row, job, projects.version_of(job, None), done)
        shown.append(entry | {"SubtitleConfig": config_of(job.order)["SubtitleConfig"]})
    return {
        "Projects": shown,
        "TotalCount": rows.count(),
        "PageNumber": given.PageNumber,
        "PageSize": given.PageSize,
    }


def _rows(call: Call, given: shapes.List) -> QuerySet[Translation]:
    newest = Job.objects.filter(translation=OuterRef("pk")).order_by("-id")
    rows = (
        Translation.objects.select_related("project__source_asset")
        .filter(Exists(newest), organization=call.actor.organization, project__folder=given.SpaceName.strip())
        .exclude(project__folder="")
        .annotate(
            job_id=Subquery(newest.values("public_id")[:1]),
            job_status=Subquery(newest.values("status")[:1]),
            job_iteration=Subquery(newest.values("iteration")[:1]),
        )
    )
    if wanted := [name.strip() for name in given.StatusFilter.split(",") if name.strip()]:
        if unknown := [name for name in wanted if name not in _BY_STATUS]:
            raise errors.invalid("StatusFilter", f"There is no status {unknown[0][:40]!r}.")
        chosen = Q()
        for name in wanted:
            chosen |= _BY_STATUS[name]
        rows = rows.filter(chosen)
    if text := given.ProjectIdOrTitleFilter.strip()[:200]:
        rows = rows.filter(
            Q(public_id=text) | Q(project__name__icontains=text) | Q(project__source_asset__file_name__icontains=text)
        )
    return rows


def _summary(translation: Translation, job: Job, version: str, done: Job | None) -> dict[str, Any]:
    """The fields that Get and List share."""
    project, identity = translation.project, translation.public_id
    asset = project.source_asset
    config = config_of(job.order)
    source = to_theirs(project.source_language)
    info: dict[str, Any] = {
        "ProjectId": identity,
        "ProjectVersion": version,
        "WorkflowId": job.public_id,
        "CreatedAt": str(int(translation.created_at.timestamp())),
        "UpdatedAt": str(int((job.finished_at or job.started_at or job.created_at).timestamp())),
        "Status": projects.status_of(job),
        "InputVideo": _source_file(asset),
        "InputVideoTitle": project.name or asset.file_name or asset.source_url,
        "TranslationTypeList": config["TranslationTypeList"],
        "OperatorConfig": config["OperatorConfig"],
        "SourceBlueprints": [{"Id": f"src-{identity}", "Language": source, "ProjectId": identity}],
        "TargetBlueprints": [
            {"Id": f"tgt-{identity}", "Language": to_theirs(translation.target_locale), "ProjectId": identity}
        ],
    }
    if job.status in ("failed", "canceled"):
        info |= {"ErrorCode": job.error_code or errors.CANCELED, "ErrorMsg": job.error or "The job was canceled."}
    if done is not None and (main := _first(done.artefacts.all(), ("video", "audio"))) is not None:
        info["OutputVideo"] = file_of(main)
    return info


def _files(job: Job, folder: str) -> dict[str, Any]:
    """All files of a finished job under their names."""
    artefacts = list(job.artefacts.all())
    found: dict[str, Any] = {}
    for name, (kind, formats) in _FILES.items():
        rows = [row for row in artefacts if row.kind == kind]
        for form in formats:
            rows = [row for row in rows if row.format == form] or rows
            if rows and rows[0].format == form:
                break
        if rows:
            found[name] = file_of(rows[0])
    steps = job.order.get("steps") or []
    if (main := _first(artefacts, ("video", "audio"))) is not None:
        if "voice" in steps:
            found["VoiceTranslationVideo"] = file_of(main)
        if "lipsync" in steps:
            found["FacialTranslationVideo"] = file_of(main)
        if job.order.get("subtitle_style", {}).get("erase_source"):
            found["ErasedSubtitleVideo"] = file_of(main)
    return found


def _first(artefacts: Iterable[Artefact], kinds: tuple[str, ...]) -> Artefact | None:
    rows = list(artefacts)
    return next((row for kind in kinds for row in rows if row.kind == kind), None)


def file_of(artefact: Artefact) -> dict[str, Any]:
    """A file of ours as theirs: Url is a signed link that expires, so fetch it soon and ask again when it is over."""
    return {
        "Vid": artefact.public_id,
        "FileName": artefact.file_name,
        "Uri": artefact.public_id,
        "Url": storage.signed_url(artefact, absolute=True),
        "DurationSecond": (artefact.duration_ms or 0) / 1000,
        "IsAudio": artefact.content_type.startswith("audio/"),
    }


def _source_file(asset: Asset) -> dict[str, Any]:
    kept = asset.status == Asset.Status.STORED and bool(asset.storage_key)
    picture = (asset.probe or {}).get("video")
    return {
        "Vid": asset.public_id,
        "FileName": asset.file_name,
        "Uri": asset.public_id,
        "Url": storage.signed_url(asset, absolute=True) if kept else asset.source_url,
        "DurationSecond": (asset.duration_ms or 0) / 1000,
        "IsAudio": asset.probe is not None and not picture,
    }
