"""What a row of the jobs list shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.jobs.models import Job
from apps.jobs.services.orders import is_lipsync
from apps.web import board, lipsyncjob


@dataclass(frozen=True)
class Item:
    """One job of the list. tone colours the state: now, ok, warn, bad or quiet. `lipsync` has the facts of a lip-sync job, else {}."""

    job: Job
    title: str
    source_language: str
    headline: str
    detail: str
    tone: str
    width: str
    duration_ms: int | None
    lipsync: dict[str, Any]


_TONES = {"processing": "now", "paused": "warn", "completed": "ok", "failed": "bad", "canceled": "quiet"}


def title_of(job: Job) -> str:
    """The name that people gave, else the file's."""
    project = job.translation.project if job.translation else None
    if project is None:
        return lipsyncjob.title_of(job)
    return str(
        job.order.get("title")
        or project.name
        or project.source_asset.file_name
        or project.source_asset.source_url
        or job.public_id
    )


def overall(job: Job) -> float:
    """How much of the whole job is done, 0..1: the share of its board that is filled."""
    cells = board.rows_for([job], job)[0].cells
    return sum(float(cell.width.rstrip("%")) for cell in cells) / (100 * len(cells)) if cells else 0.0


def items_for(jobs: Iterable[Job]) -> list[Item]:
    """Rows for the list, in the order given."""
    items = []
    jobs = list(jobs)
    lipsyncjob.with_inputs(jobs)
    for job in jobs:
        project = job.translation.project if job.translation else None
        items.append(
            Item(
                job=job,
                title=title_of(job),
                source_language=project.source_language if project else "auto",
                headline=board.headline(job),
                detail=board.detail(job),
                tone=_TONES.get(job.status, "quiet"),
                width=f"{overall(job) * 100:.0f}%",
                duration_ms=job.measured_ms or (project.source_asset.duration_ms if project else None),
                lipsync=lipsyncjob.facts(job) if is_lipsync(job) else {},
            )
        )
    return items
