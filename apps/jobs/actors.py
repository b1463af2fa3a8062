"""Queue entry points of jobs: fetch, delegate, nothing else. Lost or doubled messages are put right by the reconciler."""

from __future__ import annotations

import dramatiq

from apps.jobs import services
from apps.jobs.services.vendor import close, crowd, drive

DAY_MS = 86_400_000


@dramatiq.actor(queue_name="default", max_retries=5, min_backoff=500)
def advance(public_id: str) -> None:
    """Routes a job to its provider."""
    services.advance(public_id)


@dramatiq.actor(queue_name="engine", max_retries=0, time_limit=2 * DAY_MS, notify_shutdown=True)
def run_engine(public_id: str) -> None:
    """Works on a job with the built-in engine; one at a time in each engine process."""
    services.run_engine(public_id)


@dramatiq.actor(queue_name="default", max_retries=0, time_limit=3_600_000, notify_shutdown=True)
def submit_remote(public_id: str) -> None:
    """Goes on with a job at the vendor that carries it out."""
    with crowd.place_for(public_id) as free:
        if free:
            drive.submit_remote(public_id)
        else:
            crowd.put_off(public_id)


@dramatiq.actor(queue_name="default", max_retries=0, time_limit=3_600_000, notify_shutdown=True)
def collect_remote(public_id: str) -> None:
    """Takes over what a vendor finished."""
    with crowd.place_for(public_id) as free:
        if free:
            drive.collect_remote(public_id)
        else:
            crowd.put_off(public_id)


@dramatiq.actor(queue_name="default", max_retries=0, time_limit=300_000, notify_shutdown=True)
def close_remote(public_id: str) -> None:
    """Clears up at the vendor of an ended job."""
    close.close_remote(public_id)
