"""What the job page shows, gathered from selectors: board, player, downloads, costs, timeline, sample code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.accounts.permissions import allows
from apps.core.errors import job_codes
from apps.jobs import selectors
from apps.jobs.models import Artefact, Job
from apps.jobs.services.orders import is_lipsync
from apps.jobs.states import may
from apps.projects import storage
from apps.projects.models import Asset
from apps.web import again, board, lipsyncjob, listing, samples, timeline

PLAYS: Final = ("video/", "audio/", "image/")


@dataclass(frozen=True)
class Download:
    """A row of the downloads list; several formats of one thing share a row."""

    title: str | Promise
    icon: str
    files: list[Artefact]
    note: str


@dataclass(frozen=True)
class Track:
    """A subtitle track of the player. kind: source, target or bilingual."""

    kind: str
    language: str
    url: str


@dataclass(frozen=True)
class Media:
    """One pane of the player."""

    url: str
    content_type: str
    tracks: list[Track]

    @property
    def still(self) -> bool:
        """It is a picture that does not move."""
        return self.content_type.startswith("image/")


@dataclass(frozen=True)
class Cost:
    """Milli-credits of all languages of the board together."""

    estimate: int
    charged: int
    held: int
    returned: int

    @property
    def most(self) -> int:
        """What the board can still come to."""
        return self.charged + self.held


_KINDS: Final[dict[str, tuple[Any, str]]] = {
    "video": (_("Dubbed video"), "film"),
    "audio": (_("Dubbed sound"), "audio-lines"),
    "voice": (_("Voice track"), "audio-lines"),
    "background": (_("Background only"), "audio-lines"),
    "subtitle_target": (_("Subtitles"), "captions"),
    "subtitle_source": (_("Source subtitles"), "captions"),
    "subtitle_bilingual": (_("Bilingual subtitles"), "captions"),
    "transcript": (_("Transcript"), "file-text"),
    "report": (_("Report"), "list-checks"),
    "hls": (_("HLS package"), "package"),
}
_ALIASES: Final = {"audio_mp3": "audio"}


def board_context(actor: Actor, job: Job) -> dict[str, Any]:
    """The board alone: what the live fragment needs."""
    jobs = selectors.sister_jobs(actor, job)
    return {
        "job": job,
        "columns": board.columns_for(jobs),
        "rows": board.rows_for(jobs, job),
        "summary": board.summary(jobs),
        "version": board.version(job),
        "done": board.is_done(jobs),
        "may_manage": allows(actor, "jobs.manage"),
        "may_review": allows(actor, "jobs.resume"),
        "may_edit": allows(actor, "transcripts.edit"),
    }


def full(actor: Actor, job: Job) -> dict[str, Any]:
    """Everything of the page."""
    context = board_context(actor, job)
    jobs = [row.job for row in context["rows"]]
    artefacts = list(selectors.artefacts_for(actor=actor, job=job))
    lipsyncjob.with_inputs([job])
    asset = job.translation.project.source_asset if job.translation else lipsyncjob.picture_of(job)
    project = job.translation.project if job.translation else None
    original, result = source_media(asset, artefacts), target_media(artefacts)
    shown = result or original
    error = job_codes().get(job.error_code) if job.error_code else None
    path, body = call_for(job, jobs, asset)
    context |= {
        "title": listing.title_of(job),
        "project": project,
        "asset": asset,
        "source_language": spoken(job),
        "duration_ms": job.measured_ms or (asset.duration_ms if asset and job.translation else None),
        "downloads": downloads(artefacts, lipsync=is_lipsync(job)),
        "cost": cost(jobs) if allows(actor, "billing.view") else None,
        "timeline": timeline.lines_for(selectors.events_for_job(actor=actor, job=job)),
        "source_media": original,
        "target_media": result,
        "curl": samples.highlighted(samples.curl(body, path)),
        "python": samples.highlighted(samples.python(body, path)),
        "audio_only": shown is not None and shown.content_type.startswith("audio/"),
        "error": error,
        "may_cancel": may("cancel", job.status) and context["may_manage"] and not job.cancel_requested_at,
        "may_retry": may("retry", job.status) and context["may_manage"],
        "may_resume": may("resume", job.status) and context["may_review"],
        "has_transcript": job.translation is not None and job.translation.transcripts.exists(),
        "again": again.again_for(actor, job),
        "iterations": again.iterations_of(actor, job),
    }
    return context | lipsyncjob.context(actor, job, artefacts)


def spoken(job: Job) -> str:
    """The source language: what was ordered, else what the recognizer found, else "auto"."""
    if job.translation is None or job.translation.project.source_language != "auto":
        return job.translation.project.source_language if job.translation else "auto"
    found = job.translation.transcripts.values_list("source_language", flat=True).first()
    return found or "auto"


def downloads(artefacts: Sequence[Artefact], *, lipsync: bool = False) -> list[Download]:
    """Artefacts grouped by what they are, main result first."""
    groups: dict[str, list[Artefact]] = {}
    for artefact in artefacts:
        groups.setdefault(_ALIASES.get(artefact.kind, artefact.kind), []).append(artefact)
    listed = []
    for kind, (title, icon) in _KINDS.items():
        files = groups.pop(kind, [])
        title = _("Lip-synced video") if lipsync and kind == "video" else title
        if files:
            listed.append(Download(title=title, icon=icon, files=files, note=_note(files)))
    listed += [Download(kind, "file-text", files, _note(files)) for kind, files in groups.items()]
    return listed


def _note(files: Sequence[Artefact]) -> str:
    return ", ".join(dict.fromkeys(artefact.format.upper() for artefact in files))


def cost(jobs: Sequence[Job]) -> Cost:
    """Sums over the board."""
    held = sum(job.hold.amount for job in jobs if job.hold and job.hold.status == "placed")
    charged = sum(job.charged for job in jobs)
    estimate = sum(job.estimate for job in jobs)
    ended = [job for job in jobs if job.hold and job.hold.status != "placed"]
    returned = sum(job.hold.amount - job.hold.captured for job in ended if job.hold)
    return Cost(estimate=estimate, charged=charged, held=held, returned=returned)


def source_media(asset: Asset | None, artefacts: Sequence[Artefact]) -> Media | None:
    """The original, when a browser may be able to play it."""
    if asset is None or not asset.storage_key or not asset.content_type.startswith(PLAYS):
        return None
    return Media(storage.signed_url(asset, disposition="inline"), asset.content_type, _tracks(artefacts))


def target_media(artefacts: Sequence[Artefact]) -> Media | None:
    """The result: the main artefact, else any video, else the lighter sound."""
    order = {"video": 0, "audio_mp3": 1, "audio": 2}
    playable = [a for a in artefacts if a.kind in order and a.content_type.startswith(PLAYS)]
    playable.sort(key=lambda artefact: (order[artefact.kind], not artefact.is_main))
    if not playable:
        return None
    best = playable[0]
    return Media(storage.signed_url(best, disposition="inline"), best.content_type, _tracks(artefacts))


def _tracks(artefacts: Sequence[Artefact]) -> list[Track]:
    return [
        Track(
            artefact.kind.removeprefix("subtitle_"),
            artefact.language,
            storage.signed_url(artefact, disposition="inline"),
        )
        for artefact in artefacts
        if artefact.kind.startswith("subtitle_") and artefact.format == "vtt"
    ]


def call_for(job: Job, jobs: Sequence[Job], asset: Asset | None) -> tuple[str, dict[str, Any]]:
    """The call that orders the same by API: its path and its body."""
    if is_lipsync(job):
        return f"/{job.model}", {"formState": lipsyncjob.form_state(job.order)}
    if job.base_job is None or job.translation is None:
        return "/translations", order_of(jobs, asset)
    names = ("subtitle_style", "voice", "export_type", "timing", "speaker_count")
    changed = {name: job.order[name] for name in names if job.order.get(name) != job.base_job.order.get(name)}
    return f"/translations/{job.translation.public_id}/iterations", {"revision": job.reviewed_revision} | changed


def order_of(jobs: Sequence[Job], asset: Asset | None) -> dict[str, Any]:
    """The order that made this board, with all its languages."""
    order = dict(jobs[0].order)
    order["target_locales"] = [job.target_locale for job in jobs]
    if asset is not None and not order.get("source"):
        order["source"] = {"asset": asset.public_id}
    return order
