"""Rows to the shapes of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from django.conf import settings

from apps.api.schemas import assets as asset_shapes
from apps.api.schemas import jobs as job_shapes
from apps.api.schemas import money as money_shapes
from apps.api.schemas import translations as translation_shapes
from apps.core.money import to_text
from apps.events.models import Event
from apps.jobs.models import Artefact, Job
from apps.jobs.services.orders import is_lipsync
from apps.plans.models import Hold, LedgerEntry, Wallet
from apps.plans.services.estimates import EstimateLine
from apps.projects import storage
from apps.projects.models import Asset, Translation, Upload
from apps.projects.services.faces import FaceLook


def seconds(milliseconds: int | None) -> float | None:
    """Whole milliseconds as seconds."""
    return None if milliseconds is None else milliseconds / 1000


def artefact(row: Artefact, job_id: str) -> job_shapes.Artefact:
    """With a fresh signed link."""
    return job_shapes.Artefact(
        id=row.public_id,
        job=job_id,
        kind=row.kind,
        format=row.format,
        language=row.language,
        label=row.label,
        file_name=row.file_name,
        content_type=row.content_type,
        size=row.size,
        sha256=row.sha256,
        duration=seconds(row.duration_ms),
        main=row.is_main,
        url=storage.signed_url(row, absolute=True),
        created_at=row.created_at,
    )


def _took(start: datetime | None, end: datetime | None) -> int | None:
    return round((end - start).total_seconds() * 1000) if start and end else None


def job(row: Job, artefacts: Iterable[Artefact]) -> job_shapes.Job:
    """`row` needs its hold and translation loaded."""
    files = [artefact(one, row.public_id) for one in artefacts]
    main = next((one.url for one in files if one.main), None)
    held = row.hold.amount if row.hold is not None and row.hold.status == Hold.Status.PLACED else 0
    review = f"{settings.PUBLIC_URL}/jobs/{row.public_id}" if row.status == Job.Status.PAUSED else None
    # Seed 003 tells no times of a lip-sync job that failed, and none by stage; the timeline has them.
    told = not is_lipsync(row) or row.status == Job.Status.COMPLETED
    return job_shapes.Job(
        id=row.public_id,
        model=row.model,  # type: ignore[arg-type]
        status=row.status,  # type: ignore[arg-type]
        output=main if row.status == Job.Status.COMPLETED else None,
        error=row.error,
        executionTime=_took(row.started_at, row.finished_at) if told else None,
        timings=None if is_lipsync(row) else row.timings or None,
        stage=row.stage,  # type: ignore[arg-type]
        progress=job_shapes.Progress(
            fraction=row.progress_fraction,
            done=row.progress_done,
            total=row.progress_total,
            unit=row.progress_unit,
        ),
        error_code=row.error_code,
        translation=row.translation.public_id if row.translation is not None else None,
        iteration=row.iteration,
        provider=row.provider,
        target_locale=row.target_locale,
        artefacts=files,
        estimate=to_text(row.estimate),
        held=to_text(held),
        charged=to_text(row.charged),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        review_url=review,
    )


def event(row: Event) -> job_shapes.Event:
    """One entry of the log."""
    actor: Mapping[str, str] = row.actor or {}
    return job_shapes.Event(
        id=row.id,
        type=row.type,
        subject=row.subject_id,
        actor=job_shapes.EventActor(kind=actor.get("kind", ""), id=actor.get("id", ""), label=actor.get("label", "")),
        data=row.data,
        created_at=row.created_at,
    )


def translation(row: Translation, *, latest_job: str | None, revision: int) -> translation_shapes.Translation:
    """`row` needs its project and the project's source asset loaded."""
    return translation_shapes.Translation(
        id=row.public_id,
        project=row.project.public_id,
        name=row.project.name,
        asset=row.project.source_asset.public_id,
        source_language=row.project.source_language,
        target_locale=row.target_locale,
        latest_job=latest_job,
        revision=revision,
        created_at=row.created_at,
    )


def asset(row: Asset) -> asset_shapes.Asset:
    """With a fresh signed link while the file is there."""
    stored = row.status == Asset.Status.STORED and bool(row.storage_key)
    return asset_shapes.Asset(
        id=row.public_id,
        kind=row.kind,  # type: ignore[arg-type]
        status=row.status,
        file_name=row.file_name,
        source_url=row.source_url,
        size=row.size,
        sha256=row.sha256,
        content_type=row.content_type,
        duration=seconds(row.duration_ms),
        probe=row.probe,
        error_code=row.error_code,
        error=row.error,
        url=storage.signed_url(row, absolute=True) if stored else None,
        created_at=row.created_at,
    )


def faces(look: FaceLook, picture_url: str | None) -> asset_shapes.AssetFaces:
    """What is known of an asset's faces."""
    found = [asset_shapes.AssetFace(**msgspec.structs.asdict(face)) for face in look.faces]
    return asset_shapes.AssetFaces(**msgspec.structs.asdict(look) | {"faces": found, "picture_url": picture_url})


def upload(row: Upload) -> asset_shapes.Upload:
    """An upload under way or done."""
    return asset_shapes.Upload(
        id=row.public_id,
        file_name=row.file_name,
        kind=row.kind,  # type: ignore[arg-type]
        length=row.length,
        offset=row.offset,
        asset=row.asset.public_id if row.asset is not None else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def estimate_lines(lines: Iterable[EstimateLine]) -> list[money_shapes.EstimateLine]:
    """With amounts in credits."""
    return [
        money_shapes.EstimateLine(
            locale=line.locale,
            stage=line.stage,
            unit=line.unit,
            quantity=line.quantity,
            credits=to_text(line.millicredits),
        )
        for line in lines
    ]


def wallet_change(pool: str, available: int, total: int) -> money_shapes.WalletChange:
    """What `total` does to a wallet that has `available`; both in milli-credits."""
    after = available - total
    return money_shapes.WalletChange(
        pool=pool,  # type: ignore[arg-type]
        before=to_text(available),
        after=to_text(after),
        sufficient=after >= 0,
    )


def wallet(row: Wallet) -> money_shapes.Wallet:
    """One balance."""
    return money_shapes.Wallet(
        pool=row.pool,  # type: ignore[arg-type]
        available=to_text(row.available),
        held=to_text(row.held),
    )


def ledger_entry(row: LedgerEntry) -> money_shapes.LedgerEntry:
    """One fact about a wallet."""
    return money_shapes.LedgerEntry(
        id=row.public_id,
        kind=row.kind,
        available=to_text(row.available_delta),
        held=to_text(row.held_delta),
        available_after=to_text(row.available_after),
        held_after=to_text(row.held_after),
        job=row.job_public_id or None,
        note=row.note,
        created_at=row.created_at,
    )
