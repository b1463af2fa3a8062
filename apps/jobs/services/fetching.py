"""Stage fetch: source and given subtitles into the workspace, and the engine's task beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from apps.core.errors import JobError
from apps.core.http import OutboundError, download
from apps.engine.task import GlossaryTerm
from apps.engine.workspace import SOURCE_FILE, SUBTITLE_FILE, Workspace
from apps.glossaries.models import Term
from apps.jobs.models import Job
from apps.jobs.services import takeover
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services.assets import outbound_policy
from apps.projects.services.fetch import FetchError, limits_for, store_remote_asset
from apps.providers.local.adapter import engine_task
from apps.providers.orders import TranslationOrder

MAX_SUBTITLE_BYTES: Final = 20 << 20
PAUSES: Final = (2.0, 6.0, None)
"""Seconds to wait after each attempt that a host did not answer well; None: no further one."""
Report = Callable[[float, float, str], None]
Stopped = Callable[[], bool]


def fetch(job: Job, workspace: Workspace, report: Report, should_stop: Stopped) -> None:
    """Brings everything that the engine needs into the workspace; what is there already is not fetched again.

    An iteration takes its text from the transcript instead of subtitle files. Raises JobError 10901, 10904, 10905 or 10909.
    """
    assert job.translation is not None
    order = msgspec.convert(job.order, TranslationOrder)
    asset = job.translation.project.source_asset
    workspace.root.mkdir(parents=True, exist_ok=True)
    take(asset, workspace, SOURCE_FILE, report, should_stop)
    if job.base_job_id is not None:
        takeover.put_given_text(job, workspace)
    elif order.subtitle is not None and order.subtitle.asset is not None:
        given = Asset.objects.select_related("organization").get(
            organization=job.organization, public_id=order.subtitle.asset
        )
        take(given, workspace, SUBTITLE_FILE, report, should_stop)
    elif order.subtitle is not None and order.subtitle.url is not None and not workspace.exists(SUBTITLE_FILE):
        policy = outbound_policy(max_bytes=MAX_SUBTITLE_BYTES)
        try:
            download(order.subtitle.url, workspace.path(SUBTITLE_FILE), policy, should_stop=should_stop)
        except OutboundError as error:
            raise error.as_job_error() from None
    task = engine_task(
        order,
        target_locale=job.target_locale,
        terms=terms_of(job),
        limits=limits_for(asset),
        title=job.translation.project.name,
        cast=takeover.voices_before(job),
    )
    if job.base_job_id is not None and task.subtitle_source == "asr":
        task = msgspec.structs.replace(task, subtitle_source="file")  # as the report says: nobody listened this time
    Workspace.create(workspace.root, task)


def terms_of(job: Job) -> list[GlossaryTerm]:
    """The terms of the pinned glossary versions, in the order in which the glossaries were named; the first wins."""
    found: dict[str, GlossaryTerm] = {}
    for pinned in job.glossary_versions:
        for term in Term.objects.filter(version_id=pinned["version"]).order_by("pk"):
            found.setdefault(
                term.source,
                GlossaryTerm(
                    source=term.source,
                    target=term.target,
                    case_sensitive=term.case_sensitive,
                    do_not_translate=term.do_not_translate,
                ),
            )
    return list(found.values())


def take(asset: Asset, workspace: Workspace, name: str, report: Report, should_stop: Stopped) -> None:
    """One file into the workspace, by way of our storage; what is there already stays. Raises JobError as `fetch` does."""
    if workspace.exists(name) and asset.status != Asset.Status.REMOTE:
        return  # of a link that was revived by a retry the old file may lie there: it is fetched anew
    if asset.status == Asset.Status.FAILED:
        raise JobError(asset.error_code or 10902, asset.error)
    asset = _stored(asset, report, should_stop)
    try:
        storage.copy_out(asset.storage_key, workspace.path(name))
    except FileNotFoundError:
        raise JobError(10901, "the source file is no longer in storage") from None


def _stored(asset: Asset, report: Report, should_stop: Stopped) -> Asset:
    """The asset with its bytes in storage; a host that stumbles is asked three times."""

    def progress(done: int, total: int | None) -> None:
        report(done / 1e6, (total or 0) / 1e6, "MB")

    for pause in PAUSES:
        try:
            return store_remote_asset(asset, on_progress=progress, should_stop=should_stop)
        except FetchError as error:
            if pause is None or not error.again:
                raise
            until = time.monotonic() + pause
            while time.monotonic() < until:
                if should_stop():
                    raise
                time.sleep(0.1)
    raise AssertionError("unreachable")
