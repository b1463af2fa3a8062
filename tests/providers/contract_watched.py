"""The contract's part about what comes after: polls, result files and callbacks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.jobs.models import Job
from apps.plans.services import check_books
from apps.projects import storage
from tests.providers.contract_base import Hooks, any_link
from tests.providers.road import Road
from tests.providers.stub import FILE_OPERATION


class Watched(Hooks):
    """Trouble while the work is watched and when it is fetched."""

    @pytest.mark.parametrize("fault", ["500", "garbled", "deaf", "unknown_status", "401", "429:1"])
    def test_a_bad_poll_keeps_the_job(self, vendor: Any, road: Road, fault: str) -> None:
        """Whatever a poll answers that is no word of the document leaves the job where it is."""
        job = road.until_polled(road.order())
        vendor.plan(self.poll, fault)
        seen = len(vendor.seen(self.poll))
        road.poll(job)
        assert len(vendor.seen(self.poll)) > seen  # the client may have asked a second time itself
        assert job.status == "processing" and job.next_poll_at is not None
        road.grow_old(job)
        self.succeed(vendor)
        road.until(job, "completed")
        assert self.works(vendor) == 1

    def test_expired_links_are_asked_for_again(self, vendor: Any, road: Road) -> None:
        """A result link that died before it was fetched: another poll, other links."""
        job = road.until_polled(road.order())
        vendor.plan(FILE_OPERATION, "expired_links")
        self.succeed(vendor)
        road.until(job, "completed")
        if FILE_OPERATION in vendor.counts():
            asked = [request.path for request in vendor.seen(FILE_OPERATION)]
            assert len(set(asked)) > len({path.rpartition("/")[2] for path in asked}), "another link to the same file"

    @pytest.mark.parametrize("fault", ["cut", "spoiled", "500"])
    def test_a_bad_file_is_fetched_again(self, vendor: Any, road: Road, fault: str) -> None:
        """Cut off, or not what it should be."""
        job = road.until_polled(road.order())
        vendor.plan(FILE_OPERATION, fault)
        self.succeed(vendor)
        road.until(job, "completed")
        for artefact in job.artefacts.all():
            with storage.open_key(artefact.storage_key) as stream:
                assert b"not a file" not in stream.read()

    def test_files_that_stay_bad_are_10908(self, vendor: Any, road: Road) -> None:
        """After some tries the job fails, and nothing is charged."""
        job = road.until_polled(road.order())
        vendor.plan(FILE_OPERATION, *["spoiled"] * 100)
        self.succeed(vendor)
        if not any_link(road, job, vendor):
            pytest.skip("the vendor's answers hold the content themselves")
        assert self.failed_with(road, job) == 10908

    def test_a_callback_brings_the_next_poll(self, vendor: Any, road: Road) -> None:
        """Stored, answered with 200, worked on later; a second delivery changes nothing."""
        job = road.until_polled(road.order())
        delivery = self.callback(vendor, road.callback_url(job), job)
        if delivery is None:
            pytest.skip("the vendor has no callbacks")
        self.succeed(vendor)
        Job.objects.filter(pk=job.pk).update(next_poll_at=timezone.now() + timedelta(hours=1))
        delivery = self.callback(vendor, road.callback_url(job), job) or delivery
        for _ in range(2):
            assert road.post(delivery.url, delivery.body, delivery.headers) == 200
        assert road.work_off() == ["done"]
        road.fresh(job)
        assert job.next_poll_at is None or job.next_poll_at <= timezone.now()
        road.until(job, "completed")
        assert road.post(delivery.url, delivery.body, delivery.headers) == 200
        assert self.works(vendor) == 1 and check_books() == []

    def test_a_forged_callback_changes_nothing(self, vendor: Any, road: Road) -> None:
        """An address that is none of ours is 404; a signature that does not hold is stored and nothing happens."""
        job = road.until_polled(road.order())
        url = road.callback_url(job)
        genuine = self.callback(vendor, url, job)
        if genuine is None:
            pytest.skip("the vendor has no callbacks")
        wrong = genuine.url.replace(url, url[:-4] + "AAAA")
        assert road.post(wrong, genuine.body, genuine.headers) == 404
        forged = self.forged(vendor, url, job)
        if forged is None:
            return
        before = Job.objects.values().get(pk=job.pk)
        assert road.post(forged.url, forged.body, forged.headers) == 200
        assert road.work_off() == ["forged"]
        assert Job.objects.values().get(pk=job.pk) == before
        # The genuine one still counts, though the forger may have known its key.
        assert road.post(genuine.url, genuine.body, genuine.headers) == 200
        assert road.work_off() == ["forged", "done"]
