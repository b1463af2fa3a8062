"""The poller's database work, in batches: claiming due jobs within each account's pace, and taking over what their polls told.

Polls and inbound callbacks end in the same place (`settle`). Rows of the claim are plain tuples, not models: one poller carries
thousands of jobs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from django.db import connection, transaction

from apps.core import errors
from apps.core.errors import JobError
from apps.events import log, queue
from apps.jobs.models import Job
from apps.jobs.progress import CHANNEL
from apps.jobs.services import finish
from apps.jobs.services.vendor import statements
from apps.jobs.services.vendor.storable import storable
from apps.jobs.services.vendor.waits import spread
from apps.plans.models import Service
from apps.providers.conversation import Verdict, Work
from apps.providers.orders import LipsyncOrder, TranslationOrder

logger = logging.getLogger(__name__)
CLAIM_SECONDS: Final = 120
"""A claimed poll that was never answered is due again after this long: longer than any call may take."""
WINDOW_SECONDS: Final = 1.0
"""Polls are handed out so far ahead; the poller spreads them over that time."""
WAKE_SECONDS: Final = 15

STAGES: Final = frozenset(Job.Stage.values)
_decode_order = msgspec.json.Decoder(TranslationOrder).decode
_decode_lipsync = msgspec.json.Decoder(LipsyncOrder).decode
_decode_memo = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Due:
    """A claimed job: what a poll needs of its row. `delay` in seconds is its place in the account's pace."""

    pk: int
    public_id: str
    organization_id: int
    attempt: int
    provider: str
    account: int
    place: int
    claimed: datetime
    order: str
    memo: str
    iteration: int
    reviewed_stage: str
    stage: str
    fraction: float
    failures: int
    created_at: datetime
    base: int | None
    service: str
    delay: float
    base_memo: str | None

    def work(self) -> Work:
        """The job as its adapter sees it while it is polled: no links, no texts."""
        return Work(
            asked=_decode_lipsync(self.order) if self.service == Service.LIPSYNC else _decode_order(self.order),
            client_id=f"{self.public_id}-{self.attempt}",
            memo=_decode_memo(self.memo),
            iteration=self.iteration,
            earlier=_decode_memo(self.base_memo) if self.base_memo else {},
            reviewed=bool(self.reviewed_stage),
        )


@dataclass(slots=True)
class Told:
    """What a poll or a callback makes of a job: polled again after `pause`, handed to a worker, or failed."""

    due: Due
    action: Literal["poll", "submit", "collect", "fail"]
    pause: float = 0.0
    failures: int = 0
    memo: Mapping[str, Any] | None = None
    ref: str = ""
    stage: str = ""
    fraction: float | None = None
    error: JobError | None = None
    claimed: datetime | None = None


def claim_due(accounts: Mapping[int, tuple[float, int]]) -> list[Due]:
    """Takes due jobs of these accounts (id -> polls a second, most at once): as many as each one's pace allows in the next second.

    Their next poll is set ahead, so that no other poller takes them; one statement whatever the number.
    """
    ids = sorted(pk for pk, (_, room) in accounts.items() if room > 0)
    if not ids:
        return []
    values: dict[str, Any] = {
        "ids": ids,
        "rates": [accounts[pk][0] for pk in ids],
        "rooms": [accounts[pk][1] for pk in ids],
        "window": WINDOW_SECONDS,
        "claim": CLAIM_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(statements.CLAIM, values)
        return [Due(*row) for row in cursor.fetchall()]


def hold_polls(account: int, seconds: float) -> None:
    """The vendor asked the account to slow down: nobody polls through it before that."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_provideraccount SET next_poll_at ="
            " GREATEST(next_poll_at, clock_timestamp() + make_interval(secs => %s)) WHERE id = %s",
            [min(max(seconds, 0.0), 3600.0), account],
        )


def next_due() -> float | None:
    """Seconds until the next job is due; None when nobody waits for a poll."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(EPOCH FROM next_poll_at - clock_timestamp())::float8 FROM jobs_job"
            " WHERE status = 'processing' AND next_poll_at IS NOT NULL ORDER BY next_poll_at LIMIT 1"
        )
        row = cursor.fetchone()
    return None if row is None else max(0.0, float(row[0]))


