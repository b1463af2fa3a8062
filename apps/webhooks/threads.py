"""Threads for the sender's database work: few, with Django's connections, which are closed at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import Any, Final

from django.db import close_old_connections, connections

THREADS: Final = 4


class Threads:
    """Threads for database work, each with Django's connection of its own, closed at the end."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks")

    async def run(self, work: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """work(*args, **more) in one of them, over a connection that is alive."""

        def within() -> Any:
            close_old_connections()
            return work(*args, **more)

        return await asyncio.get_running_loop().run_in_executor(self._executor, within)

    async def close(self) -> None:
        """Closes every thread's connection, then the threads."""
        together = Barrier(THREADS)

        def end() -> None:
            with contextlib.suppress(BrokenBarrierError):
                together.wait(5)
            connections.close_all()

        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._executor, end) for _ in range(THREADS)))
        self._executor.shutdown(wait=False)
