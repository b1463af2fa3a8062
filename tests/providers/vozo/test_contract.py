"""Vozo's adapter under the contract of all adapters, and what is Vozo's own: no list, challenged callbacks, points."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from apps.jobs.models import Job, ProviderCall
from apps.providers.vozo import wire
from tests.providers.contract import ProviderContract
from tests.providers.contract_base import Delivery, Failure
from tests.providers.road import Road
from tests.providers.stub import StubVendor
from tests.providers.vozo.stub import KEY, VozoStub


def ends_with(code: str) -> Callable[[VozoStub], None]:
    """The work fails with a code of the job table."""

    def arrange(vendor: VozoStub) -> None:
        vendor.ways.finish, vendor.ways.failure = "failed", (code, f"told {code}")

    return arrange


def refuses(code: int) -> Callable[[VozoStub], None]:
    """The order is refused with a code of the API table."""

    def arrange(vendor: VozoStub) -> None:
        vendor.ways.refuse = code

    return arrange


class TestVozoContract(ProviderContract):
    """The road of a job at Vozo."""

    name, create, poll = "vozo", "create", "get"
    order_fields: ClassVar[Mapping[str, Any]] = {"steps": ["subtitles", "voice"]}
    finds = False

    def make_vendor(self) -> StubVendor:
        return VozoStub()

    def account(self, vendor: StubVendor) -> Mapping[str, str]:
        return {"api_key": KEY, "glossaries": ""}

    def works(self, vendor: Any) -> int:
        return len(vendor.tasks)

    def succeed(self, vendor: Any) -> None:
        vendor.ways.finish = "done"

    def failures(self) -> list[Failure]:
        # All of the table: test_wire. A whole road each would only take longer.
        work = [Failure(f"err_code {code}", ends_with(str(code)), code) for code in wire.JOB_CODES[::7]]
        return [
            *work,
            Failure("an err_code of no table", ends_with("42"), 10908),
            Failure("points ran out at the end", ends_with("104"), 10908),
            Failure("5: the order is refused", refuses(5), 10908),
        ]

    def callback(self, vendor: Any, url: str, job: Job) -> Delivery | None:
        task = vendor.tasks[job.provider_ref]
        return Delivery(url, json.dumps(vendor.body_of(task)).encode(), {"Content-Type": "application/json"})

    # ---- Vozo's own

    def test_a_refused_callback_address_is_left_out(self, vendor: Any, road: Road) -> None:
        """1301: the task is made all the same, once, and polled."""
        vendor.ways.refuse_callbacks = True
        job = road.until_polled(road.order())
        assert [("callback_url" in request.json()) for request in vendor.seen("create")] == [True, False]
        self.succeed(vendor)
        road.until(job, "completed")
        assert self.works(vendor) == 1

    def test_a_callback_tells_of_a_task_whose_answer_was_lost(self, vendor: Any, road: Road) -> None:
        """The create's answer is never seen; the callback names the task, and it is not made again."""
        vendor.plan("create", "deaf")
        job = road.turn(road.order())
        (task,) = vendor.tasks.values()
        assert job.provider_ref == ""
        body = json.dumps(vendor.body_of(task) | {"task_id": task.id}).encode()
        assert road.post(task.request["callback_url"], body, {"Content-Type": "application/json"}) == 200
        assert road.work_off() == ["done"]
        assert road.fresh(job).provider_ref == task.id
        self.succeed(vendor)
        road.until(job, "completed")
        assert self.works(vendor) == 1
        assert set(ProviderCall.objects.filter(job=job).values_list("outcome", flat=True)) == {"ok"}

    def test_points_that_ran_out_are_our_trouble(self, vendor: Any, road: Road) -> None:
        """104 upstream: the job waits and goes on when there are points again; no customer hears of it."""
        vendor.ways.points = 0
        job = road.turn(road.order())
        assert (job.status, job.error_code) == ("processing", None)
        road.row.refresh_from_db()
        assert "104" in road.row.last_error and road.row.open_until is not None
        vendor.ways.points = 100
        road.grow_old(job)
        road.until_polled(job)
        self.succeed(vendor)
        road.until(job, "completed")
        assert vendor.ways.points == 97

    def test_concurrency_upstream_waits(self, vendor: Any, road: Road) -> None:
        """1304 upstream is a pause of ours."""
        vendor.ways.refuse = 1304
        job = road.turn(road.order())
        assert (job.status, job.error_code, self.works(vendor)) == ("processing", None, 0)
        vendor.ways.refuse = 0
        road.grow_old(job)
        road.until_polled(job)
        assert self.works(vendor) == 1
