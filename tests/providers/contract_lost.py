"""The contract's part about calls that make work: throttled, refused, cut off, unreadable, and workers killed in between."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.jobs.models import Job
from apps.jobs.services.reconcile import reconcile
from apps.jobs.services.vendor import drive
from apps.plans.services import check_books
from tests.providers.contract_base import Hooks, made, until_sent
from tests.providers.road import Road


class LostAnswers(Hooks):
    """Trouble before the work is made."""

    @pytest.mark.parametrize("after", ["", "1"])
    def test_throttled(self, vendor: Any, road: Road, after: str) -> None:
        """429: nothing was done, the vendor's pause is kept, no try is counted, no harm to its health."""
        vendor.plan(self.create, f"429:{after}" if after else "429")
        job = road.order()
        until_sent(road, job, vendor, self.create)
        assert job.status == "processing" and job.tries == 0 and job.next_run_at is not None
        if after:
            assert 0.5 < (job.next_run_at - timezone.now()).total_seconds() < 3
        road.row.refresh_from_db()
        assert road.row.failures == 0 and self.works(vendor) == 0
        road.grow_old(job)
        road.until_polled(job)
        assert self.works(vendor) == 1
        assert [call.outcome for call in made(job, self.create)] == ["refused", "ok"]

    @pytest.mark.parametrize("fault", ["deaf", "lost", "500", "deaf500", "garbled", "cut"])
    def test_an_answer_that_nobody_saw(self, vendor: Any, road: Road, fault: str) -> None:
        """Cut before or after the work was done, 5xx, unreadable: the outcome is unknown, and one work is made in the end."""
        vendor.plan(self.create, fault)
        job = road.order()
        until_sent(road, job, vendor, self.create)
        assert job.status == "processing" and job.lease_owner == ""
        assert [call.outcome for call in made(job, self.create)] == ["unknown"]
        road.grow_old(job)
        road.until_polled(job)
        done = fault in ("deaf", "deaf500", "garbled", "cut")
        assert self.works(vendor) == (2 if done and not self.finds else 1)
        self.succeed(vendor)
        road.until(job, "completed")
        assert check_books() == []

    def test_killed_between_send_and_save(self, vendor: Any, road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker dies after the vendor took the work and before its answer was kept: one work in the end."""

        class Killed(BaseException):
            pass

        job = road.order()
        with monkeypatch.context() as patched:
            patched.setattr(drive, "give_back", lambda *given, **more: False)
            keep = drive.Conversation._keep_row

            def keep_unless_made(talk: Any, verdict: Any) -> bool:
                if vendor.seen(self.create):
                    raise Killed
                return keep(talk, verdict)

            patched.setattr(drive.Conversation, "_keep_row", keep_unless_made)
            with suppress(Killed):
                for _ in range(20):
                    road.turn(job)
        assert [call.outcome for call in made(job, self.create)] == ["pending"]
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        reconcile(slow=False)
        road.grow_old(job)
        road.until_polled(job)
        assert self.works(vendor) == (1 if self.finds else 2)

    def test_a_refused_account_is_our_trouble(self, vendor: Any, road: Road) -> None:
        """401: the job waits and the customer is told nothing; it goes on when the account works again."""
        vendor.plan(self.create, "401")
        job = road.order()
        until_sent(road, job, vendor, self.create)
        assert job.status == "processing" and job.error_code is None
        road.row.refresh_from_db()
        assert road.row.open_until is not None
        road.grow_old(job)
        road.until_polled(job)
        assert self.works(vendor) == 1
