"""The two programs that benchmarks/poll.py compares: our poller, and a bare asyncio loop over the same client."""

from __future__ import annotations

import argparse
import asyncio
import heapq
import os
import random
import signal
import time

import msgspec

from apps.core.http import OutboundPolicy, async_client, async_request
from benchmarks.lib.poll_vendor import KEY, BenchProvider, poll_request

CONNECTIONS = 2000


async def bare(endpoint: str, jobs: int, interval: float) -> None:
    """Each job every `interval` seconds, give or take a tenth: send, decode, remember the percentage, nothing else."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    policy = OutboundPolicy(allowed_private=("127.0.0.1",), total_seconds=30.0)
    decode = msgspec.json.Decoder(dict[str, object]).decode
    percent: dict[str, object] = {}
    now = time.monotonic()
    due = [(now + random.uniform(0, interval), f"b{number}") for number in range(jobs)]
    heapq.heapify(due)
    async with async_client(policy, max_connections=CONNECTIONS) as http:

        async def ask(name: str) -> None:
            wanted = poll_request(endpoint, name, KEY)
            reply = await async_request(http, wanted.method, wanted.url, policy=policy, headers=wanted.headers)
            percent[name] = decode(reply.content)["percent"]
            heapq.heappush(due, (time.monotonic() + interval * random.uniform(0.9, 1.1), name))

        tasks: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            now = time.monotonic()
            while due and due[0][0] <= now:
                task = asyncio.create_task(ask(heapq.heappop(due)[1]))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(0.005)


def ours(interval: float) -> None:
    """The product's poller, reconciler and all, with the benchmark's vendor in the registry."""
    import django

    django.setup()
    from apps.jobs.poller import Poller
    from apps.providers import registry

    provider = BenchProvider(interval)
    registry.PROVIDERS[provider.name] = provider  # type: ignore[index]
    if profile := os.environ.get("POLL_PROFILE"):
        import cProfile

        cProfile.runctx("Poller().run()", {"Poller": Poller}, {}, profile)
        return
    Poller().run()


def main() -> None:
    """python -m benchmarks.lib.poll_sides bare|ours --endpoint … --jobs … --interval …"""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["bare", "ours"])
    parser.add_argument("--endpoint", default="")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--interval", type=float, default=10.0)
    given = parser.parse_args()
    if given.side == "ours":
        ours(given.interval)
    else:
        asyncio.run(bare(given.endpoint, given.jobs, given.interval))


if __name__ == "__main__":
    main()
