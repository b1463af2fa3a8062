"""The poller's loop: remote jobs are watched and callbacks worked on; the reconciler runs beside them in a thread."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from django.conf import settings
from django.db import close_old_connections, connection

from apps.jobs.services import inbound
from apps.jobs.services.reconcile import SLOW_EVERY, reconcile
from apps.jobs.services.vendor.watch import Watch, any_remote, poll_once

logger = logging.getLogger(__name__)
CALLBACK_SECONDS: Final = 1.0
Beside = Callable[[asyncio.Event], Awaitable[None]]


class Poller:
    """One asyncio loop; all database work happens in threads, in batches. `beside` runs in the same loop until its event is set."""

    def __init__(self, beside: Sequence[Beside] = ()) -> None:
        self._stop = asyncio.Event()
        self._sweeps = 0
        self._beside = beside

    def run(self) -> None:
        """Works until SIGTERM or SIGINT."""
        asyncio.run(self._main())

    def once(self) -> None:
        """One round of everything of jobs, in this thread."""
        self.sweep(slow=True)
        poll_once()
        inbound.work_off()

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
        jobs = [self._reconcile()]
        if any_remote():
            jobs += [Watch(self._stop).run(), self._callbacks()]
        await asyncio.gather(*jobs, *(task(self._stop) for task in self._beside))

    async def _reconcile(self) -> None:
        while not self._stop.is_set():
            await asyncio.to_thread(self.sweep, slow=self._sweeps % SLOW_EVERY == 0)
            self._sweeps += 1
            await self._pause(settings.RECONCILE_SECONDS)

    async def _callbacks(self) -> None:
        """Inbound callbacks, a moment after they came."""
        while not self._stop.is_set():
            if not await asyncio.to_thread(self._work_off):
                await self._pause(CALLBACK_SECONDS)

    def _work_off(self) -> int:
        try:
            close_old_connections()
            return inbound.work_off()
        except Exception:
            logger.exception("callbacks could not be worked on")
            connection.close()
            return 0

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), timeout=seconds)
        except TimeoutError:
            return
