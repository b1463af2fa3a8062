"""Queue entry points of projects: fetch and probe an asset outside the request that named it."""

from __future__ import annotations

import dramatiq

from apps.projects import services
from apps.projects.models import Asset


@dramatiq.actor(queue_name="default", max_retries=3, min_backoff=2_000, time_limit=3_600_000)
def fetch_asset(public_id: str) -> None:
    """Brings a linked asset into storage and probes it."""
    asset = Asset.objects.select_related("organization").filter(public_id=public_id).first()
    if asset is not None:
        services.probe_asset(asset)


@dramatiq.actor(queue_name="default", max_retries=3, min_backoff=2_000, time_limit=600_000)
def probe_asset(public_id: str) -> None:
    """Probes a stored asset."""
    asset = Asset.objects.select_related("organization").filter(public_id=public_id).first()
    if asset is not None:
        services.probe_asset(asset)
