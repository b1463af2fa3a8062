"""The native shape: the ended job in seed 003's words, to the callback_url of orders that came by our own API.

A lip-sync job is told of with exactly the seven fields that seed 003 prints; a translation has two of ours beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from apps.core import clock
from apps.events.models import Event
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services.orders import is_lipsync
from apps.projects import storage

_ENDS: Final = frozenset(f"job.{status}" for status in states.FINAL)


class NativeShape:
    """Told once, at the job's end."""

    bare = False

    def wants(self, event_type: str, data: Mapping[str, Any]) -> bool:
        return event_type in _ENDS

    def body(self, job: Job, event: Event) -> bytes:
        """`output` is a signed link that expires; `executionTime` is milliseconds."""
        if is_lipsync(job):
            return msgspec.json.encode(_lipsync_body(job))
        main = job.artefacts.filter(is_main=True).first()
        ended = job.finished_at or clock.now()
        return msgspec.json.encode(
            {
                "id": job.public_id,
                "model": job.model,
                "status": job.status,
                "output": storage.signed_url(main, absolute=True) if main else None,
                "error": job.error,
                "error_code": job.error_code,
                "executionTime": round((ended - (job.started_at or job.created_at)).total_seconds() * 1000),
                "timings": job.timings or None,
                "target_locale": job.target_locale,
            }
        )

    def headers(self, job: Job, body: bytes) -> Mapping[str, str]:
        return {}


def _lipsync_body(job: Job) -> dict[str, Any]:
    """What lipsync.studio posts (seed 003); the time that it took is told of a completed job only."""
    done = job.status == states.COMPLETED
    main = job.artefacts.filter(is_main=True).first() if done else None
    took = (job.finished_at - job.started_at) if done and job.finished_at and job.started_at else None
    return {
        "id": job.public_id,
        "model": job.model,
        "status": job.status,
        "output": storage.signed_url(main, absolute=True) if main else None,
        "error": job.error,
        "executionTime": round(took.total_seconds() * 1000) if took is not None else None,
        "timings": None,
    }


NATIVE: Final = NativeShape()
