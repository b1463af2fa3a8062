"""Volcengine VOD under the contract of adapters: review, failures, faults before and after the Submit, callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import msgspec
import pytest
from django.utils import timezone

from apps.engine.transcript import Transcript as Document
from apps.jobs import services, states
from apps.jobs.models import Job
from apps.jobs.services.iterations import submit_iteration
from apps.jobs.services.vendor.work import account_callback_url
from apps.plans.services import check_books
from apps.projects import storage
from apps.projects.models import Transcript
from apps.projects.services import save_revision
from tests.providers.contract import Delivery, Failure, ProviderContract
from tests.providers.road import Road
from tests.providers.volcengine.vod_stub import VALUES, VodStub, event


class VodRoad(Road):
    """Polls of an upload are not yet polls of the work."""

    def until_polled(self, job: Job, turns: int = 20) -> Job:
        for _ in range(turns):
            super().until_polled(job, turns)
            if job.provider_ref or job.status != states.PROCESSING:
                return job
            self.turn(job)
        raise AssertionError("the upload does not end")


class TestVolcengineVodContract(ProviderContract):
    name, create, poll = "volcengine-vod", "SubmitAITranslationWorkflow", "GetAITranslationProject"
    order_fields: ClassVar[Mapping[str, Any]] = {"steps": ["subtitles", "voice"]}

    @pytest.fixture
    def road(self, row: Any, actor: Any, tmp_path: Any, client: Any) -> Road:
        return VodRoad(self.name, row, actor, tmp_path, client, self.order_fields)

    def make_vendor(self) -> VodStub:
        return VodStub()

    def account(self, vendor: Any) -> Mapping[str, str]:
        return VALUES

    def works(self, vendor: Any) -> int:
        return len(vendor.projects)

    def succeed(self, vendor: Any) -> None:
        vendor.outcome = "ready"

    def failures(self) -> list[Failure]:
        return [
            Failure("the order is refused", sets(refuse="InvalidParameter.Vid"), 10908),
            Failure("the source cannot be fetched", sets(upload_state_word="failed"), 10901),
            Failure("ProcessFailed", sets(outcome="failed"), 10908),
            Failure("ExportFailed", sets(outcome="export_failed"), 10908),
        ]

    def reach_review(self, vendor: Any) -> None:
        vendor.outcome = "suspend"

    def reviewed_text(self, vendor: Any) -> str:
        return "\n".join(line["target"] for project in vendor.projects.values() for line in project["utterances"])

    def callback(self, vendor: Any, url: str, job: Job) -> Delivery:
        return Delivery(url, *event(url, job.provider_ref))

    def forged(self, vendor: Any, url: str, job: Job) -> Delivery:
        return Delivery(url, *event(url, job.provider_ref, key="guessed", error=1))

    def test_an_event_at_the_accounts_address(self, vendor: Any, road: Road) -> None:
        """The vendor has one address for all jobs of an account; the project in the event says which is meant."""
        other = road.until_polled(road.order())
        vendor.last_submit = 0.0
        job = road.until_polled(road.order())
        later = timezone.now() + timedelta(hours=1)
        Job.objects.update(next_poll_at=later)
        url = account_callback_url(road.row)
        assert road.post(url, *event(url, job.provider_ref)) == 200
        assert road.work_off() == ["done"]
        assert road.fresh(job).next_poll_at < later == road.fresh(other).next_poll_at
        stray, headers = event(url, "of-another-portal")
        assert road.post(url, stray, headers) == 200
        assert road.work_off() == ["done", "useless"]

    def test_an_iteration_renders_the_edited_text_on_the_same_project(self, vendor: Any, road: Road) -> None:
        """Compared, changed and exported again: no second Submit, charged on its own."""
        self.succeed(vendor)
        job = road.until(road.order(), "completed")
        assert job.translation is not None
        row = Transcript.objects.filter(translation=job.translation).first()
        assert row is not None
        document = msgspec.convert(row.document, Document)
        document.lines[1].target = "Comecemos já."
        save_revision(actor=road.actor, translation=job.translation, document=document, origin=Transcript.Origin.EDITED)
        again = submit_iteration(actor=road.actor, translation=job.translation)
        services.advance(again.public_id)
        road.until(again, "completed")
        (project,) = vendor.projects.values()
        assert (project["refreshed"], project["utterances"][1]["target"]) == (1, "Comecemos já.")
        subtitles = again.artefacts.get(kind="subtitle_target", format="srt")
        with storage.open_key(subtitles.storage_key) as stream:
            assert "Comecemos já." in stream.read().decode()
        assert again.provider_ref == job.provider_ref and check_books() == []


def sets(**values: Any) -> Callable[[Any], None]:
    """The stub is so from the beginning."""

    def arrange(vendor: Any) -> None:
        for name, value in values.items():
            setattr(vendor, name, value)

    return arrange
