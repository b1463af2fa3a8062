"""Vozo's lip sync: the road of a job under the contract of all adapters, and its three calls as the reference has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import pytest

from apps.core.errors import JobError
from apps.jobs.models import Job, ProviderAccount
from apps.providers.base import problems
from apps.providers.conversation import Account, AccountRefused, Throttled, Unavailable, WireReply, Work
from apps.providers.orders import LipsyncOrder
from apps.providers.vozo.provider import VENDOR
from tests.providers.contract import ProviderContract
from tests.providers.contract_base import Delivery, Failure
from tests.providers.road import Road
from tests.providers.stub import StubVendor
from tests.providers.vozo.stub import KEY, VozoStub
from tests.providers.vozo.test_contract import ends_with, refuses

REMOTE = VENDOR.remote
LINKS = {"video": "https://p.example/v.mp4", "image": "https://p.example/i.png", "audio": "https://p.example/a.mp3"}


class TestVozoLipsyncContract(ProviderContract):
    """The road of a lip-sync job at Vozo."""

    name, create, poll = "vozo", "createVideo", "getVideo"
    order_fields: ClassVar[Mapping[str, Any]] = {"model": "lipsync-image"}
    finds = False

    # What happens to files, whatever the vendor: lipsync.studio's contract, and Vozo's own for translations.
    test_a_bad_file_is_fetched_again = None
    test_files_that_stay_bad_are_10908 = None  # type: ignore[assignment]
    test_expired_links_are_asked_for_again = None  # type: ignore[assignment]

    def make_vendor(self) -> StubVendor:
        return VozoStub()

    def account(self, vendor: StubVendor) -> Mapping[str, str]:
        return {"api_key": KEY, "lipsync_model": "precision_v1"}

    def works(self, vendor: Any) -> int:
        return len(vendor.tasks)

    def succeed(self, vendor: Any) -> None:
        vendor.ways.finish = "done"

    def failures(self) -> list[Failure]:
        return [
            Failure("no number, as documented", ends_with(""), 10908),
            Failure("1502 at the end", ends_with("1502"), 10902),
            Failure("1502 at once", refuses(1502), 10902),
            Failure("5: the order is refused", refuses(5), 10908),
        ]

    def callback(self, vendor: Any, url: str, job: Job) -> Delivery | None:
        task = vendor.tasks[job.provider_ref]
        return Delivery(url, json.dumps(vendor.body_of(task)).encode(), {"Content-Type": "application/json"})

    # ---- Vozo's own

    def test_a_reusable_model_is_used_for_its_video(self, vendor: Any, road: Road) -> None:
        """The account says which of our files Vozo has a model of; any other is sent as a reference."""
        video = road.input("video")
        values = {"lipsync_reusable": f"ast_00000000 = 1, {video.public_id} = 7001"}
        ProviderAccount.objects.filter(pk=road.row.pk).update(values=values)
        road.row.refresh_from_db()
        job = road.until_polled(road.order(model="lipsync-video"))
        (task,) = vendor.tasks.values()
        assert set(task.request) == {"model_id", "audio_url", "callback_url"} and task.request["model_id"] == "7001"
        self.succeed(vendor)
        road.until(job, "completed")
        assert vendor.counts()["createReusableVideo"] == self.works(vendor) == 1


def order(**fields: Any) -> LipsyncOrder:
    given = {"model": "lipsync-video", "video": {"asset": "ast_00000000"}, "audio": {"asset": "ast_00000001"}}
    return msgspec.convert(given | fields, LipsyncOrder)


def work(memo: dict[str, Any] | None = None, **fields: Any) -> Work:
    return Work(asked=order(**fields), client_id="job_1-1", memo=memo or {}, links=LINKS, callback_url="https://p/cb")


def sent(asked: Work, **values: str) -> tuple[str, Any]:
    step = REMOTE.next_step(asked, Account("pac_1", "https://api.vozo.ai", values={"api_key": "k", **values}))
    assert (step.kind, step.repeat) == ("create", "once")
    return step.request.url.removeprefix("https://api.vozo.ai"), msgspec.json.decode(step.request.body)


def reply(body: Any, status: int = 200) -> WireReply:
    return WireReply(status, {}, msgspec.json.encode(body))


def test_requests() -> None:
    base = {"audio_url": LINKS["audio"], "model": "standard_v1", "callback_url": "https://p/cb"}
    assert sent(work()) == (
        "/v1/video_generation",
        base | {"reference_file_url": LINKS["video"], "reference_file_type": "video"},
    )
    pictured = work(model="lipsync-image", video=None, image={"asset": "ast_00000002"})
    assert sent(pictured, lipsync_model="precision_v1") == (
        "/v1/video_generation",
        base | {"reference_file_url": LINKS["image"], "reference_file_type": "image", "model": "precision_v1"},
    )
    assert "callback_url" not in sent(work({"callback": "refused"}))[1]
    assert sent(work(), lipsync_reusable="ast_00000000=m 1")[0] == "/v1/reusable_lipsync_model_video_generation"
    with pytest.raises(JobError) as caught:
        sent(work(), lipsync_model="turbo_v9")
    assert caught.value.code == 10908


def test_statuses() -> None:
    known = work({"task": "t"})

    def asked(**body: Any) -> Any:
        return REMOTE.take(known, "getVideo", reply(body))

    assert [(asked(status=word).status, asked(status=word).stage) for word in ("pending", "processing")] == [
        ("working", "queued"),
        ("working", "lipsync"),
    ]
    done = asked(status="done", video_url="https://x/r.mov")
    assert (done.status, done.outputs[0].kind, done.outputs[0].format) == ("succeeded", "video", "mov")
    assert asked(status="failed").error_code == 10908
    assert (
        asked(status="failed", err_code="1502").error_code,
        asked(status="failed", err_code="10042").error_code,
    ) == (10902, 10042)
    for odd in ({"status": "done"}, {"status": "rendering"}):
        assert asked(**odd).status == "unknown"


@pytest.mark.parametrize(
    ("code", "raised"), [(1304, Throttled), (104, AccountRefused), (1000, Unavailable), (1502, JobError), (5, JobError)]
)
def test_refusals(code: int, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        REMOTE.take(work(), "createVideo", reply({"code": str(code), "message": "no", "serverTs": "1"}, 400))


def test_a_callback_of_an_answer_never_seen() -> None:
    body = msgspec.json.encode({"status": "done", "video_url": "https://x/r.mp4"})
    found = REMOTE.take_callback(work(), body)
    assert found is not None and (found.status, found.outputs[0].url) == ("succeeded", "https://x/r.mp4")
    assert REMOTE.take_callback(work({"task": "t"}), body) is None


def test_what_it_refuses_by_name() -> None:
    assert problems(VENDOR, order()) == {}
    wanted = order(resolution="720p", mask_image={"asset": "ast_00000003"}, prompt="warm", seed=7)
    assert set(problems(VENDOR, wanted)) == {"resolution", "mask_image", "prompt", "seed"}
    multi = msgspec.convert({"model": "lipsync-image-multi"}, LipsyncOrder)
    assert set(problems(VENDOR, multi)) == {"model"}
