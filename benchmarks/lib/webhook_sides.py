"""The two sides of the webhook benchmark: `python -m benchmarks.lib.webhook_sides bare|ours`.

bare: httpx over httpx-aiohttp posts the bodies named on standard input, 128 at once, nothing else. ours: the sender, until SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

AT_ONCE = 128


async def bare() -> None:
    """Prints when it is ready, waits for a line, posts everything, prints how many were taken."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    jobs = [(url, body.encode()) for url, body in json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))]
    todo = iter(jobs)
    taken = 0

    async def work(http: httpx.AsyncClient) -> None:
        nonlocal taken
        for url, body in todo:
            answer = await http.post(url, content=body, headers={"content-type": "application/json"})
            taken += answer.status_code == 200

    async with httpx.AsyncClient(
        transport=AiohttpTransport(limits=httpx.Limits(max_connections=640)), timeout=15
    ) as http:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(work(http) for _ in range(AT_ONCE)))
    print(taken, flush=True)


async def ours() -> None:
    """The sender as the poller process runs it."""
    import django

    django.setup()
    from apps.webhooks.sender import Sender

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await Sender().run(stop)


if __name__ == "__main__":
    asyncio.run(bare() if sys.argv[1] == "bare" else ours())
