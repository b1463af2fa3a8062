"""Queue entry points of jobs: fetch, delegate, nothing else. Lost or doubled messages are put right by the reconciler."""

from __future__ import annotations

import dramatiq

from apps.jobs import services
from apps.jobs.services import deliver, remote

DAY_MS = 86_400_000


@dramatiq.actor(queue_name="default", max_retries=5, min_backoff=500)
def advance(public_id: str) -> None:
    """Routes a job to its provider."""
    services.advance(public_id)


@dramatiq.actor(queue_name="engine", max_retries=0, time_limit=2 * DAY_MS, notify_shutdown=True)
def run_engine(public_id: str) -> None:
    """Works on a job with the built-in engine; one at a time in each engine process."""
    services.run_engine(public_id)


@dramatiq.actor(queue_name="default", max_retries=8, min_backoff=5_000, max_backoff=3_600_000, time_limit=60_000)
def deliver_callback(public_id: str, attempt: int) -> None:
    """Posts an ended job to its order's callback_url."""
    deliver.deliver_callback(public_id, attempt)


@dramatiq.actor(queue_name="default", max_retries=0, time_limit=3_600_000, notify_shutdown=True)
def submit_remote(public_id: str) -> None:
    """Hands a job to the vendor that carries it out."""
    remote.submit_remote(public_id)


@dramatiq.actor(queue_name="default", max_retries=0, time_limit=3_600_000, notify_shutdown=True)
def collect_remote(public_id: str) -> None:
    """Fetches a vendor's finished outputs."""
    remote.collect_remote(public_id)
