"""The vendor of benchmarks/poll.py: a server that answers polls and keeps their times, and the adapter that asks it."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from apps.providers.abilities import Capabilities
from apps.providers.base import AccountField
from apps.providers.conversation import Account, Step, Unavailable, Verdict, WireReply, WireRequest, Work

KEY: Final = "benchmark-key"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def poll_request(endpoint: str, ref: str, key: str) -> WireRequest:
    """One poll."""
    return WireRequest("GET", f"{endpoint}/works/{ref}", {"Authorization": f"Bearer {key}"})


class Adapter:
    """The steps of the conversation that the poller takes."""

    fields = (AccountField("key", "API key", secret=True),)
    default_endpoint = "http://127.0.0.1"
    submits_per_second = 10.0
    polls_per_second = 10.0

    def __init__(self, poll_seconds: float) -> None:
        self.poll_seconds = poll_seconds

    def next_step(self, work: Work, account: Account) -> Step:
        return Step("poll", poll_request(account.endpoint, work.memo["id"], account.values["key"]), "read")

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        if reply.status != 200:
            raise Unavailable(f"answered with {reply.status}")
        told = _decode(reply.body)
        return Verdict("working", fraction=told["percent"] / 100)

    def token_step(self, account: Account) -> Step | None:
        return None


class BenchProvider:
    """Its entry of the registry."""

    name = "bench"
    title = "The benchmark's vendor"

    def __init__(self, poll_seconds: float) -> None:
        self.remote: Any = Adapter(poll_seconds)

    def capabilities(self) -> Capabilities:
        nothing: frozenset[str] = frozenset()
        return Capabilities(nothing, nothing, nothing, nothing, nothing, lambda source, target, heard, speaks: "")


class Server:
    """Answers after `latency` seconds; the times of each work's polls are kept until they are fetched."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.last: dict[str, float] = {}
        self.gaps: list[float] = []
        self.polls = 0

    async def poll(self, request: web.Request) -> web.Response:
        """GET /works/<id>"""
        name = request.match_info["name"]
        now = time.monotonic()
        if (before := self.last.get(name)) is not None:
            self.gaps.append(now - before)
        self.last[name] = now
        self.polls += 1
        await asyncio.sleep(self.latency)
        body = {"status": "working", "percent": self.polls % 90, "message": "speaking line 4 of 31", "id": name}
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")

    async def stats(self, request: web.Request) -> web.Response:
        """GET /stats: polls, works seen, gaps between two polls of one work (and, for those not seen again, until now); forgets them."""
        now = time.monotonic()
        answer: Mapping[str, Any] = {
            "polls": self.polls,
            "works": len(self.last),
            "gaps": self.gaps,
            "since": [now - moment for moment in self.last.values()],
        }
        if "forget" in request.query:
            self.polls, self.gaps = 0, []
        if request.query.get("forget") == "all":
            self.last = {}
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def main() -> None:
    """python -m benchmarks.lib.poll_vendor --port 12345 --latency 0.1"""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.1)
    given = parser.parse_args()
    server = Server(given.latency)
    app = web.Application()
    app.add_routes([web.get("/works/{name}", server.poll), web.get("/stats", server.stats)])
    web.run_app(app, host="127.0.0.1", port=given.port, print=None, access_log=None, backlog=4096)


if __name__ == "__main__":
    main()
