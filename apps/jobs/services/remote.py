"""Jobs at vendors elsewhere: submit exactly once, take over what a poll tells, and fetch the outputs at once."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db.models import F

from apps.core import clock, errors
from apps.core.errors import JobError
from apps.core.http import OutboundError, OutboundPolicy, Reply, download, request
from apps.events import queue
from apps.jobs import states
from apps.jobs.models import Artefact, Job, ProviderCall
from apps.jobs.services import finish, publish
from apps.jobs.services.leases import Lease, LeaseLost, claim, give_back
from apps.projects import sniff, storage
from apps.projects.services.assets import outbound_policy
from apps.projects.services.fetch import store_remote_asset
from apps.providers.base import Output, Polled, RemoteAdapter, WireRequest
from apps.providers.orders import TranslationOrder
from apps.providers.registry import PROVIDERS

logger = logging.getLogger(__name__)
FIRST_POLL_SECONDS: Final = 3.0
SLOWEST_POLL_SECONDS: Final = 60.0
SOURCE_LINK_SECONDS: Final = 24 * 3600


def client_id(job: Job) -> str:
    """Our id of this attempt at a vendor: a repeated submit with it is harmless where the vendor takes one."""
    return f"{job.public_id}-{job.attempt}"


def submit_remote(public_id: str) -> bool:
    """Hands a job to its vendor: the call is committed before it is sent (DESIGN section 3). False when not to be taken.

    An outcome that nobody saw leaves the call `unknown`; it is only sent again when the vendor takes our id, or when its list
    does not know it.
    """
    job = claim(public_id)
    if job is None:
        return False
    remote = _adapter(job)
    with Lease(job) as lease:
        try:
            if not job.provider_ref:
                _submit(job, remote, lease)
            _wait_for_poll(job, FIRST_POLL_SECONDS)
        except LeaseLost:
            return True
        except OutboundError as error:
            logger.warning("vendor not reached", extra={"job": public_id, "reason": str(error)})
            if job.tries >= settings.JOB_MAX_TRIES:
                finish.fail_job(job, JobError(errors.PROVIDER_FAILED, str(error)), owner=lease.owner)
            else:
                give_back(job, seconds=5.0 * job.tries)
        except JobError as error:
            finish.fail_job(job, error, owner=lease.owner)
    return True


def apply_poll(job: Job, polled: Polled) -> None:
    """Takes over where the vendor stands; a status that no document names keeps the job as it is."""
    if polled.status == "failed":
        finish.fail_job(job, JobError(polled.error_code or errors.PROVIDER_FAILED, polled.error))
    elif polled.status == "canceled":
        finish.fail_job(job, JobError(errors.PROVIDER_FAILED, "the provider canceled the work"))
    elif polled.status == "succeeded":
        mine = Job.objects.filter(pk=job.pk, status=states.PROCESSING, provider_ref=job.provider_ref)
        if mine.update(next_poll_at=None, next_run_at=clock.now() + timedelta(seconds=15)):
            queue.enqueue("collect_remote", job.public_id)
    else:
        age = (clock.now() - job.created_at).total_seconds()
        pause = polled.retry_after or min(max(FIRST_POLL_SECONDS, age / 20), SLOWEST_POLL_SECONDS)
        values: dict[str, Any] = {"next_poll_at": _soon(pause)}
        if polled.fraction is not None:
            values["progress_fraction"] = min(max(polled.fraction, 0.0), 1.0)
        if polled.stage in Job.Stage.values:
            values["stage"] = polled.stage
        Job.objects.filter(pk=job.pk, status=states.PROCESSING, provider_ref=job.provider_ref).update(**values)


def collect_remote(public_id: str) -> bool:
    """Fetches the outputs of a job that the vendor finished into our storage, and completes it."""
    job = claim(public_id)
    if job is None:
        return False
    remote = _adapter(job)
    with Lease(job) as lease:
        try:
            polled = remote.parse_poll(*_parts(_send(remote.build_poll(job.provider_ref))))
            if polled.status != "succeeded":
                _wait_for_poll(job, FIRST_POLL_SECONDS)
                return True
            artefacts = _fetch_outputs(job, polled.outputs, lease)
            assert job.translation is not None
            asset = job.translation.project.source_asset
            measured = asset.duration_ms or 0
            publish.complete(
                job, owner=lease.owner, artefacts=artefacts, measured_ms=measured, timings=dict(job.timings)
            )
        except LeaseLost:
            return True
        except OutboundError as error:
            if job.tries >= settings.JOB_MAX_TRIES:
                finish.fail_job(job, JobError(errors.PROVIDER_FAILED, str(error)), owner=lease.owner)
            else:
                give_back(job, seconds=10.0)
        except JobError as error:
            finish.fail_job(job, error, owner=lease.owner)
    return True


def _submit(job: Job, remote: RemoteAdapter, lease: Lease) -> None:
    assert job.translation is not None
    asset = store_remote_asset(job.translation.project.source_asset, should_stop=lambda: lease.lost)
    order = msgspec.convert(job.order, TranslationOrder)
    ours = client_id(job)
    unseen = ProviderCall.objects.filter(
        job=job, client_id=ours, operation="submit", outcome__in=["pending", "unknown"]
    ).exists()
    ref = ""
    if unseen and not remote.takes_client_id:
        found = remote.build_find(ours)
        ref = (remote.parse_find(_send(found).content, ours) if found else None) or ""
    lease.check()
    if not ref:
        link = storage.signed_url(asset, disposition="inline", seconds=SOURCE_LINK_SECONDS, absolute=True)
        wanted = remote.build_submit(order, client_id=ours, source_url=link)
        call = ProviderCall.objects.create(
            job=job, provider=job.provider, operation="submit", client_id=ours, request=_kept(wanted)
        )
        try:
            reply = _send(wanted)
        except OutboundError:
            ProviderCall.objects.filter(pk=call.pk).update(outcome="unknown", finished_at=clock.now())
            raise
        ok = 200 <= reply.status < 300
        ProviderCall.objects.filter(pk=call.pk).update(
            outcome="ok" if ok else "refused",
            http_status=reply.status,
            response={"body": reply.content[:20_000].decode("utf-8", "replace")},
            finished_at=clock.now(),
        )
        ref = remote.parse_submit(reply.status, reply.content).ref
    mine = Job.objects.filter(pk=job.pk, status=states.PROCESSING, lease_owner=lease.owner)
    if not mine.update(provider_ref=ref):
        raise LeaseLost(lease.owner)
    job.provider_ref = ref


def _wait_for_poll(job: Job, seconds: float) -> None:
    """The worker lets go: from now on the poller looks after the job."""
    mine = Job.objects.filter(pk=job.pk, status=states.PROCESSING, lease_owner=job.lease_owner)
    mine.update(lease_owner="", lease_until=None, next_run_at=None, next_poll_at=_soon(seconds), tries=F("tries") - 1)


def _fetch_outputs(job: Job, outputs: tuple[Output, ...], lease: Lease) -> list[Artefact]:
    rows = []
    settings.WORK_DIR.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="fetch-", dir=settings.WORK_DIR) as scratch:
        for place, output in enumerate(outputs):
            lease.check()
            name = f"{place:02d}.{output.kind}.{output.format}"
            fetched = download(output.url, Path(scratch) / name, outbound_policy(), should_stop=lambda: lease.lost)
            kind = fetched.content_type or sniff.content_type(fetched.path)
            saved = storage.save_file(fetched.path, publish.storage_key(job, name), kind)
            rows.append(
                Artefact(
                    organization=job.organization,
                    job=job,
                    kind=output.kind,
                    format=output.format,
                    language=output.language,
                    file_name=publish.file_name(job, name),
                    storage_key=saved.key,
                    content_type=kind,
                    size=saved.size,
                    sha256=saved.sha256,
                    is_main=output.main,
                    position=place,
                )
            )
    return rows


def _adapter(job: Job) -> RemoteAdapter:
    remote = PROVIDERS[job.provider].remote
    if remote is None:
        raise LookupError(f"{job.provider} is not a remote provider")
    return remote


def _send(wanted: WireRequest) -> Reply:
    policy = OutboundPolicy(allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED), total_seconds=60.0)
    return request(wanted.method, wanted.url, policy=policy, headers=dict(wanted.headers), content=wanted.body or None)


def _parts(reply: Reply) -> tuple[int, Mapping[str, str], bytes]:
    return reply.status, dict(reply.headers), reply.content


def _kept(wanted: WireRequest) -> dict[str, str]:
    """What is kept of a request: never its headers, they hold the credentials."""
    return {"method": wanted.method, "url": wanted.url, "body": wanted.body[:20_000].decode("utf-8", "replace")}


def _soon(seconds: float) -> Any:
    """A moment after so many seconds, give or take a tenth: jobs of one order must not be asked for all at once."""
    return clock.now() + timedelta(seconds=seconds * random.uniform(0.9, 1.1))
