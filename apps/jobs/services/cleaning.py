"""Removes what nobody needs any more: work directories of ended jobs, and files past the plan's retention."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Value
from django.db.models.functions import Now

from apps.events import log
from apps.jobs import states
from apps.jobs.models import Artefact, Job, JobInput
from apps.jobs.services.reuse import clean_reuse
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services.assets import delete_asset_file

KEPT_AFTER_FAILURE: Final = 24 * 3600
"""Seconds that a failed job's directory is kept: a retry goes on from its finished stages."""
UNKNOWN_AFTER: Final = 3600
BATCH: Final = 200


def clean() -> int:
    """One round; returns how many directories and files went."""
    return clean_work() + clean_reuse() + clean_assets() + clean_artefacts()


def clean_work() -> int:
    """Directories of jobs that are not open any more, and scraps of killed downloads."""
    root = Path(settings.WORK_DIR)
    if not root.is_dir():
        return 0
    folders = {path.name: path for path in root.iterdir() if path.name.startswith("job_")}
    jobs = {job.public_id: job for job in Job.objects.filter(public_id__in=list(folders))}
    gone = 0
    for name, path in folders.items():
        job = jobs.get(name)
        age = _age(path)
        if job is None:
            dead = age > UNKNOWN_AFTER
        elif job.status == states.FAILED:
            dead = age > KEPT_AFTER_FAILURE
        else:
            dead = job.status in states.FINAL and age > settings.JOB_LEASE_SECONDS
        if dead:
            shutil.rmtree(path, ignore_errors=True)
            gone += 1
    for path in root.glob("fetch-*"):
        if _age(path) > KEPT_AFTER_FAILURE:
            shutil.rmtree(path, ignore_errors=True)
            gone += 1
    return gone


def clean_assets() -> int:
    """Files of assets older than their plan keeps them, unless an open job needs them."""
    open_jobs = Job.objects.filter(status__in=states.OPEN, translation__project__source_asset=OuterRef("pk"))
    open_inputs = JobInput.objects.filter(job__status__in=states.OPEN, asset=OuterRef("pk"))
    due = (
        Asset.objects.filter(status=Asset.Status.STORED, organization__subscription__isnull=False)
        .filter(created_at__lt=Now() - _kept("organization__subscription__plan__retention_days"))
        .exclude(Exists(open_jobs))
        .exclude(Exists(open_inputs))
        .order_by("id")[:BATCH]
    )
    gone = 0
    for asset in due:
        if delete_asset_file(asset):
            gone += 1
            log.record(type="asset.expired", actor=None, organization_id=asset.organization_id, subject=asset)
    return gone


def clean_artefacts() -> int:
    """Artefacts older than their plan keeps them: the row goes with the file."""
    due = (
        Artefact.objects.filter(organization__subscription__isnull=False)
        .filter(created_at__lt=Now() - _kept("organization__subscription__plan__retention_days"))
        .order_by("id")[:BATCH]
    )
    gone = 0
    for artefact in due:
        storage.delete(artefact.storage_key)
        gone += artefact.delete()[0]
    return gone


def _kept(days: str) -> ExpressionWrapper[Any]:
    return ExpressionWrapper(F(days) * Value(timedelta(days=1)), output_field=DurationField())


def _age(path: Path) -> float:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime
    return 0.0
