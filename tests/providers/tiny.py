"""The smallest vendor that has everything: its stub, its adapter and its registry entry. The frame itself is tested on it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from apps.core.errors import JobError
from apps.engine.transcript import Line, Transcript
from apps.providers.abilities import Capabilities
from apps.providers.base import AccountField, RemoteAdapter
from apps.providers.conversation import (
    Account,
    AccountRefused,
    Forged,
    Output,
    Repeat,
    Step,
    Throttled,
    Unavailable,
    Verdict,
    WireReply,
    WireRequest,
    Work,
)
from tests.providers import media
from tests.providers.stub import StubReply, StubRequest, StubVendor

KEY: Final = "tiny-secret-key"
PAGE: Final = 2
Outcome = Literal["working", "ready", "broken", "review"]
STAGES: Final = {"hearing": "recognize", "speaking": "speak"}


def sign(body: bytes, key: str = KEY) -> str:
    """The signature of a callback."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


class TinyStub(StubVendor):
    """POST or PUT /works, GET /works[?page=], GET/DELETE /works/<id>, POST /works/<id>/go and /works/<id>/stop."""

    name = "tiny"

    def __init__(self, *, takes_client_id: bool = True) -> None:
        super().__init__()
        self.takes_client_id = takes_client_id
        self.works: dict[str, dict[str, Any]] = {}
        self.outcome: Outcome = "working"
        self.reason = "the voices are ill"
        self.refuse = ""
        self.ready_after = 0
        """Polls that see "working" before the outcome of a work without a word of its own (for many jobs at once)."""
        self.video = False
        """Whether results hold a video beside the subtitles; its check costs a second."""

    def operation_of(self, request: StubRequest) -> str:
        parts = request.path.strip("/").split("/")
        if request.method in ("PUT", "POST") and len(parts) <= 2 and parts[-1] not in ("go", "stop"):
            return "create"
        if len(parts) == 3:
            return parts[2]
        if request.method == "DELETE":
            return "forget"
        return "list" if len(parts) == 1 else "poll"

    def handle(self, request: StubRequest) -> StubReply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return StubReply(401, {"error": "who are you?"})
        name = request.path.strip("/").split("/")[1] if request.path.count("/") > 1 else ""
        if request.operation == "create":
            return self._create(request, name)
        if request.operation == "list":
            page = int(request.query.get("page", ["0"])[0])
            ids = list(self.works)
            rows = [{"id": one, "tag": self.works[one]["tag"]} for one in ids[page * PAGE : (page + 1) * PAGE]]
            return StubReply(json={"works": rows, "next": page + 1 if (page + 1) * PAGE < len(ids) else None})
        work = self.works.get(name)
        if work is None:
            return StubReply(404, {"error": "no such work"})
        if request.operation == "go":
            work["text"] = request.json()["text"]
            return StubReply(json={})
        if request.operation == "stop":
            work["stopped"] = True
            return StubReply(json={})
        if request.operation == "forget":
            del self.works[name]
            return StubReply(204)
        return StubReply(json=self._state(work, request))

    def _create(self, request: StubRequest, name: str) -> StubReply:
        asked = request.json()
        if not str(asked.get("source", "")).startswith("http") or "to" not in asked:
            return StubReply(400, {"error": "source and to are needed"})
        if self.refuse:
            return StubReply(400, {"error": self.refuse})
        made = name or f"w{len(self.works) + 1}"
        if made not in self.works or not self.takes_client_id:
            self.works[made] = {"tag": asked["tag"], "callback": asked["callback"], "polls": 0, "text": None}
        return StubReply(201, {"id": made})

    def _state(self, work: dict[str, Any], request: StubRequest) -> dict[str, Any]:
        work["polls"] += 1
        outcome = self.outcome if work["polls"] > self.ready_after else "working"
        if request.fault == "unknown_status":
            return {"status": "pondering", "percent": 50}
        if outcome == "review" and work["text"] is not None:
            outcome = "ready"
        answer: dict[str, Any] = {"status": outcome, "percent": min(90, 20 * work["polls"]), "doing": "speaking"}
        if outcome == "broken":
            answer["reason"] = self.reason
        if outcome == "review":
            answer["lines"] = ["One.", "Two."]
        if outcome == "ready":
            answer["files"] = [
                {"kind": "subtitle_target", "format": "srt", "url": self.publish("a.srt", media.srt(), "text/plain")}
            ]
            if self.video:
                url = self.publish("dub.mp4", media.mp4(), "video/mp4")
                answer["files"].append({"kind": "video", "format": "mp4", "url": url})
        return answer


