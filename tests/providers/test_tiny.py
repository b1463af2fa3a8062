"""The contract on the smallest vendor, in the three ways in which vendors treat a create that is sent twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
from django.utils import timezone

from apps.jobs.models import Job
from apps.jobs.services.vendor.close import wake_closings
from apps.jobs.services.vendor.work import account_callback_url
from apps.providers.conversation import Repeat
from tests.providers.contract import Delivery, Failure, ProviderContract
from tests.providers.contract_base import Hooks, made, until_sent
from tests.providers.contract_lost import LostAnswers
from tests.providers.road import Road
from tests.providers.tiny import KEY, TinyProvider, TinyStub, sign


class Tiny(Hooks):
    """The hooks."""

    name, create, poll = "tiny", "create", "poll"
    repeat: ClassVar[Repeat] = "harmless"

    def make_vendor(self) -> TinyStub:
        return TinyStub(takes_client_id=self.repeat == "harmless")

    def provider(self) -> Any:
        return TinyProvider(self.repeat)

    def account(self, vendor: Any) -> dict[str, str]:
        return {"key": KEY}

    def works(self, vendor: Any) -> int:
        return len(vendor.works)

    def succeed(self, vendor: Any) -> None:
        vendor.outcome = "ready"

    def failures(self) -> list[Failure]:
        return [
            Failure("the work", lambda vendor: setattr(vendor, "outcome", "broken"), 10908),
            Failure("the order", lambda vendor: setattr(vendor, "refuse", "the file is damaged"), 10902),
        ]

    def reach_review(self, vendor: Any) -> None:
        vendor.outcome = "review"

    def reviewed_text(self, vendor: Any) -> str:
        (work,) = vendor.works.values()
        return str(work["text"])

    def callback(self, vendor: Any, url: str, job: Job) -> Delivery:
        body = msgspec.json.encode({"event": f"e-{job.public_id}", "id": job.provider_ref})
        return Delivery(url, body, {"X-Signature": sign(body)})

    def forged(self, vendor: Any, url: str, job: Job) -> Delivery:
        genuine = self.callback(vendor, url, job)
        return Delivery(url, genuine.body + b" ", {"X-Signature": sign(b"something else")})


class TestTiny(Tiny, ProviderContract):
    """A vendor that takes our id."""

    def test_a_video_is_decoded(self, vendor: Any, road: Road) -> None:
        """A cut one is fetched again; the length and the text that came with it are kept."""
        vendor.video = True
        job = road.until_polled(road.order())
        vendor.plan("file", "", "spoiled")
        self.succeed(vendor)
        road.until(job, "completed")
        video = job.artefacts.get(kind="video")
        assert video.is_main and video.content_type == "video/mp4" and 2500 < (video.duration_ms or 0) < 3500
        assert job.translation is not None
        assert job.translation.transcripts.get().line_count == 2

    def test_what_is_kept_at_the_vendor_goes_after_a_while(self, vendor: Any, road: Road, settings: Any) -> None:
        """Once ours is stored and the retention is over, the vendor's copy is removed."""
        settings.VENDOR_KEEP_SECONDS = 3600
        job = road.until_polled(road.order())
        self.succeed(vendor)
        road.until(job, "completed")
        assert job.close_at is not None and 3500 < (job.close_at - timezone.now()).total_seconds() < 3700
        assert wake_closings() == 0
        assert road.close(job)
        job = road.fresh(job)
        assert (vendor.works, job.provider_memo, job.close_at) == ({}, {}, None)
        assert not road.close(job)

    def test_a_callback_to_the_accounts_address(self, vendor: Any, road: Road) -> None:
        """A vendor that knows one address only: the job is found by the vendor's id."""
        job = road.until_polled(road.order())
        Job.objects.filter(pk=job.pk).update(next_poll_at=timezone.now() + timedelta(hours=1))
        delivery = self.callback(vendor, account_callback_url(road.row), job)
        assert road.post(delivery.url, delivery.body, delivery.headers) == 200
        assert road.work_off() == ["done"]
        job.refresh_from_db()
        assert job.next_poll_at is not None and job.next_poll_at <= timezone.now()

    def test_a_callback_answers_a_create_that_was_never_answered(self, vendor: Any, road: Road) -> None:
        """The vendor took the work, we never heard; its callback tells, and nothing is sent again."""
        vendor.plan("create", "deaf")
        job = road.order()
        until_sent(road, job, vendor, "create")
        body = msgspec.json.encode({"event": "e1", "id": next(iter(vendor.works))})
        assert road.post(road.callback_url(job), body, {"X-Signature": sign(body)}) == 200
        assert road.work_off() == ["done"]
        road.until_polled(job)
        assert [call.outcome for call in made(job, "create")] == ["ok"]
        assert len(vendor.seen("create")) == 1

    def test_another_account_takes_over(self, vendor: Any, road: Road) -> None:
        """An account that is refused rests; what has not begun goes through the next one."""
        second = Road.make_account(self.provider(), vendor.base, self.account(vendor))
        vendor.plan("create", "401")
        job = road.order()
        road.until_polled(job)
        assert job.provider_account_id == second.pk
        road.row.refresh_from_db()
        assert road.row.open_until is not None and self.works(vendor) == 1

    def test_large_and_strange_callbacks(self, vendor: Any, road: Road) -> None:
        """A body above the limit is 413; bytes that are no JSON are stored and of no use; a challenge is echoed."""
        job = road.until_polled(road.order())
        url = road.callback_url(job)
        assert road.post(url, b"x" * (1 << 20) + b"y", {}) == 413
        assert road.post(url, b"\xff\x00{", {"X-Signature": sign(b"\xff\x00{")}) == 200
        assert road.work_off() == ["done"]
        challenge = road.client.get(urlsplit(url).path, {"challenge": "abc"})
        assert (challenge.status_code, challenge.content) == (200, b"abc")
        body = {"type": "callback.challenge", "challenge": "xyz"}
        echoed = road.client.post(urlsplit(url).path, body, content_type="application/json")
        assert echoed.json() == {"challenge": "xyz"}


class TestTinyList(Tiny, LostAnswers):
    """A vendor that gives its own ids, and whose list can be asked."""

    repeat = "find"


class TestTinyDeaf(Tiny, LostAnswers):
    """A vendor that can be asked nothing."""

    repeat = "once"
    finds = False
