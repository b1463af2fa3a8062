"""A vendor that wants a short-lived token, and its adapter: for tests of accounts, routing and their pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from apps.core.errors import JobError
from apps.providers.abilities import Capabilities, Parameter
from apps.providers.base import AccountField, RemoteAdapter
from apps.providers.conversation import (
    Account,
    AccountRefused,
    Step,
    Throttled,
    Unavailable,
    Verdict,
    WireReply,
    WireRequest,
    Work,
)
from tests.providers.stub import StubReply, StubRequest, StubVendor

NAME = "token-vendor"
KEY = "a very secret key"


class TokenStub(StubVendor):
    """POST /token gives a token for the right key; everything else wants the newest token."""

    name = NAME

    def __init__(self) -> None:
        super().__init__()
        self.tokens = 0
        self.life = 3600.0

    def operation_of(self, request: StubRequest) -> str:
        return {"/token": "token", "/whoami": "whoami"}.get(request.path, "works")

    def handle(self, request: StubRequest) -> StubReply:
        if request.operation == "token":
            if request.headers.get("x-key") != KEY:
                return StubReply(401, {"reason": "wrong key"})
            self.tokens += 1
            return StubReply(200, {"token": f"t{self.tokens}", "seconds": self.life})
        if request.headers.get("authorization") != f"Bearer t{self.tokens}":
            return StubReply(401, {"reason": f"not with {request.headers.get('x-key', KEY)}"})
        return StubReply(200, {"you": request.headers.get("x-team", ""), "key": KEY})


class TokenAdapter(RemoteAdapter):
    """Speaks with TokenStub. Only what accounts need; no job is driven through it."""

    fields = (
        AccountField("key", "Key", secret=True, help="From the vendor's own console."),
        AccountField("team", "Team", required=False, default="everyone"),
    )
    default_endpoint = "https://vendor.example.com"
    submits_per_second = 20.0
    polls_per_second = 10.0
    poll_seconds = 5.0

    def token_step(self, account: Account) -> Step | None:
        request = WireRequest("POST", f"{account.endpoint}/token", {"X-Key": account.values["key"]})
        return Step("token", request, "read")

    def take_token(self, reply: WireReply) -> tuple[str, float]:
        told = self._told(reply)
        return told["token"], told["seconds"]

    def test_step(self, account: Account) -> Step:
        headers = {"Authorization": f"Bearer {account.token}", "X-Team": account.values["team"]}
        return Step("whoami", WireRequest("GET", f"{account.endpoint}/whoami", headers), "read")

    def take_test(self, reply: WireReply) -> str:
        return f"Signed in as {self._told(reply)['you']}."

    def _told(self, reply: WireReply) -> dict[str, Any]:
        if reply.status in (401, 403):
            raise AccountRefused("The vendor does not know this key.")
        if reply.status == 429:
            raise Throttled("slower")
        if reply.status >= 500:
            raise Unavailable(f"the vendor answered {reply.status}")
        try:
            return msgspec.json.decode(reply.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise Unavailable("no JSON") from None

    def next_step(self, work: Work, account: Account) -> Step:
        raise JobError(10908, "this vendor carries out nothing")

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        raise JobError(10908, "this vendor carries out nothing")

    def verify_callback(self, account: Account, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        return None


class TokenProvider:
    """What stands in the registry: it takes anything from anywhere into any language, but no review."""

    def __init__(self, name: str = NAME, title: str = "The token vendor") -> None:
        self.name = name
        self.title = title
        self.remote = TokenAdapter()

    def capabilities(self) -> Capabilities:
        return Capabilities(
            steps=frozenset({"subtitles", "voice"}),
            subtitle_sources=frozenset({"asr", "file"}),
            export_types=frozenset({"auto", "video", "audio", "all", "subtitles"}),
            media_types=frozenset({"auto", "video", "audio"}),
            options=frozenset({"prompt", "emotion"}),
            pair=lambda source, target, heard, speaks: "",
            parameters=(Parameter("work.prompt", "prompt"), Parameter("work.mood", "", "no such thing with us")),
        )
