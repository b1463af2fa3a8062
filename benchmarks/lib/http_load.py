"""A lean HTTP load: N keep-alive clients, each waits for its answer before it asks again. Run as a program of its own.

    python benchmarks/lib/http_load.py HOST PORT PATH SECONDS < clients.json   ->   one JSON line

clients.json: [{"key": "...", "bodies": ["...", ...]}]; the mark @@ in a body becomes a number, so that no two are equal.
Plain asyncio streams, no HTTP library: on a small machine the client must not be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any


async def client(
    host: str, port: int, path: str, given: dict[str, Any], until: float, found: Counter[int], took: list[float]
) -> None:
    """One connection until the time is over."""
    reader, writer = await asyncio.open_connection(host, port)
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {given['key']}\r\nContent-Type: application/json\r\n"
    number = 0
    try:
        while (start := time.perf_counter()) < until:
            number += 1
            body = given["body"].replace("@@", str(number)).encode()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            lower = answer.lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 : lower.index(b"\r\n", at)])
            if length:
                await reader.readexactly(length)
            found[int(answer[9:12])] += 1
            took.append(time.perf_counter() - start)
    finally:
        writer.close()


async def main() -> None:
    """Run the clients, print counts by status and latencies."""
    host, port, path, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
    clients = json.load(sys.stdin)
    found: Counter[int] = Counter()
    took: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client(host, port, path, one, began + seconds, found, took) for one in clients))
    wall = time.perf_counter() - began
    took.sort()
    print(
        json.dumps(
            {
                "statuses": dict(found),
                "wall": wall,
                "client_cpu": time.process_time() - cpu,
                "p50_ms": took[len(took) // 2] * 1000,
                "p99_ms": took[int(len(took) * 0.99)] * 1000,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
