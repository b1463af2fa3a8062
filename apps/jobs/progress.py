"""How far a job is: columns of its row and a note to the live pages, at most twice a second; never an Event."""

from __future__ import annotations

import json
import time
from typing import Final

from django.db import connection

from apps.jobs import states
from apps.jobs.models import Job

INTERVAL_SECONDS: Final = 0.5
CHANNEL: Final = "kinoglot_progress"
# Share of the whole that each stage takes, as measured on two cores; only used to draw one bar over all stages.
WEIGHTS: Final = {
    states.FETCH: 2,
    states.PROBE: 2,
    states.SEPARATE: 10,
    states.RECOGNIZE: 14,
    states.TRANSLATE: 4,
    states.SPEAK: 48,
    states.LIPSYNC: 60,
    states.RENDER: 18,
    states.PUBLISH: 2,
}


class Progress:
    """Progress of one job through its stages, written only while `owner` holds the lease."""

    def __init__(self, job: Job, owner: str, stages: list[str]) -> None:
        self._job = job
        self._owner = owner
        self._weights = {stage: WEIGHTS[stage] for stage in stages if stage in WEIGHTS}
        self._total = sum(self._weights.values())
        self._stage = states.QUEUED
        self._next = 0.0

    def enter(self, stage: str) -> bool:
        """A stage begins. False when the job is no longer ours."""
        self._stage = stage
        self._next = 0.0
        return self._write(0, 0, "")

    def report(self, done: float, total: float, unit: str) -> None:
        """`done` of `total` units of the current stage; most calls do nothing."""
        now = time.monotonic()
        if now < self._next and done < total:
            return
        self._next = now + INTERVAL_SECONDS
        self._write(done, total, unit)

    def fraction(self, part: float) -> float:
        """The share of all stages that is done when `part` (0..1) of the current one is."""
        before = 0
        for stage, weight in self._weights.items():
            if stage == self._stage:
                return min(1.0, (before + weight * min(max(part, 0.0), 1.0)) / self._total)
            before += weight
        return 0.0

    def _write(self, done: float, total: float, unit: str) -> bool:
        fraction = round(self.fraction(done / total if total > 0 else 0.0), 4)
        counted = {"progress_done": max(0, int(done)), "progress_total": max(0, int(total)), "progress_unit": unit[:24]}
        changed = Job.objects.filter(pk=self._job.pk, status=states.PROCESSING, lease_owner=self._owner).update(
            stage=self._stage, progress_fraction=fraction, **counted
        )
        if not changed:
            return False
        notify(
            {
                "job": self._job.public_id,
                "organization": self._job.organization_id,
                "status": states.PROCESSING,
                "stage": self._stage,
                "progress": {
                    "fraction": fraction,
                    "done": counted["progress_done"],
                    "total": counted["progress_total"],
                    "unit": counted["progress_unit"],
                },
            }
        )
        return True


def notify(message: dict[str, object]) -> None:
    """Tells the live pages (apps.events) something that is not worth an Event."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(message)])
