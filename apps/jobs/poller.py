"""The poller's loop: due remote jobs are claimed in batches and polled together; the reconciler runs beside it in a thread."""

from __future__ import annotations

import asyncio
import logging
import signal
from datetime import timedelta
from typing import Final

import msgspec
from django.conf import settings
from django.db import Error, close_old_connections, connection, transaction

from apps.core import clock
from apps.core.http import OutboundError, OutboundPolicy, async_client, async_request
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services.reconcile import SLOW_EVERY, reconcile
from apps.jobs.services.remote import apply_poll
from apps.providers.base import Polled, RemoteAdapter
from apps.providers.registry import PROVIDERS

logger = logging.getLogger(__name__)
BATCH: Final = 200
IDLE_SECONDS: Final = 1.0
CLAIM_SECONDS: Final = 60
"""A claimed poll that was never answered is due again after this long."""


class Poller:
    """One asyncio loop; all database work happens in threads, in batches."""

    def __init__(self) -> None:
        self._stop = asyncio.Event()
        self._sweeps = 0

    def run(self) -> None:
        """Works until SIGTERM or SIGINT."""
        asyncio.run(self._main())

    def sweep(self, *, slow: bool) -> None:
        """One round of the reconciler; a fault is logged, and the next round tries again."""
        try:
            close_old_connections()
            reconcile(slow=slow)
        except Exception:
            logger.exception("the reconciler stumbled")
            connection.close()

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await asyncio.gather(self._reconcile(), self._poll())

    async def _reconcile(self) -> None:
        while not self._stop.is_set():
            await asyncio.to_thread(self.sweep, slow=self._sweeps % SLOW_EVERY == 0)
            self._sweeps += 1
            await self._pause(settings.RECONCILE_SECONDS)

    async def _poll(self) -> None:
        if not any(provider.remote for provider in PROVIDERS.values()):
            await self._stop.wait()
            return
        policy = OutboundPolicy(allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED), total_seconds=30.0)
        async with async_client(policy) as http:
            while not self._stop.is_set():
                try:
                    due = await asyncio.to_thread(claim_due)
                except Error:
                    logger.exception("due jobs could not be read")
                    due = []
                if due:
                    await asyncio.gather(*(self._ask(http, policy, job) for job in due))
                else:
                    await self._pause(IDLE_SECONDS)

    async def _ask(self, http: object, policy: OutboundPolicy, job: Job) -> None:
        remote: RemoteAdapter | None = PROVIDERS[job.provider].remote
        assert remote is not None
        wanted = remote.build_poll(job.provider_ref)
        try:
            reply = await async_request(
                http,  # type: ignore[arg-type]
                wanted.method,
                wanted.url,
                policy=policy,
                headers=dict(wanted.headers),
                content=wanted.body or None,
            )
            polled = remote.parse_poll(reply.status, dict(reply.headers), reply.content)
        except (OutboundError, msgspec.MsgspecError) as error:
            logger.warning("poll failed", extra={"job": job.public_id, "reason": str(error)})
            polled = Polled(status="unknown", retry_after=10.0)
        await asyncio.to_thread(apply_poll, job, polled)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), timeout=seconds)
        except TimeoutError:
            return


def claim_due() -> list[Job]:
    """Takes up to BATCH remote jobs that are due; their next poll is set ahead, so that no other poller takes them."""
    now = clock.now()
    with transaction.atomic():
        rows = Job.objects.select_for_update(skip_locked=True, of=("self",), no_key=True).filter(
            status=states.PROCESSING, next_poll_at__lte=now
        )
        due = list(rows.order_by("next_poll_at")[:BATCH])
        ids = [job.pk for job in due]
        Job.objects.filter(pk__in=ids).update(next_poll_at=now + timedelta(seconds=CLAIM_SECONDS))
    return [job for job in due if job.provider in PROVIDERS and PROVIDERS[job.provider].remote is not None]
