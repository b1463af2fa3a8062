"""/files/: signed, expiring, seekable, and never a page that could run."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.api.ranges import Unsatisfiable, parse_range
from apps.projects.links import make_link
from apps.projects.storage import local_path

DATA = bytes(range(256)) * 40


@pytest.fixture
def stored() -> str:
    path = local_path("tests/clip")
    assert path is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(DATA)
    return "tests/clip"


def fetch(link: str, method: str = "GET", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer: Any = Client().generic(method, link, headers=named)
    answer.read = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer


def body(answer: Any) -> bytes:
    found: bytes = answer.read
    return found


def test_whole_file(stored: str) -> None:
    answer = fetch(make_link(stored, "talk.mp4", "video/mp4"))
    assert answer.status_code == 200
    assert body(answer) == DATA
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Content-Length"] == str(len(DATA))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "default-src 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-0", 0, 0), ("0-99", 0, 99), ("100-", 100, 10239), ("-5", 10235, 10239), ("10239-", 10239, 10239),
     ("5-999999", 5, 10239), ("-999999", 0, 10239)],
)  # fmt: skip
def test_one_range(stored: str, asked: str, first: int, last: int) -> None:
    answer = fetch(make_link(stored, "talk.mp4", "video/mp4"), Range=f"bytes={asked}")
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert answer["Content-Length"] == str(last - first + 1)
    assert body(answer) == DATA[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=-0", "bytes=99999-100000"])
def test_range_outside(stored: str, asked: str) -> None:
    answer = fetch(make_link(stored, "talk.mp4", "video/mp4"), Range=asked)
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=0-1,5-6", "lines=0-5", "bytes=", "bytes=-", "bytes=a-b", "x"])
def test_what_is_no_range_gives_the_whole_file(stored: str, asked: str) -> None:
    answer = fetch(make_link(stored, "talk.mp4", "video/mp4"), Range=asked)
    assert answer.status_code == 200
    assert body(answer) == DATA


def test_conditions(stored: str) -> None:
    link = make_link(stored, "talk.mp4", "video/mp4")
    etag = fetch(link)["ETag"]
    modified = fetch(link)["Last-Modified"]
    assert fetch(link, If_None_Match=etag).status_code == 304
    assert fetch(link, If_None_Match='"other"').status_code == 200
    assert fetch(link, Range="bytes=0-9", If_Range=etag).status_code == 206
    assert fetch(link, Range="bytes=0-9", If_Range=f"W/{etag}").status_code == 200
    assert fetch(link, Range="bytes=0-9", If_Range='"other"').status_code == 200
    assert fetch(link, Range="bytes=0-9", If_Range=modified).status_code == 206
    assert fetch(link, Range="bytes=0-9", If_Range="Thu, 01 Jan 1970 00:00:00 GMT").status_code == 200
    assert fetch(link, Range="bytes=0-9", If_Range="yesterday").status_code == 200


def test_head(stored: str) -> None:
    answer = fetch(make_link(stored, "talk.mp4", "video/mp4"), "HEAD")
    assert (answer.status_code, answer["Content-Length"], body(answer)) == (200, str(len(DATA)), b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods(stored: str, method: str) -> None:
    assert fetch(make_link(stored, "talk.mp4", "video/mp4"), method).status_code == 405


@pytest.mark.parametrize(
    ("kind", "sent", "inline"),
    [
        ("video/mp4", "video/mp4", True),
        ("audio/wav", "audio/wav", True),
        ("text/vtt", "text/vtt; charset=utf-8", True),
        ("application/zip", "application/zip", False),
        ("application/ttml+xml", "application/ttml+xml; charset=utf-8", False),
        ("text/html", "application/octet-stream", False),
        ("image/svg+xml", "application/octet-stream", False),
        ("application/javascript", "application/octet-stream", False),
        ("application/xhtml+xml", "application/octet-stream", False),
        ("", "application/octet-stream", False),
    ],
)
def test_types_that_could_run_are_octets(stored: str, kind: str, sent: str, inline: bool) -> None:
    answer = fetch(make_link(stored, "x", kind, disposition="inline"))
    assert answer["Content-Type"] == sent
    assert answer["Content-Disposition"].startswith("inline" if inline else "attachment")


@pytest.mark.parametrize("name", ["видео 1.mp4", "动画.srt", 'a"b\\c;.mp4', "clip\r\nX-Evil: 1.mp4", "%2e%2e/x.mp4"])
def test_names(stored: str, name: str) -> None:
    answer = fetch(make_link(stored, name, "video/mp4"))
    header = answer["Content-Disposition"]
    assert answer.status_code == 200
    assert "filename*=UTF-8''" in header
    assert header.isascii()
    assert "\n" not in header
    assert "X-Evil" not in answer


def test_tampered_expired_and_gone(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    link = make_link(stored, "talk.mp4", "video/mp4", seconds=60)
    token = link.split("/")[2]
    assert fetch(link.replace(token, token[:-2] + ("aa" if token[-2:] != "aa" else "bb"))).status_code == 404
    assert fetch("/files/nonsense/talk.mp4").status_code == 404
    assert fetch(make_link("tests/none", "talk.mp4", "video/mp4")).status_code == 404
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 1000)
    assert fetch(link).status_code == 410


def test_a_link_does_not_tell_the_folder(stored: str) -> None:
    assert str(settings.DATA_DIR) not in make_link(stored, "talk.mp4", "video/mp4")


@given(st.text(max_size=40), st.integers(0, 10_000))
def test_any_range_header_is_survived(header: str, size: int) -> None:
    for text in (header, f"bytes={header}"):
        try:
            found = parse_range(text, size)
        except Unsatisfiable:
            continue
        if found is not None:
            assert 0 <= found.first <= found.last < size
