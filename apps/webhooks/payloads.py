"""What is sent to endpoints: `{type, timestamp, version, data}`. Thin: facts, no files, no links to files, no texts of transcripts.

A link in a payload would have expired when a late attempt arrives, and would open customers' media to every log that it passes.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from django.conf import settings

from apps.core import clock
from apps.core.money import to_text
from apps.events.models import Event
from apps.jobs import states
from apps.jobs.models import Job
from apps.plans.models import Hold
from apps.webhooks.catalog import BY_NAME, EVENT_TYPES, TEST, VERSION, EventType, is_job_type

_STATUS: Final = {step.event: step.target for step in states.TRANSITIONS} | {"job.created": states.PROCESSING}
_EXAMPLE_TIME: Final = "2026-11-21T09:31:05.120Z"


def encode(event_type: str, timestamp: str, data: dict[str, Any]) -> str:
    """The body, as it is signed and sent."""
    body = {"type": event_type, "timestamp": timestamp, "version": VERSION, "data": data}
    return msgspec.json.encode(body).decode()


def body_of(event: Event, job: Job | None) -> str | None:
    """The body that tells of an event; None for a type that endpoints are not told of, or when its job is gone."""
    kind = BY_NAME.get(event.type)
    if kind is None or (is_job_type(event.type) and job is None):
        return None
    data = job_data(job, event) if job is not None else _plain(kind, event)
    return encode(event.type, clock.to_text(event.created_at), data)


def job_data(job: Job, event: Event) -> dict[str, Any]:
    """The job object of the API without its files; `url` is where it can be read in full, with fresh links.

    `status`, `error` and `error_code` are what the event made of them; the rest is the job as it is when the message is made,
    normally within a second. `job` needs its translation and hold loaded.
    """
    status = _STATUS.get(event.type, job.status)
    ended = status in states.FINAL
    failed = status in (states.FAILED, states.CANCELED)
    held = job.hold.amount if job.hold is not None and job.hold.status == Hold.Status.PLACED else 0
    took = (job.finished_at - job.started_at) if ended and job.started_at and job.finished_at else None
    return {
        "id": job.public_id,
        "model": job.model,
        "status": status,
        "stage": job.stage,
        "error": event.data.get("error", job.error) if failed else "",
        "error_code": event.data.get("error_code", job.error_code) if failed else None,
        "translation": job.translation.public_id if job.translation is not None else None,
        "iteration": job.iteration,
        "provider": job.provider,
        "target_locale": job.target_locale,
        "estimate": to_text(job.estimate),
        "held": to_text(held),
        "charged": to_text(job.charged),
        "executionTime": round(took.total_seconds() * 1000) if took is not None else None,
        "created_at": clock.to_text(job.created_at),
        "started_at": clock.to_text(job.started_at) if job.started_at else None,
        "finished_at": clock.to_text(job.finished_at) if ended and job.finished_at else None,
        "url": f"{settings.PUBLIC_URL}/api/v1/jobs/{job.public_id}",
        "review_url": f"{settings.PUBLIC_URL}/jobs/{job.public_id}" if status == states.PAUSED else None,
    }


def _plain(kind: EventType, event: Event) -> dict[str, Any]:
    return {kind.subject: event.subject_id} | {name: event.data.get(name) for name in kind.fields}


def test_body() -> str:
    """What the test button sends."""
    note = "This is a test. Your endpoint works when it answers with a status from 200 to 299 within 15 seconds."
    return encode(TEST, clock.to_text(clock.now()), {"message": note})


test_body.__test__ = False  # type: ignore[attr-defined]


def example(kind: EventType) -> dict[str, Any]:
    """An example body, for documentation."""
    data = dict(kind.example) if kind.example is not None else _job_example(kind.name)
    return {"type": kind.name, "timestamp": _EXAMPLE_TIME, "version": VERSION, "data": data}


def _job_example(name: str) -> dict[str, Any]:
    status = _STATUS[name]
    done, failed = status == states.COMPLETED, status == states.FAILED
    ended = status in states.FINAL
    error = {states.FAILED: "No speech was found.", states.CANCELED: "The job was canceled."}.get(status, "")
    job = "job_0h5x2c9k3f7mq1az"
    return {
        "id": job,
        "model": "translate",
        "status": status,
        "stage": {states.COMPLETED: "done", states.PAUSED: "review", states.FAILED: "recognize"}.get(status, "queued"),
        "error": error,
        "error_code": {states.FAILED: 10042, states.CANCELED: 10904}.get(status),
        "translation": "trn_0h5x2c9k3f7mq1b2",
        "iteration": 1,
        "provider": "" if name == "job.created" else "local",
        "target_locale": "pt-BR",
        "estimate": "36.0",
        "held": "0.0" if ended else "36.0",
        "charged": "34.5" if done else "0.0",
        "executionTime": 62345 if done or failed else None,
        "created_at": "2026-11-21T09:30:00.000Z",
        "started_at": None if name == "job.created" else "2026-11-21T09:30:02.775Z",
        "finished_at": _EXAMPLE_TIME if ended else None,
        "url": f"https://kinoglot.example/api/v1/jobs/{job}",
        "review_url": f"https://kinoglot.example/jobs/{job}" if status == states.PAUSED else None,
    }


def examples() -> dict[str, dict[str, Any]]:
    """An example body of every type."""
    return {kind.name: example(kind) for kind in EVENT_TYPES}
