"""Drives an adapter's conversation against a stub without a portal: what the driver does, in a dozen lines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from apps.providers.base import RemoteAdapter
from apps.providers.conversation import Account, Step, Verdict, WireReply, Work
from apps.providers.orders import TranslationOrder
from tests.providers.stub import StubVendor

SOURCE_URL = "https://portal.example.com/files/token/video.mp4"
LINKS = {name: f"https://portal.example.com/files/token/{name}" for name in ("edit.srt", "source.srt", "target.srt")}


def order(**fields: Any) -> TranslationOrder:
    """An order from English into Portuguese."""
    given = {"source": {"asset": "ast_00000000"}, "source_language": "en-US", "target_locales": ["pt-BR"]}
    return msgspec.convert(given | fields, TranslationOrder)


class Talk:
    """One job's conversation."""

    def __init__(self, remote: RemoteAdapter, vendor: StubVendor, values: Mapping[str, str], **fields: Any) -> None:
        self.remote, self.vendor = remote, vendor
        self.account = Account("pac_1", vendor.base, values=values, now=time.time())
        parts = {"asked": order(), "client_id": "job_1-1", "memo": {}, "source_url": SOURCE_URL, "links": LINKS}
        self.work = Work(**(parts | fields))
        self.steps: list[Step] = []

    def step(self) -> Verdict:
        """One request and its answer."""
        step = self.remote.next_step(self.work, self.account)
        assert step == self.remote.next_step(self.work, self.account), "steps are pure"
        assert self.remote.next_step(self.light(), self.account).kind == step.kind, (
            "the poller cannot tell what comes next"
        )
        self.steps.append(step)
        work = self.work if step.kind != "read" else self.light()
        verdict = self.remote.take(work, step.operation, send(step))
        if verdict.memo is not None:
            self.work = replace(self.work, memo=msgspec.json.decode(msgspec.json.encode(verdict.memo)))
        return verdict

    def light(self) -> Work:
        """The work as the poller has it."""
        nothing: dict[str, Any] = {
            "source_url": "",
            "subtitle_url": "",
            "links": {},
            "glossaries": (),
            "transcript": None,
        }
        return replace(self.work, **nothing)

    def until(self, *operations: str, turns: int = 30) -> Verdict:
        """Goes on until the next request would be one of these."""
        verdict = Verdict("working")
        for _ in range(turns):
            if self.remote.next_step(self.work, self.account).operation in operations:
                return verdict
            verdict = self.step()
        raise AssertionError(f"never {operations}: {self.sent()}")

    def to_the_end(self, turns: int = 30) -> Verdict:
        """Goes on until it is more than working."""
        for _ in range(turns):
            verdict = self.step()
            if verdict.status != "working":
                return verdict
        raise AssertionError(f"no end: {self.sent()}")

    def sent(self) -> list[str]:
        """The operations so far."""
        return [step.operation for step in self.steps]

    def body(self, operation: str, which: int = -1) -> Any:
        """The JSON of a request that was sent."""
        return msgspec.json.decode([step for step in self.steps if step.operation == operation][which].request.body)


def send(step: Step) -> WireReply:
    """The request over real HTTP."""
    wanted, parts = step.request, urlsplit(step.request.url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(wanted.method, f"{parts.path}?{parts.query}", wanted.body or None, dict(wanted.headers))
        reply = connection.getresponse()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        return WireReply(reply.status, headers, reply.read())
    finally:
        connection.close()
