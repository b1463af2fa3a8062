"""Assets: media and subtitle files of an organization, by link or by file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.accounts.permissions import require
from apps.core import errors
from apps.core.http import OutboundPolicy, check_url
from apps.core.http.errors import OutboundError
from apps.core.ids import is_id
from apps.events import log, queue
from apps.plans.models import Plan
from apps.plans.selectors import plan_for
from apps.projects import sniff, storage
from apps.projects.models import Asset, asset_id

MAX_REMOTE: Final = 100
"""Links of one organization that wait to be fetched."""


def outbound_policy(*, max_bytes: int = 0) -> OutboundPolicy:
    """The portal's rules for fetching what customers name; max_bytes 0 means the policy's own limit."""
    policy = OutboundPolicy(allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED))
    return replace(policy, max_bytes=max_bytes) if max_bytes else policy


def storage_key(organization_public_id: str, public_id: str) -> str:
    """Where an asset's bytes lie: one key an asset, for ever."""
    return f"assets/{organization_public_id}/{public_id}"


def still_key(asset: Asset) -> str:
    """Where the picture lies on which its faces were found (services/faces.py); "" while the asset is not stored."""
    return f"{asset.storage_key}.faces.jpg" if asset.storage_key else ""


def create_asset_from_url(*, actor: Actor, url: str, kind: str = Asset.Kind.MEDIA, file_name: str = "") -> Asset:
    """A link becomes an asset at once; a worker fetches and probes it (status: remote, then stored or failed).

    A `file_name` given here stays; else it is what the server or the link says.

    Raises ApiError 5 for an address that could never be fetched, 4290 while too many others wait.
    """
    require(actor, "assets.write")
    _check_kind(kind)
    try:
        check_url(url, outbound_policy())
    except OutboundError as error:
        raise errors.invalid("url", str(error)) from None
    newest = Asset.objects.filter(organization=actor.organization).order_by("-id").values("pk")[: 10 * MAX_REMOTE]
    # What an order named is fetched with its job, and counted there.
    waiting = Asset.objects.filter(pk__in=newest, status=Asset.Status.REMOTE, projects=None, job_inputs=None)
    if waiting.count() >= MAX_REMOTE:
        raise errors.rate(60, "Too many links wait to be fetched; go on when some are done.")
    with transaction.atomic():
        asset = Asset.objects.create(
            organization=actor.organization,
            kind=kind,
            status=Asset.Status.REMOTE,
            source_url=url,
            file_name=Path(file_name).name[:255],
            created_by=actor.user,
        )
        _tell(actor, asset, "asset.created")
        queue.enqueue("fetch_asset", asset.public_id)
    return asset


def create_asset_from_file(
    *, actor: Actor, path: Path, file_name: str, kind: str = Asset.Kind.MEDIA, public_id: str = ""
) -> Asset:
    """A local file becomes a stored asset; its type is read from its bytes. A worker probes it.

    Raises ApiError 5 for a file that is neither media nor subtitles, or larger than the plan allows.
    """
    require(actor, "assets.write")
    _check_kind(kind)
    check_file(actor, path)
    public_id = public_id or asset_id()
    if not is_id(public_id, "ast"):
        raise ValueError(f"not the id of an asset: {public_id[:40]!r}")
    kind_of_content = sniff.content_type(path)
    saved = storage.save_file(path, storage_key(actor.organization.public_id, public_id), kind_of_content)
    if kind == Asset.Kind.MEDIA and kind_of_content in sniff.SUBTITLES:
        kind = Asset.Kind.SUBTITLE
    elif kind == Asset.Kind.MEDIA and kind_of_content in sniff.IMAGES:
        kind = Asset.Kind.IMAGE
    elif kind == Asset.Kind.IMAGE and kind_of_content not in sniff.IMAGES:
        raise errors.invalid("file", "This is not a PNG, JPEG or WebP picture.")
    with transaction.atomic():
        asset, created = Asset.objects.get_or_create(
            public_id=public_id,
            defaults={
                "organization": actor.organization,
                "kind": kind,
                "status": Asset.Status.STORED,
                "file_name": Path(file_name).name[:255],
                "storage_key": saved.key,
                "size": saved.size,
                "sha256": saved.sha256,
                "content_type": kind_of_content,
                "created_by": actor.user,
            },
        )
        if created:
            _tell(actor, asset, "asset.created")
            if kind == Asset.Kind.MEDIA:
                queue.enqueue("probe_asset", asset.public_id)
    return asset


def check_file(actor: Actor, path: Path) -> None:
    """Raises ApiError 5 when a local file cannot be taken as an asset of the actor's organization."""
    size = path.stat().st_size
    if size == 0:
        raise errors.invalid("file", "The file is empty.")
    limit = plan_of(actor.organization).max_file_bytes
    if size > limit:
        raise errors.invalid("file", f"The file has {size} bytes; the plan allows {limit}.")
    if what := sniff.foreign(path):
        raise errors.invalid("file", f"This is {what}, neither media nor subtitles.")


def delete_asset_file(asset: Asset) -> bool:
    """Removes the bytes, and the still that was made of them, and keeps the row as `deleted`; False when another did so."""
    if not Asset.objects.filter(pk=asset.pk).exclude(status=Asset.Status.DELETED).update(status=Asset.Status.DELETED):
        return False
    storage.delete(asset.storage_key)
    storage.delete(still_key(asset))
    return True


def plan_of(organization: Organization) -> Plan:
    """The plan in force; raises ApiError 814 when there is none."""
    plan = plan_for(organization)
    if plan is None:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    return plan


def free_bytes() -> int:
    """Bytes left where uploads wait."""
    settings.UPLOAD_DIR.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(settings.UPLOAD_DIR).free


def _check_kind(kind: str) -> None:
    if kind not in Asset.Kind.values:
        raise errors.invalid("kind", f"Must be one of {', '.join(Asset.Kind.values)}.")


def _tell(actor: Actor, asset: Asset, event: str) -> None:
    log.record(
        type=event,
        actor=actor,
        organization_id=actor.organization.pk,
        subject=asset,
        data={"file_name": asset.file_name, "size": asset.size, "url": asset.source_url[:200]},
    )
