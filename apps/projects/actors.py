"""Queue entry points of projects: fetch and probe an asset outside the request that named it."""

from __future__ import annotations

import threading
from typing import Final

import dramatiq

from apps.events import queue
from apps.projects import services
from apps.projects.models import Asset

AGAIN_MS: Final = 5_000
# A host may take an hour over a file. Half of the worker's threads stay free for what is short: routing, e-mails, callbacks.
_fetching = threading.BoundedSemaphore(2)


@dramatiq.actor(queue_name="default", max_retries=3, min_backoff=2_000, time_limit=3_600_000)
def fetch_asset(public_id: str) -> None:
    """Brings a linked asset into storage and probes it."""
    if not _fetching.acquire(blocking=False):
        queue.enqueue("fetch_asset", public_id, delay_ms=AGAIN_MS)
        return
    try:
        asset = Asset.objects.select_related("organization").filter(public_id=public_id).first()
        if asset is not None:
            services.probe_asset(asset)
    finally:
        _fetching.release()


@dramatiq.actor(queue_name="default", max_retries=3, min_backoff=2_000, time_limit=600_000)
def probe_asset(public_id: str) -> None:
    """Probes a stored asset."""
    asset = Asset.objects.select_related("organization").filter(public_id=public_id).first()
    if asset is not None:
        services.probe_asset(asset)
