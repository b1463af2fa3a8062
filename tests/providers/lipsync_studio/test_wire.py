"""lipsync.studio's adapter, pure: the seed's own documents, requests as they are built, and what each answer means."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from apps.core.errors import JobError, job_codes
from apps.providers.base import problems
from apps.providers.conversation import Account, AccountRefused, Forged, Throttled, Unavailable, WireReply, Work
from apps.providers.lipsync_studio import wire
from apps.providers.lipsync_studio.provider import VENDOR
from apps.providers.orders import LipsyncOrder, TranslationOrder

REMOTE = VENDOR.remote
ACCOUNT = Account("pac_1", "https://lipsync.studio", values={"api_key": "sk_XXXX_YYYY"})
ID = "550e8400-e29b-41d4-a716-446655440000"
# The three answers as the page prints them.
PROCESSING = {
    "id": ID,
    "model": "lipsync",
    "status": "processing",
    "output": None,
    "error": "",
    "executionTime": None,
    "timings": None,
}
COMPLETED = {
    "id": ID, "model": "lipsync-image", "status": "completed", "output": "https://x.example/result.mp4", "error": "",
    "executionTime": 12345, "timings": None,
}  # fmt: skip
FAILED = {
    "id": ID, "model": "lipsync-image", "status": "failed", "output": None, "error": "Invalid audio format", "executionTime": None,
    "timings": None,
}  # fmt: skip


def order(**fields: Any) -> LipsyncOrder:
    given = {"model": "lipsync-image", "image": {"asset": "ast_00000000"}, "audio": {"asset": "ast_00000001"}}
    return msgspec.convert(given | fields, LipsyncOrder)


def work(memo: dict[str, Any] | None = None, **fields: Any) -> Work:
    links = {"image": "https://p.example/face.png", "audio": "https://p.example/voice.mp3"}
    return Work(asked=order(**fields), client_id="job_1-1", memo=memo or {}, links=links)


def reply(body: Any, status: int = 200, **headers: str) -> WireReply:
    return WireReply(status, headers, body if isinstance(body, bytes) else msgspec.json.encode(body))


def test_the_submit_is_the_pages_own() -> None:
    """Byte for byte the document that the page prints, when the order is the one of the page."""
    webhook = "https://your-app.example.com/webhooks/lipsync"
    asked = Work(
        asked=order(resolution="720p", seed=42), client_id="j", memo={}, callback_url=webhook,
        links={"image": "https://.../face.png", "audio": "https://.../voice.mp3"},
    )  # fmt: skip
    step = REMOTE.next_step(asked, ACCOUNT)
    assert (step.operation, step.kind, step.repeat) == ("submit", "create", "once")
    assert (step.request.method, step.request.url) == ("POST", "https://lipsync.studio/api/v1/lipsync-image")
    assert step.request.headers["Authorization"] == "Bearer sk_XXXX_YYYY"
    assert msgspec.json.decode(step.request.body) == {
        "webhook": webhook,
        "formState": {
            "image": "https://.../face.png",
            "audio": "https://.../voice.mp3",
            "resolution": "720p",
            "seed": 42,
        },
    }
    poll = REMOTE.next_step(work({"job": ID}), ACCOUNT)
    assert (poll.kind, poll.request.url) == ("read", f"https://lipsync.studio/api/v1/jobs/{ID}")


def test_without_a_reachable_portal_there_is_no_webhook() -> None:
    body = msgspec.json.decode(REMOTE.next_step(work(), ACCOUNT).request.body)
    assert set(body) == {"formState"}


def test_answers_of_the_page() -> None:
    made = REMOTE.take(work(), "submit", reply({"id": ID, "status": "processing"}))
    assert (made.status, made.ref, made.memo) == ("working", ID, {"job": ID})
    known = work({"job": ID})
    assert REMOTE.take(known, "getJob", reply(PROCESSING)).status == "working"
    done = REMOTE.take(known, "getJob", reply(COMPLETED))
    (output,) = done.outputs
    assert (done.status, output.kind, output.format, output.url, output.main) == (
        "succeeded", "video", "mp4", "https://x.example/result.mp4", True,
    )  # fmt: skip
    failed = REMOTE.take(known, "getJob", reply(FAILED))
    assert (failed.status, failed.error_code, failed.error) == ("failed", 10904, "Invalid audio format")
    for odd in (PROCESSING | {"status": "pondering"}, COMPLETED | {"output": None}):
        assert REMOTE.take(known, "getJob", reply(odd)).status == "unknown"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Invalid audio format", 10904),
        ("Unsupported video format: avi", 10904),
        ("No face detected in the image", 10911),
        ("No human face found", 10911),
        ("Face could not be found", 10911),
        ("Failed to detect: could not find a face", 10911),
        ("Multiple faces detected", 10912),
        ("The face is too small", 10913),
        ("Only a profile view of the face", 10914),
        ("The audio is silent", 10042),
        ("No video stream", 10001),
        ("no audio track in file", 10002),
        ("Audio too long", 10905),
        ("The file is corrupt", 10902),
        ("Failed to download audio: 403 Forbidden", 10901),
        ("Something went wrong", 10908),
        ("", 10908),
    ],
)
def test_error_texts(text: str, code: int) -> None:
    found = REMOTE.take(work({"job": ID}), "getJob", reply(FAILED | {"error": text}))
    assert (found.status, found.error_code) == ("failed", code)
    assert code in job_codes() and found.error


def test_our_trouble_is_not_told() -> None:
    found = REMOTE.take(work({"job": ID}), "getJob", reply(FAILED | {"error": "Insufficient credits on key sk_XXXX"}))
    assert found.error_code == 10908 and "sk_XXXX" not in found.error and "credits" not in found.error


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (reply({"error": "slow down"}, 429), Throttled),
        (reply({"error": "Too many concurrent jobs"}, 400), Throttled),
        (reply({"error": "Invalid API key"}, 401), AccountRefused),
        (reply({"error": "Insufficient credits"}, 402), AccountRefused),
        (reply({"message": "Not enough API credits"}, 400), AccountRefused),
        (reply(b"", 403), AccountRefused),
        (reply({"error": {"message": "Invalid image format"}}, 400), JobError),
        (reply(b"<html>404</html>", 404), Unavailable),
        (reply({"error": "oops"}, 502), Unavailable),
        (reply(b"<html>", 200), Unavailable),
        (reply({"status": "processing"}), Unavailable),
        (reply({"id": "", "status": "processing"}), Unavailable),
        (reply(b"", 302), Unavailable),
    ],
)
def test_refusals(answer: WireReply, raised: type[Exception]) -> None:
    with pytest.raises(raised) as caught:
        REMOTE.take(work(), "submit", answer)
    if isinstance(caught.value, JobError):
        assert caught.value.code == 10904


def test_a_pause_is_kept() -> None:
    with pytest.raises(Throttled) as caught:
        REMOTE.take(work(), "submit", WireReply(429, {"retry-after": "3"}, b"{}"))
    assert caught.value.retry_after == 3.0


def test_the_webhook() -> None:
    body = msgspec.json.encode(COMPLETED)
    REMOTE.verify_callback(ACCOUNT, "https://p/callbacks/x", {}, body, 0.0)
    assert REMOTE.take_callback(work({"job": ID}), body) is None
    found = REMOTE.take_callback(work(), body)
    assert found is not None and (found.status, found.ref, found.memo) == ("working", ID, {"job": ID})
    for odd in (b"", b"[]", b"{}", b'{"id": 3, "status": "completed"}'):
        with pytest.raises(Forged):
            REMOTE.verify_callback(ACCOUNT, "", {}, odd, 0.0)


def test_the_connection_test() -> None:
    step = REMOTE.test_step(ACCOUNT)
    assert step.kind == "read" and step.request.method == "GET"
    assert REMOTE.take_test(reply({"error": "Job not found"}, 404)) == "The key is accepted."
    assert "seen at the first order" in REMOTE.take_test(reply(b"", 404))
    assert "busy" in REMOTE.take_test(reply({}, 429))
    with pytest.raises(AccountRefused):
        REMOTE.take_test(reply({}, 401))
    with pytest.raises(Unavailable):
        REMOTE.take_test(reply(b"", 503))


def test_what_it_can_do() -> None:
    full = {"mask_image": {"asset": "ast_00000002"}, "prompt": "warm", "seed": 1, "resolution": "720p"}
    assert problems(VENDOR, order(**full)) == {}
    translation = msgspec.convert({"source": {"asset": "ast_00000000"}, "target_locales": ["pt-BR"]}, TranslationOrder)
    assert "steps.0" in problems(VENDOR, translation)
    assert set(wire.STATUSES) == {
        row.theirs.partition("=")[2] for row in VENDOR.capabilities().parameters if row.theirs.startswith("status=")
    }