class TinyAdapter(RemoteAdapter):
    """The pure half. `repeat` says how the vendor treats a create that is sent twice."""

    fields = (AccountField("key", "API key", secret=True),)
    default_endpoint = "https://api.tiny.example"
    submits_per_second = 10.0
    polls_per_second = 10.0
    poll_seconds = 5.0

    def __init__(self, repeat: Repeat = "harmless") -> None:
        self.repeat: Repeat = repeat

    def next_step(self, work: Work, account: Account) -> Step:
        ref = work.memo.get("id")
        if ref is None:
            body = {
                "source": work.source_url,
                "to": work.target_locale,
                "tag": work.client_id,
                "callback": work.callback_url,
                "echo": account.values["key"],
            }
            where = f"/works/{work.client_id}" if self.repeat == "harmless" else "/works"
            return Step("create", self._request("PUT", where, account, body), "create", self.repeat)
        if work.reviewed and not work.memo.get("gone_on"):
            lines = work.transcript.lines if work.transcript else []
            text = "\n".join(line.target for line in lines)
            return Step("go", self._request("POST", f"/works/{ref}/go", account, {"text": text}), "change")
        return Step("poll", self._request("GET", f"/works/{ref}", account), "read")

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        told = self._read(reply)
        if operation == "create":
            return Verdict("working", memo={"id": told["id"]}, ref=told["id"])
        if operation == "go":
            return Verdict("working", memo={**work.memo, "gone_on": True})
        status = told.get("status")
        if status == "broken":
            return Verdict("failed", error_code=10908, error=told["reason"])
        if status == "review":
            lines = [
                Line(id=f"l{n}", start=n, end=n + 0.9, source=text, target=text) for n, text in enumerate(told["lines"])
            ]
            text = Transcript(source_language="en-US", target_locale=work.target_locale, duration=3.0, lines=lines)
            return Verdict("review", transcript=text)
        if status == "ready":
            files = tuple(Output(f["kind"], f["format"], f["url"], main=f["kind"] == "video") for f in told["files"])
            return Verdict("succeeded", outputs=files)
        fraction = float(told.get("percent", 0)) / 100
        if status == "working":
            return Verdict("working", fraction=fraction, stage=STAGES.get(told.get("doing", ""), ""))
        return Verdict("unknown")

    def find_step(self, work: Work, operation: str, account: Account) -> Step | None:
        if self.repeat != "find":
            return None
        return Step("list", self._request("GET", f"/works?page={work.memo.get('page', 0)}", account), "read")

    def take_found(self, work: Work, operation: str, reply: WireReply) -> Verdict | None:
        told = self._read(reply)
        for row in told["works"]:
            if row["tag"] == work.client_id:
                return Verdict("working", memo={"id": row["id"]}, ref=row["id"])
        return None if told["next"] is None else Verdict("unknown", memo={"page": told["next"]})

    def cancel_step(self, work: Work, account: Account) -> Step | None:
        return Step("stop", self._request("POST", f"/works/{work.memo['id']}/stop", account), "change")

    def forget_step(self, work: Work, account: Account) -> Step | None:
        return Step("forget", self._request("DELETE", f"/works/{work.memo['id']}", account), "change")

    def test_step(self, account: Account) -> Step:
        return Step("list", self._request("GET", "/works", account), "read")

    def take_test(self, reply: WireReply) -> str:
        self._read(reply)
        return "The key is accepted."

    def verify_callback(self, account: Account, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        if not hmac.compare_digest(headers.get("x-signature", ""), sign(body, account.values["key"])):
            raise Forged("the signature does not hold")

    def callback_key(self, body: bytes) -> str:
        return str(msgspec.json.decode(body)["event"])

    def callback_ref(self, body: bytes) -> str:
        return str(msgspec.json.decode(body)["id"])

    def take_callback(self, work: Work, body: bytes) -> Verdict | None:
        told = msgspec.json.decode(body)
        if "id" not in work.memo:
            return Verdict("working", memo={"id": told["id"]}, ref=told["id"])
        return None

    @staticmethod
    def _request(method: str, path: str, account: Account, body: Any = None) -> WireRequest:
        headers = {"Authorization": f"Bearer {account.values['key']}"}
        return WireRequest(method, account.endpoint + path, headers, msgspec.json.encode(body) if body else b"")

    @staticmethod
    def _read(reply: WireReply) -> Any:
        if reply.status == 429:
            after = reply.headers.get("retry-after")
            raise Throttled("too many requests", float(after) if after else None)
        if reply.status in (401, 403):
            raise AccountRefused(f"answered with {reply.status}")
        if reply.status >= 500:
            raise Unavailable(f"answered with {reply.status}")
        try:
            told = msgspec.json.decode(reply.body) if reply.body else {}
        except msgspec.DecodeError:
            raise Unavailable("the answer is no JSON") from None
        if reply.status >= 400:
            raise JobError(10902 if "damaged" in told.get("error", "") else 10908, str(told.get("error", "")))
        return told


class TinyProvider:
    """What stands in the registry; it honours less than the built-in engine does."""

    name = "tiny"
    title = "The tiny vendor"

    def __init__(self, repeat: Repeat = "harmless") -> None:
        self.remote = TinyAdapter(repeat)

    def capabilities(self) -> Capabilities:
        return Capabilities(
            steps=frozenset({"subtitles", "voice"}),
            subtitle_sources=frozenset({"asr", "file"}),
            export_types=frozenset({"auto", "video"}),
            media_types=frozenset({"auto", "video"}),
            options=frozenset({"prompt", "review"}),
            pair=lambda source, target, heard, speaks: "",
        )
