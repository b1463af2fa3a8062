"""ProviderContract: what every adapter must survive. A vendor's test class inherits it and fills in the hooks.

    class TestAzureContract(ProviderContract):
        name, create, poll = "azure", "createTranslation", "getOperation"
        def make_vendor(self): return AzureStub()
        ...

The jobs run through the product's own driver and poller over real HTTP; clocks are moved in the rows, nothing sleeps long.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from apps.jobs import services
from apps.jobs.models import ProviderAccount, ProviderCall
from apps.jobs.services.vendor.work import plain_work
from apps.plans.models import Hold
from apps.plans.services import check_books
from apps.projects import storage
from apps.projects.models import Transcript
from tests.providers.contract_base import Delivery, Failure, first_lines
from tests.providers.contract_lost import LostAnswers
from tests.providers.contract_watched import Watched
from tests.providers.road import Road


class ProviderContract(LostAnswers, Watched):
    """Inherit it in a class whose name begins with Test."""

    def test_from_order_to_artefacts(self, vendor: Any, road: Road) -> None:
        """Happy path: one work, outputs in our storage, charged once, no credentials kept."""
        job = road.until_polled(road.order())
        assert (job.provider, job.status, job.error) == (self.name, "processing", "")
        self.succeed(vendor)
        road.until(job, "completed")
        assert self.works(vendor) == 1
        artefacts = list(job.artefacts.all())
        assert artefacts and sum(artefact.is_main for artefact in artefacts) == 1
        for artefact in artefacts:
            with storage.open_key(artefact.storage_key) as stream:
                assert len(stream.read()) == artefact.size > 0
        assert 0 < job.charged <= job.estimate
        assert Hold.objects.get(job_public_id=job.public_id).status == "captured"
        for call in ProviderCall.objects.filter(job=job):
            assert call.outcome == "ok", (call.operation, call.outcome, call.response)
            for secret in road.secrets:
                kept = str(call.request) + str(call.response)
                assert secret not in kept and quote(secret, safe="") not in kept, f"a secret is kept: {call.operation}"
        assert check_books() == []

    def test_steps_are_pure(self, vendor: Any, road: Road) -> None:
        """The same work gives the same step, and building one sends nothing."""
        work, account = road.work(road.order()), road.account()
        remote = road.remote()
        assert remote.next_step(work, account) == remote.next_step(work, account)
        assert vendor.requests == []
        assert remote.test_step(account).kind == "read"

    def test_review_gate(self, vendor: Any, road: Road) -> None:
        """The vendor stops, a person edits, the vendor gets the edited text and goes on; made once."""
        if "review" not in self.provider().capabilities().options:
            pytest.skip("the vendor has no review")
        job = road.until_polled(road.order(review_after="translate"))
        self.reach_review(vendor)
        road.until(job, "paused")
        assert job.stage == "review" and job.lease_owner == "" and job.next_poll_at is None
        assert Transcript.objects.filter(translation=job.translation).count() == 1
        first = first_lines(job)
        assert len(first) >= 2
        road.review(job, **{first[0].id: "O texto de uma pessoa."})
        road.until_polled(job)
        assert "O texto de uma pessoa." in self.reviewed_text(vendor)
        self.succeed(vendor)
        road.until(job, "completed")
        assert self.works(vendor) == 1
        newest = Transcript.objects.filter(translation=job.translation).first()
        assert newest is not None and "O texto de uma pessoa." in str(newest.document)

    def test_every_failure_has_its_code(self, vendor: Any, road: Road) -> None:
        """What the vendor's document names as a failure ends the job with a numbered error, and nothing is charged."""
        for failure in self.failures():
            with self.make_vendor() as other:
                ProviderAccount.objects.filter(pk=road.row.pk).update(endpoint=other.base, open_until=None, failures=0)
                failure.arrange(other)
                assert self.failed_with(road, road.order()) == failure.code, failure.label

    def test_a_canceled_job_is_cleared_up(self, vendor: Any, road: Road) -> None:
        """Stopped and removed at the vendor where it can be; without harm where it cannot."""
        job = road.until_polled(road.order())
        services.cancel_job(actor=road.actor, job=job)
        before = len(vendor.requests)
        road.close(job)
        wanted = [road.remote().cancel_step(plain_work(job), road.account())]
        wanted.append(road.remote().forget_step(plain_work(job), road.account()))
        sent = [request.operation for request in vendor.requests[before:]]
        assert sent == [step.operation for step in wanted if step is not None]
        assert road.fresh(job).close_at is None and job.status == "canceled"


__all__ = ["Delivery", "Failure", "ProviderContract"]
