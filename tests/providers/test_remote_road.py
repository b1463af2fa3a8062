"""A job's road through a vendor elsewhere: submitted once, polled by the poller, outputs fetched, charged once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import ApiError
from apps.jobs import services
from apps.jobs.models import Job, ProviderCall
from apps.jobs.poller import claim_due
from apps.jobs.services import remote
from apps.plans.models import Hold
from apps.plans.services import check_books
from apps.projects import storage
from apps.projects.models import Asset
from apps.providers import registry
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order
from tests.providers.vendor import Vendor, VendorProvider

pytestmark = pytest.mark.django_db
Start = Callable[..., Vendor]


@pytest.fixture
def start(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a vendor that shows these statuses, and puts its one line into the registry."""
    running: list[tuple[Vendor, threading.Thread]] = []

    def go(*script: str, takes_client_id: bool = True) -> Vendor:
        vendor = Vendor(list(script))
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        provider = VendorProvider(vendor.base, takes_client_id=takes_client_id)
        monkeypatch.setitem(registry.PROVIDERS, provider.name, provider)
        thread = threading.Thread(target=vendor.serve_forever)
        thread.start()
        running.append((vendor, thread))
        return vendor

    yield go
    for vendor, thread in running:
        vendor.shutdown()
        thread.join()
        vendor.server_close()


@pytest.fixture
def actor() -> Any:
    return owner_of(make_organization())


def order(actor: Any, folder: Path, **fields: Any) -> Any:
    made = subtitles_order(actor, folder, **({"provider": "vendor"} | fields))
    Asset.objects.filter(kind="media").update(duration_ms=3000)
    return made


def poll(job: Job) -> Job:
    """What the poller's loop does once, without waiting for the clock."""
    Job.objects.filter(pk=job.pk).update(next_poll_at=timezone.now())
    for due in claim_due():
        adapter = registry.PROVIDERS[due.provider].remote
        assert adapter is not None
        reply = remote._send(adapter.build_poll(due.provider_ref))
        remote.apply_poll(due, adapter.parse_poll(reply.status, dict(reply.headers), reply.content))
    job.refresh_from_db()
    return job


def test_from_submit_to_artefact(actor: Any, tmp_path: Path, start: Start) -> None:
    vendor = start("waiting", "working", "a word that no document names", "ready")
    job = submitted(actor, order(actor, tmp_path))
    services.advance(job.public_id)
    assert remote.submit_remote(job.public_id)
    assert not claim_due(), "not due yet"
    job = poll(job)
    assert (job.provider, job.provider_ref, job.status) == ("vendor", f"{job.public_id}-1", "processing")
    assert poll(job).progress_fraction == pytest.approx(0.4)
    assert poll(job).status == "processing"
    job = poll(job)
    assert job.next_poll_at is None
    assert remote.collect_remote(job.public_id)
    job.refresh_from_db()
    assert (job.status, job.error) == ("completed", "")
    artefact = job.artefacts.get()
    with storage.open_key(artefact.storage_key) as stream:
        assert stream.read() == b"this is dub.mp4"
    assert artefact.is_main and job.charged > 0
    call = ProviderCall.objects.get(job=job)
    assert (call.outcome, call.http_status) == ("ok", 200)
    assert "secret" not in str(call.request)
    assert vendor.submits == 1
    assert check_books() == []


@pytest.mark.parametrize("takes_client_id", [True, False])
def test_an_answer_that_never_came_is_not_a_second_work(
    actor: Any, tmp_path: Path, start: Start, takes_client_id: bool
) -> None:
    vendor = start("working", takes_client_id=takes_client_id)
    vendor.deaf_once = True
    job = submitted(actor, order(actor, tmp_path))
    services.advance(job.public_id)
    remote.submit_remote(job.public_id)
    assert ProviderCall.objects.get(job=job).outcome == "unknown"
    job.refresh_from_db()
    assert (job.status, job.provider_ref, job.lease_owner) == ("processing", "", "")
    remote.submit_remote(job.public_id)
    job.refresh_from_db()
    assert job.provider_ref == f"{job.public_id}-1"
    assert len(vendor.works) == 1
    assert vendor.submits == (2 if takes_client_id else 1), "looked up in the vendor's list instead of sent again"


def test_a_vendors_failure_is_told_and_paid_back(actor: Any, tmp_path: Path, start: Start) -> None:
    start("broken")
    job = submitted(actor, order(actor, tmp_path))
    services.advance(job.public_id)
    remote.submit_remote(job.public_id)
    job = poll(job)
    assert (job.status, job.error_code, job.error) == ("failed", 10908, "the voices are ill")
    assert Hold.objects.get(job_public_id=job.public_id).status == "released"
    assert check_books() == []


def test_an_option_that_the_chosen_vendor_lacks_is_named(actor: Any, tmp_path: Path, start: Start) -> None:
    start("working")
    with pytest.raises(ApiError) as caught:
        submitted(actor, order(actor, tmp_path, hls=True, review_after="translate", vision=True))
    assert set(caught.value.errors) == {"hls", "review_after", "vision"}


def test_routing_takes_the_organizations_preference_when_it_covers_the_order(
    actor: Any, tmp_path: Path, start: Start
) -> None:
    start("working")
    actor.organization.preferred_provider = "vendor"
    actor.organization.save()
    plain = submitted(actor, order(actor, tmp_path, provider=None))
    with_hls = submitted(actor, order(actor, tmp_path, provider=None, hls=True))
    for job in (plain, with_hls):
        services.advance(job.public_id)
        job.refresh_from_db()
    assert (plain.provider, with_hls.provider) == ("vendor", "local")
