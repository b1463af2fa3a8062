"""lipsync.studio's adapter under the contract of all adapters, and what is its own: three forms, error texts, an unsigned webhook."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from apps.jobs.models import Job, ProviderCall
from tests.providers.contract import ProviderContract
from tests.providers.contract_base import Delivery, Failure
from tests.providers.lipsync_studio.stub import KEY, LipsyncStudioStub
from tests.providers.road import Road
from tests.providers.stub import StubVendor

JSON = {"Content-Type": "application/json"}


def fails(text: str) -> Callable[[LipsyncStudioStub], None]:
    """The work fails with this text."""

    def arrange(vendor: LipsyncStudioStub) -> None:
        vendor.ways.finish, vendor.ways.error = "failed", text

    return arrange


def refuses(status: int, text: str) -> Callable[[LipsyncStudioStub], None]:
    """The submit is refused."""

    def arrange(vendor: LipsyncStudioStub) -> None:
        vendor.ways.refuse = status, text

    return arrange


class TestLipsyncStudioContract(ProviderContract):
    """The road of a lip-sync job at lipsync.studio."""

    name, create, poll = "lipsync-studio", "submit", "getJob"
    order_fields: ClassVar[Mapping[str, Any]] = {"model": "lipsync-video"}
    finds = False

    @pytest.fixture(autouse=True)
    def few_tries(self, settings: Any) -> None:
        """What stays bad is given up sooner."""
        settings.JOB_MAX_TRIES = 3

    def make_vendor(self) -> StubVendor:
        return LipsyncStudioStub()

    def account(self, vendor: StubVendor) -> Mapping[str, str]:
        return {"api_key": KEY}

    def works(self, vendor: Any) -> int:
        return len(vendor.jobs)

    def succeed(self, vendor: Any) -> None:
        vendor.ways.finish = "completed"

    def failures(self) -> list[Failure]:
        # All texts: test_wire. A whole road each would only take longer.
        return [
            Failure("the page's own text", fails("Invalid audio format"), 10904),
            Failure("a text that says nothing", fails("Something went wrong"), 10908),
            Failure("our credits, at the end", fails("Insufficient credits"), 10908),
            Failure("the order is refused", refuses(400, "Invalid video format"), 10904),
        ]

    def callback(self, vendor: Any, url: str, job: Job) -> Delivery | None:
        return Delivery(url, json.dumps(vendor.body_of(vendor.jobs[job.provider_ref])).encode(), JSON)

    # ---- its own

    @pytest.mark.parametrize(
        ("fields", "sent"),
        [
            ({"mask_image": True, "prompt": "warm", "seed": 42}, {"prompt": "warm", "seed": 42, "resolution": "480p"}),
            ({"model": "lipsync-image", "resolution": "720p"}, {"resolution": "720p"}),
            ({"model": "lipsync-image-multi", "order": "right_left"}, {"order": "right_left", "resolution": "480p"}),
        ],
    )
    def test_each_form_is_sent_as_it_is_ordered(
        self, vendor: Any, road: Road, fields: dict[str, Any], sent: dict[str, Any]
    ) -> None:
        """Files by our own signed links, everything else as in the order; the charge is by the sound."""
        job = road.until_polled(road.order(**fields))
        (made,) = vendor.jobs.values()
        links = {name: value for name, value in made.form.items() if str(value).startswith("https://")}
        assert made.model == job.model == fields.get("model", "lipsync-video")
        assert {name: value for name, value in made.form.items() if name not in links} == sent
        assert set(links) == set(job.inputs.values_list("name", flat=True))
        assert all(link.startswith("https://portal.example.com/") for link in links.values())
        assert made.webhook == road.callback_url(job)
        assert job.measured_ms == (6000 if "order" in sent else 3000)

    def test_the_webhook_tells_of_a_job_whose_answer_was_lost(self, vendor: Any, road: Road) -> None:
        """The submit's answer is never seen; the webhook names the job, and it is not made again."""
        vendor.plan("submit", "deaf")
        job = road.turn(road.order())
        (made,) = vendor.jobs.values()
        assert job.provider_ref == ""
        made.status = "completed"
        assert road.post(made.webhook, json.dumps(vendor.body_of(made)).encode(), JSON) == 200
        assert road.work_off() == ["done"]
        assert road.fresh(job).provider_ref == made.id
        road.until(job, "completed")
        assert self.works(vendor) == 1
        assert set(ProviderCall.objects.filter(job=job).values_list("outcome", flat=True)) == {"ok"}

    def test_credits_that_ran_out_are_our_trouble(self, vendor: Any, road: Road) -> None:
        """402 or a text about credits: the job waits, and no customer hears of it."""
        vendor.ways.refuse = 400, "Insufficient API credits"
        job = road.turn(road.order())
        assert (job.status, job.error_code, self.works(vendor)) == ("processing", None, 0)
        road.row.refresh_from_db()
        assert "credits" in road.row.last_error and road.row.open_until is not None
        vendor.ways.refuse = 0, ""
        road.grow_old(job)
        road.until_polled(job)
        assert self.works(vendor) == 1

    def test_a_result_that_is_too_short(self, vendor: Any, road: Road) -> None:
        """What is no render of the ordered sound is fetched again, in the end 10908, and nothing is charged."""
        job = road.until_polled(road.order())
        Job.objects.filter(pk=job.pk).update(measured_ms=60_000)
        self.succeed(vendor)
        assert self.failed_with(road, job) == 10908
        assert "cut short" in job.error
