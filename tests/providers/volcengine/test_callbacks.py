"""Events of Volcengine VOD: genuine, forged, old, of something else; every event only says that it is time to poll."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from apps.providers.base import HearsAccount
from apps.providers.conversation import Account, Forged, Work
from apps.providers.volcengine_vod import callbacks
from apps.providers.volcengine_vod.provider import VENDOR
from tests.providers.volcengine.talk import order
from tests.providers.volcengine.vod_stub import CALLBACK_KEY, event

REMOTE = VENDOR.remote
URL = "https://portal.example.com/callbacks/volcengine-vod/pac_1.sig"
ACCOUNT = Account("pac_1", "https://vod.example.com", values={"callback_key": CALLBACK_KEY})


def check(
    body: bytes, headers: dict[str, str], *, url: str = URL, account: Account = ACCOUNT, later: float = 0.0
) -> None:
    lower = {name.lower(): value for name, value in headers.items()}
    REMOTE.verify_callback(account, url, lower, body, time.time() + later)


def test_the_signature_of_the_vendors_page() -> None:
    # The page's own example values; the digest was made with coreutils' md5sum.
    content = b'{\n"a":1,\n"b":2\n}'
    assert callbacks.signature("https://www.example1.com/your/callback", "1545675780", "ABCDabcd1234", content) == (
        "3161fa89a722ee715937b7af60b9ad75"
    )


def test_a_genuine_event() -> None:
    body, headers = event(URL, "680001")
    check(body, headers)
    check(body, {**headers, "X-VOD-SIGNATURE": headers["X-VOD-SIGNATURE"].upper()})
    assert isinstance(REMOTE, HearsAccount) and REMOTE.callback_ref(body) == "680001"
    assert REMOTE.callback_key(body) == "r-680001"
    work = Work(order(), "job_1-1", {})
    assert REMOTE.take_callback(work, body) is None


@pytest.mark.parametrize(
    "change",
    [
        {"url": URL + "x"},
        {"later": 1000.0},
        {"later": -1000.0},
        {"body": b"{}"},
        {"headers": {}},
        {"headers": {"X-VOD-TIMESTAMP": "soon", "X-VOD-SIGNATURE": "0" * 32}},
        {"headers": {"X-VOD-TIMESTAMP": "9" * 30, "X-VOD-SIGNATURE": "0" * 32}},
    ],
)
def test_what_does_not_hold_is_forged(change: dict[str, Any]) -> None:
    body, headers = event(URL, "680001")
    given: dict[str, Any] = {"body": body, "headers": headers} | change
    with pytest.raises(Forged):
        check(given.pop("body"), given.pop("headers"), **given)


def test_another_key_is_forged() -> None:
    with pytest.raises(Forged):
        check(*event(URL, "680001", key="guessed"))


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b"\xff\xfe", b"[" * 20_000])
def test_without_a_key_only_an_event_is_taken(body: bytes) -> None:
    bare = Account("pac_1", "https://vod.example.com", values={"callback_key": ""})
    check(*event(URL, "680001"), account=bare)
    with pytest.raises(Forged):
        check(body, {}, account=bare)
    assert callbacks.project_of(body) == "" and callbacks.key_of(body) == ""


def test_other_events_are_about_no_job() -> None:
    body = json.dumps(
        {"EventType": "FileUploadComplete", "RequestId": "r", "Data": {"Vid": "v", "ProjectId": "x"}}
    ).encode()
    assert callbacks.project_of(body) == ""
