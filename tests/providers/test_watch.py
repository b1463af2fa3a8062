"""The poller's loop itself: answers that come while others are being written down are not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.jobs.models import Job, ProviderAccount
from apps.jobs.services.vendor import watch
from apps.providers import registry
from tests.factories import make_organization, owner_of
from tests.providers.road import Road
from tests.providers.tiny import KEY, TinyProvider, TinyStub

pytestmark = pytest.mark.django_db(transaction=True)
JOBS = 8


async def in_thread(work: Callable[[], Any]) -> Any:
    """As in the product, and no connection of a thread outlives the test."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def test_answers_during_a_settling_are_kept(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, client: Any
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    provider: Any = TinyProvider()
    monkeypatch.setattr(watch, "_in_thread", in_thread)
    monkeypatch.setitem(registry.PROVIDERS, provider.name, provider)
    with TinyStub() as vendor:
        row = Road.make_account(provider, vendor.base, {"key": KEY})
        road = Road(provider.name, row, owner_of(make_organization(credits=1000)), tmp_path, client, {})
        jobs = [road.until_polled(road.order()) for _ in range(JOBS)]
        Job.objects.update(next_poll_at=timezone.now())
        ProviderAccount.objects.update(next_poll_at=None)
        # The first answers are settled while the others are still under way.
        vendor.plan("poll", *["", "", "", "", "slow:1", "slow:1", "slow:1.2", "slow:1.2"])

        async def go() -> None:
            stop = asyncio.Event()
            running = watch.Watch(stop)
            task = asyncio.create_task(running.run())
            for _ in range(100):
                if running.polls >= JOBS:
                    break
                await asyncio.sleep(0.1)
            stop.set()
            await task

        asyncio.run(go())
        assert len(vendor.seen("poll")) >= JOBS
        for job in jobs:
            job.refresh_from_db()
            assert job.progress_fraction > 0
            assert job.next_poll_at is not None
            assert job.next_poll_at < timezone.now() + timedelta(seconds=30), "its claim was never settled"