def told(due: Due, verdict: Verdict, *, pace: float, following: str = "read") -> Told:
    """What a verdict makes of a job. `pace`: the pause before the next poll; `following`: the kind of the step that comes next.

    "succeeded" and "review" keep nothing of the answer: the worker reads it again and takes links and text while they are fresh.
    """
    if verdict.status == "failed":
        error = JobError(verdict.error_code or errors.PROVIDER_FAILED, verdict.error)
        return Told(due, "fail", error=error, claimed=due.claimed)
    if verdict.status == "canceled":
        error = JobError(errors.PROVIDER_FAILED, "the provider canceled the work")
        return Told(due, "fail", error=error, claimed=due.claimed)
    if verdict.status == "succeeded" or (verdict.status == "review" and not due.reviewed_stage):
        return Told(due, "collect", claimed=due.claimed)
    stage = verdict.stage if verdict.stage in STAGES and verdict.stage != due.stage else ""
    fraction = None if verdict.fraction is None else min(max(verdict.fraction, 0.0), 1.0)
    hand_over = following != "read" and not (verdict.wait and verdict.wait > 1.0)
    return Told(
        due,
        "submit" if hand_over else "poll",
        pause=spread(pace if verdict.wait is None else verdict.wait),
        memo=verdict.memo,
        ref=verdict.ref,
        stage=stage,
        fraction=fraction if fraction != due.fraction else None,
        claimed=due.claimed,
    )


def settle(all_told: Sequence[Told]) -> int:
    """Takes over what many polls told: one statement for all that are polled on, one for all that go to a worker.

    What changed meanwhile (canceled, taken by a worker, a newer poll) is left alone. Returns how many were taken over.
    """
    on = [one for one in all_told if one.action == "poll"]
    over = [one for one in all_told if one.action in ("submit", "collect")]
    count = 0
    with transaction.atomic():
        if on:
            count += _poll_on(on)
        if over:
            count += _hand_over(over)
    for one in all_told:
        if one.error is not None:
            count += _fail(one)
    return count


def _poll_on(on: Sequence[Told]) -> int:
    columns: list[Any] = [
        [one.due.pk for one in on],
        [one.due.attempt for one in on],
        [one.claimed for one in on],
        [one.pause for one in on],
        [min(one.failures, 30_000) for one in on],
        [one.fraction for one in on],
        [one.stage for one in on],
        [storable(one.ref)[:200] for one in on],
        [_memo(one) for one in on],
    ]
    with connection.cursor() as cursor:
        cursor.execute(statements.UPDATE, columns)
        changed = {row[0] for row in cursor.fetchall()}
        news = [one for one in on if one.due.pk in changed and (one.stage or one.fraction is not None)]
        if news:
            cursor.execute("SELECT pg_notify(%s, note) FROM unnest(%s::text[]) AS n(note)", [CHANNEL, _notes(news)])
    for one in news:
        if one.stage:
            log.record(
                type="job.stage",
                actor=None,
                organization_id=one.due.organization_id,
                subject=("job", one.due.public_id),
                data={"stage": one.stage, "state": "started"},
            )
    return len(changed)


def _hand_over(over: Sequence[Told]) -> int:
    columns: list[Any] = [
        [one.due.pk for one in over],
        [one.due.attempt for one in over],
        [one.claimed for one in over],
        [storable(one.ref)[:200] for one in over],
        [_memo(one) for one in over],
    ]
    with connection.cursor() as cursor:
        cursor.execute(statements.HAND_OVER, [WAKE_SECONDS, *columns])
        changed = {row[0] for row in cursor.fetchall()}
    for one in over:
        if one.due.pk in changed:
            queue.enqueue(f"{one.action}_remote", one.due.public_id)
    return len(changed)


def _fail(one: Told) -> bool:
    assert one.error is not None
    job = Job.objects.filter(pk=one.due.pk, attempt=one.due.attempt).first()
    return job is not None and finish.fail_job(job, one.error, owner="")


def _memo(one: Told) -> str | None:
    return None if one.memo is None else msgspec.json.encode(storable(one.memo)).decode()


def _notes(news: Sequence[Told]) -> list[str]:
    return [
        msgspec.json.encode(
            {
                "job": one.due.public_id,
                "organization": one.due.organization_id,
                "status": "processing",
                "stage": one.stage or one.due.stage,
                "progress": {
                    "fraction": one.due.fraction if one.fraction is None else one.fraction,
                    "done": 0,
                    "total": 0,
                    "unit": "",
                },
            }
        ).decode()
        for one in news
    ]
