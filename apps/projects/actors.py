"""Queue entry points of projects: fetch and probe an asset, or look for its faces, outside the request that named it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import dramatiq

from apps.events import queue
from apps.projects import services
from apps.projects.models import Asset

AGAIN_MS: Final = 5_000
SOON_MS: Final = 1_000
# A host may take an hour over a file. Half of the worker's threads stay free for what is short: routing, e-mails, callbacks.
_fetching = threading.BoundedSemaphore(2)
# A look takes a processor for some seconds; one at a time.
_looking = threading.BoundedSemaphore(1)
# Assets that this process works on: a link that is fetched is not fetched a second time for its faces.
_under_way: set[str] = set()
_guard = threading.Lock()


@contextmanager
def _taken(room: threading.BoundedSemaphore, public_id: str) -> Iterator[bool]:
    """Whether there was room for this asset, and nobody here works on it."""
    with _guard:
        taken = public_id not in _under_way and room.acquire(blocking=False)
        if taken:
            _under_way.add(public_id)
    try:
        yield taken
    finally:
        if taken:
            with _guard:
                _under_way.discard(public_id)
            room.release()


@dramatiq.actor(queue_name="default", max_retries=3, min_backoff=2_000, time_limit=3_600_000)
def fetch_asset(public_id: str) -> None:
    """Brings a linked asset into storage and probes it."""
    with _taken(_fetching, public_id) as taken:
        if not taken:
            queue.enqueue("fetch_asset", public_id, delay_ms=AGAIN_MS)
            return
        asset = Asset.objects.select_related("organization").filter(public_id=public_id).first()
        if asset is not None:
            services.probe_asset(asset)


@dramatiq.actor(queue_name="default", max_retries=3, min_backoff=2_000, time_limit=600_000)
def probe_asset(public_id: str) -> None:
    """Probes a stored asset."""
    asset = Asset.objects.select_related("organization").filter(public_id=public_id).first()
    if asset is not None:
        services.probe_asset(asset)


@dramatiq.actor(queue_name="default", max_retries=3, min_backoff=2_000, time_limit=3_600_000)
def look_for_faces(public_id: str) -> None:
    """Finds the faces of an asset, which is fetched before where nobody did so."""
    asset = Asset.objects.select_related("organization").filter(public_id=public_id).first()
    if asset is None:
        return
    room = _fetching if asset.status == Asset.Status.REMOTE else _looking
    with _taken(room, public_id) as taken:
        if taken:
            services.find_faces(asset)
        else:
            queue.enqueue("look_for_faces", public_id, delay_ms=AGAIN_MS if room is _fetching else SOON_MS)
