"""The progress board: what a job's row shows, worked out from its columns alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.core.languages import base_language
from apps.jobs.models import Job
from apps.jobs.services.orders import is_lipsync
from apps.web.templatetags.web import about, language, language_short, span

# Column title and the stages that it stands for; the last two come and go with what was ordered.
_COLUMNS: tuple[tuple[str, str | Promise, tuple[str, ...]], ...] = (
    ("source", _("Source"), ("queued", "fetch", "probe", "separate")),
    ("recognize", _("Transcribe"), ("recognize",)),
    ("translate", _("Translate"), ("translate",)),
    ("voice", _("Voice"), ("speak",)),
    ("lipsync", _("Lip sync"), ("lipsync",)),
    ("render", _("Render"), ("render", "publish")),
)
_ORDER = [
    "queued",
    "fetch",
    "probe",
    "separate",
    "recognize",
    "translate",
    "speak",
    "lipsync",
    "render",
    "publish",
    "done",
]


@dataclass(frozen=True)
class Cell:
    """One bar. state: done, now, todo, bad, paused or stopped; width is the filled part, "42%"."""

    title: str
    state: str
    width: str


@dataclass(frozen=True)
class Row:
    """One language of the board."""

    job: Job
    language: str
    cells: list[Cell]
    headline: str
    detail: str
    current: bool


def columns_for(jobs: Iterable[Job]) -> list[tuple[str, str | Promise, tuple[str, ...]]]:
    """The columns that at least one of these jobs has; iterations neither recognize nor translate."""
    jobs = list(jobs)
    steps = {step for job in jobs for step in _steps(job)}
    if any(job.base_job_id is None and not is_lipsync(job) for job in jobs):
        steps |= {"recognize", "translate"}
    return [column for column in _COLUMNS if column[0] in steps | {"source", "render"}]


def _steps(job: Job) -> list[str]:
    return ["lipsync"] if is_lipsync(job) else job.order.get("steps", ["subtitles", "voice"])


def rows_for(jobs: Sequence[Job], current: Job) -> list[Row]:
    """A row per job, in the order given."""
    columns = columns_for(jobs)
    twice = Counter(base_language(job.target_locale) for job in jobs)  # then the region is needed to tell them apart
    return [
        Row(
            job=job,
            language=gettext("Lip sync")
            if is_lipsync(job)
            else language(job.target_locale)
            if twice[base_language(job.target_locale)] > 1
            else language_short(job.target_locale),
            cells=_cells(job, columns),
            headline=headline(job),
            detail=detail(job),
            current=job.pk == current.pk,
        )
        for job in jobs
    ]


def _cells(job: Job, columns: Sequence[tuple[str, str | Promise, tuple[str, ...]]]) -> list[Cell]:
    place = _place(job)
    cells = []
    for _name, title, stages in columns:
        first, last = _ORDER.index(stages[0]), _ORDER.index(stages[-1])
        if job.status == Job.Status.COMPLETED or place > last:
            state, width = "done", "100%"
        elif place < first:
            state, width = "todo", "0%"
        else:
            part = (place - first + stage_share(job)) / (last - first + 1)
            width = f"{min(max(part, 0.03), 1) * 100:.0f}%"
            state = {"paused": "paused", "failed": "bad", "canceled": "stopped"}.get(job.status, "now")
            if job.stage == Job.Stage.QUEUED and state == "now":
                state, width = "todo", "0%"
        cells.append(Cell(str(title), state, width))
    return cells


def _place(job: Job) -> int:
    """Where the job stands in the line of stages; a review stands at the stage that it follows."""
    if job.stage == Job.Stage.REVIEW:
        gate = job.order.get("review_after") or "translate"
        return _ORDER.index(gate if gate in _ORDER else "translate")
    return _ORDER.index(job.stage) if job.stage in _ORDER else 0


def stage_share(job: Job) -> float:
    """How much of the current stage is done, 0..1."""
    if job.stage == Job.Stage.REVIEW:
        return 1.0
    return min(job.progress_done / job.progress_total, 1.0) if job.progress_total else 0.0


def headline(job: Job) -> str:
    """Where the job stands, in words with a number: "Voice, line 9 of 29"."""
    if job.status == Job.Status.COMPLETED:
        return gettext("Ready")
    if job.status == Job.Status.CANCELED:
        return gettext("Canceled")
    if job.status == Job.Status.FAILED:
        return gettext("%(stage)s failed") % {"stage": Job.Stage(job.stage).label}
    if job.status == Job.Status.PAUSED:
        return gettext("Waiting for your review")
    if job.cancel_requested_at:
        return gettext("Stopping")
    if job.stage == Job.Stage.QUEUED:
        return gettext("In line")
    label = str(Job.Stage(job.stage).label)
    if job.progress_unit == "line" and job.progress_total:
        return gettext("%(stage)s, line %(done)d of %(total)d") % {
            "stage": label,
            "done": min(job.progress_done + 1, job.progress_total),
            "total": job.progress_total,
        }
    share = stage_share(job)
    return gettext("%(stage)s, %(share)d%%") % {"stage": label, "share": round(share * 100)} if share else label


def detail(job: Job, now: datetime | None = None) -> str:
    """The line under it: how long it took, or about how long it will."""
    now = now or timezone.now()
    if job.status == Job.Status.COMPLETED and job.finished_at:
        return gettext("Took %(time)s") % {"time": span(job.finished_at - (job.started_at or job.created_at))}
    if job.status == Job.Status.FAILED:
        return gettext("%(code)d, nothing charged") % {"code": job.error_code or 0}
    if job.status == Job.Status.CANCELED:
        return gettext("Nothing charged") if not job.charged else ""
    if job.status == Job.Status.PAUSED:
        return gettext("Nothing runs until you resume")
    left = seconds_left(job, now)
    if left is not None:
        return about(left)
    waited = (now - job.created_at).total_seconds()
    return gettext("Since %(time)s") % {"time": span(waited)}


def seconds_left(job: Job, now: datetime) -> float | None:
    """A guess from the time so far and the share of the whole that is done; None while there is too little to go by."""
    passed = (now - job.started_at).total_seconds() if job.started_at else 0.0
    if job.progress_fraction < 0.08 or passed < 3:
        return None
    return passed / job.progress_fraction * (1 - job.progress_fraction)


def summary(jobs: Sequence[Job]) -> str:
    """The line beside "Progress": "1 of 3 ready", with failures told apart."""
    ready = sum(job.status == Job.Status.COMPLETED for job in jobs)
    failed = sum(job.status == Job.Status.FAILED for job in jobs)
    text = ngettext("%(ready)d of %(n)d ready", "%(ready)d of %(n)d ready", len(jobs)) % {
        "ready": ready,
        "n": len(jobs),
    }
    if failed:
        text += ", " + ngettext("%(n)d failed", "%(n)d failed", failed) % {"n": failed}
    return text


def version(job: Job) -> str:
    """Changes when the job's page shows other parts (player, downloads, review), not with each step of progress."""
    return f"{job.status}{job.attempt}"


def is_done(jobs: Sequence[Job]) -> bool:
    """Nothing on this board will change by itself."""
    return all(job.status in (Job.Status.COMPLETED, Job.Status.FAILED, Job.Status.CANCELED) for job in jobs)
