"""Brings a linked asset into storage, and finds out what a stored one is (in the engine's limited child process)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.core import errors
from apps.core.errors import JobError
from apps.core.http import FetchFailed, OutboundError, download
from apps.engine import runner
from apps.engine.settings import EngineSettings
from apps.engine.task import Limits
from apps.events import log
from apps.plans.selectors import plan_for
from apps.projects import sniff, storage
from apps.projects.models import Asset
from apps.projects.services.assets import outbound_policy, storage_key

Progress = Callable[[int, int | None], None]


class FetchError(JobError):
    """Job error 10901; `again` says that the host may do better in a moment."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(errors.FETCH_FAILED, reason)
        self.again = again


def engine_settings() -> EngineSettings:
    """The engine's settings of this installation (settings.ENGINE; sizes there are in MiB)."""
    given: dict[str, Any] = settings.ENGINE
    return EngineSettings(
        model_dir=given["model_dir"],
        whisper_model=given["whisper_model"].removeprefix("whisper-"),
        ffmpeg=given["ffmpeg"],
        threads=given["threads"],
        separate=given["separate"],
        lipsync_dir=given["lipsync_dir"],
        lipsync_fallback=given["lipsync_fallback"],
        memory_limit=given["memory_limit_mb"] << 20,
        max_output_bytes=given["max_output_mb"] << 20,
        **given.get("more", {}),
    )


def limits_for(asset: Asset) -> Limits:
    """What media this asset's organization may bring: the smaller of plan and installation."""
    plan = plan_for(asset.organization)
    given: dict[str, Any] = settings.ENGINE
    seconds, size = given["max_source_seconds"], given["max_source_mb"] << 20
    if plan is not None:
        seconds, size = min(plan.max_duration, seconds), min(plan.max_file_bytes, size)
    return Limits(max_seconds=float(seconds), max_bytes=size)


def store_remote_asset(
    asset: Asset,
    *,
    on_progress: Progress = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Asset:
    """Fetches a linked asset into storage; one that is stored already is returned as it is.

    Raises JobError 10901 (could not be fetched), 10904 (a web page or the like), 10905 (too large), 10909 (should_stop).
    """
    asset.refresh_from_db()
    if asset.status == Asset.Status.STORED:
        return asset
    if asset.status == Asset.Status.DELETED:
        raise JobError(errors.FETCH_FAILED, "the source file has been deleted")
    settings.WORK_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=settings.WORK_DIR) as scratch:
        target = Path(scratch) / "file"
        policy = outbound_policy(max_bytes=limits_for(asset).max_bytes)
        try:
            fetched = download(asset.source_url, target, policy, on_progress, should_stop)
        except FetchFailed as error:
            raise FetchError(str(error), again=error.retryable) from None
        except OutboundError as error:
            raise error.as_job_error() from None
        if fetched.size == 0:
            raise JobError(errors.DAMAGED, "the file at the link is empty")
        if what := sniff.foreign(target):
            raise JobError(errors.TYPE_REFUSED, f"the link gives {what}, neither media nor subtitles")
        kind = sniff.content_type(target)
        saved = storage.save_file(target, storage_key(asset.organization.public_id, asset.public_id), kind)
    Asset.objects.filter(pk=asset.pk).exclude(status=Asset.Status.DELETED).update(
        status=Asset.Status.STORED,
        storage_key=saved.key,
        size=saved.size,
        sha256=saved.sha256,
        content_type=kind,
        file_name=_given_name(asset) or fetched.file_name[:255] or asset.file_name,
        error_code=None,
        error="",
    )
    asset.refresh_from_db()
    return asset


def _given_name(asset: Asset) -> str:
    """The name that somebody chose for a link; "" when it was only taken from the link itself."""
    parts = urlsplit(asset.source_url)
    derived = {parts.path.rstrip("/").rpartition("/")[2][:255], parts.hostname or ""}
    return "" if asset.file_name in derived else asset.file_name


def probe_asset(asset: Asset, *, on_progress: Progress = lambda done, total: None) -> Asset:
    """Fetches (when a link) and probes an asset; what is wrong with it is kept on the row (status failed), not raised."""
    try:
        asset = store_remote_asset(asset, on_progress=on_progress)
        if asset.kind == Asset.Kind.MEDIA and asset.probe is None:
            with (
                tempfile.TemporaryDirectory(prefix="probe-") as scratch,
                storage.local_copy(asset.storage_key, Path(scratch)) as path,
            ):
                found = runner.probe(path, engine_settings(), limits_for(asset))
            remember_probe(asset, found)
            log.record(
                type="asset.ready",
                actor=None,
                organization_id=asset.organization_id,
                subject=asset,
                data={"duration_ms": asset.duration_ms, "content_type": asset.content_type, "size": asset.size},
            )
    except JobError as error:
        fail_asset(asset, error)
    return asset


def remember_probe(asset: Asset, found: dict[str, Any]) -> None:
    """Keeps what the probe found; the length is in whole milliseconds, rounded up."""
    asset.probe = found
    asset.duration_ms = -int(-float(found.get("duration") or 0.0) * 1000 // 1)
    Asset.objects.filter(pk=asset.pk).update(probe=asset.probe, duration_ms=asset.duration_ms)


def fail_asset(asset: Asset, error: JobError) -> None:
    """Marks an asset as unusable with the numbered reason, unless it has been deleted."""
    changed = Asset.objects.filter(pk=asset.pk, status__in=[Asset.Status.REMOTE, Asset.Status.STORED]).update(
        status=Asset.Status.FAILED, error_code=error.code, error=error.reason
    )
    asset.refresh_from_db()
    if changed:
        log.record(
            type="asset.failed",
            actor=None,
            organization_id=asset.organization_id,
            subject=asset,
            data={"error_code": error.code, "error": error.reason},
        )
