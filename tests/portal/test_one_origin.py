"""The whole site behind one address: streams beside pages, uploads and downloads of any size, clients that go away."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import Organization
from apps.events import log
from apps.jobs.models import Job
from apps.projects.links import make_link
from apps.projects.storage import save_file
from tests.factories import make_key, make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order
from tests.servers import Server, serve

pytestmark = pytest.mark.django_db(transaction=True)
MB = 1024 * 1024


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    with django_db_blocker.unblock(), serve("portal.asgi:application", env={"WEB_THREADS": "8"}) as started:
        yield started


@pytest.fixture
def organization() -> Organization:
    return make_organization(credits=1000)


@pytest.fixture
def job(organization: Organization, tmp_path: Path) -> Job:
    actor = owner_of(organization)
    return submitted(actor, subtitles_order(actor, tmp_path))


def signed_in(organization: Organization) -> dict[str, str]:
    browser = Client()
    user = owner_of(organization).user
    assert user is not None
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}


def first_event(answer: httpx.Response, name: str = "event") -> dict[str, Any]:
    event = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: ") and event == name:
            return dict(json.loads(line[6:]))
    raise AssertionError("the stream ended")


def test_a_signed_in_person_hears_of_their_job(site: Server, organization: Organization, job: Job) -> None:
    cookies = signed_in(organization)
    with httpx.stream("GET", f"{site.url}/live/jobs/{job.public_id}", cookies=cookies, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        first_event_of = answer.iter_lines()
        assert next(first_event_of) == "retry: 2000"
        log.record(type="job.stage", actor=None, organization_id=organization.pk, subject=job, data={"stage": "probe"})
        for line in first_event_of:
            if line.startswith('data: {"id"'):
                assert json.loads(line[6:])["data"] == {"stage": "probe"}
                break


def test_strangers_and_the_signed_out_hear_nothing(site: Server, organization: Organization, job: Job) -> None:
    stranger = signed_in(make_organization())
    refused = httpx.get(f"{site.url}/live/jobs/{job.public_id}", cookies=stranger)
    assert (refused.status_code, refused.json()["code"]) == (404, 4040)
    assert httpx.get(f"{site.url}/live/organization").status_code == 401
    assert (
        httpx.get(f"{site.url}/live/organization", cookies={settings.SESSION_COOKIE_NAME: "x" * 32}).status_code == 401
    )
    assert httpx.get(f"{site.url}/live/organization", headers={"Authorization": "Bearer sk_no"}).status_code == 401


def test_a_program_follows_its_job_with_its_key(site: Server, organization: Organization, job: Job) -> None:
    _, secret = make_key(organization, scopes=["jobs:read"])
    headers = {"Authorization": f"Bearer {secret}", "Accept": "text/event-stream", "Last-Event-ID": "0"}
    url = f"{site.url}/api/v1/jobs/{job.public_id}/events"
    with httpx.stream("GET", url, headers=headers, timeout=20, follow_redirects=True) as answer:
        assert answer.status_code == 200
        assert first_event(answer)["subject"] == {"type": "job", "id": job.public_id}


def test_what_a_member_may_not_read_is_not_in_the_organizations_stream(
    site: Server, organization: Organization
) -> None:
    with httpx.stream("GET", f"{site.url}/live/organization", cookies=signed_in(organization), timeout=20) as answer:
        lines = answer.iter_lines()
        next(lines)
        log.record(type="key.created", actor=None, organization_id=organization.pk, subject=("apikey", "key_1"))
        log.record(type="job.created", actor=None, organization_id=organization.pk, subject=("job", "job_1"))
        heard = next(json.loads(line[6:]) for line in lines if line.startswith('data: {"id"'))
    assert heard["type"] == "job.created"


@pytest.fixture
def big_file(tmp_path: Path) -> tuple[str, bytes]:
    """A stored file of 48 MB and its signed link's path."""
    content = os.urandom(MB) * 48
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    save_file(path, "tests/film.mp4", "video/mp4")
    return make_link("tests/film.mp4", "film.mp4", "video/mp4"), content


def memory(server: Server) -> int:
    """Resident bytes of the serving process."""
    return int(Path(f"/proc/{server.worker_pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_files_arrive_whole_and_in_ranges(site: Server, big_file: tuple[str, bytes]) -> None:
    path, content = big_file
    whole = httpx.get(site.url + path, timeout=60)
    assert whole.status_code == 200
    assert whole.content == content
    part = httpx.get(site.url + path, headers={"Range": "bytes=1000000-1999999"})
    assert (part.status_code, part.headers["content-range"]) == (206, f"bytes 1000000-1999999/{len(content)}")
    assert part.content == content[1_000_000:2_000_000]
    head = httpx.head(site.url + path)
    assert (head.status_code, head.content, int(head.headers["content-length"])) == (200, b"", len(content))


def test_paused_players_take_no_thread_from_others(site: Server, big_file: tuple[str, bytes]) -> None:
    """Thirty viewers who have stopped reading, on a server of eight threads."""
    path, _ = big_file
    before = memory(site)
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            viewer = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            viewer.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert viewer.recv(1000).startswith(b"HTTP/1.1 200")
        started = time.monotonic()
        for _ in range(10):
            assert httpx.get(f"{site.url}/healthz", timeout=10).status_code == 200
        assert time.monotonic() - started < 5
        assert memory(site) - before < 150 * MB
    started = time.monotonic()
    assert httpx.get(f"{site.url}/healthz", timeout=10).status_code == 200


def test_a_viewer_who_leaves_ends_the_reading(site: Server, big_file: tuple[str, bytes]) -> None:
    path, _ = big_file
    opened = Path(f"/proc/{site.worker_pid}/fd")

    def readers() -> int:
        return sum("film.mp4" in str(fd.resolve()) for fd in opened.iterdir())

    for _ in range(5):
        with httpx.stream("GET", site.url + path, timeout=20) as answer:
            pieces = answer.iter_bytes(1000)
            next(pieces)
            assert readers() == 1
    until = time.monotonic() + 10
    while readers() and time.monotonic() < until:
        time.sleep(0.1)
    assert readers() == 0


def test_a_large_upload_streams_through_and_a_cut_one_can_go_on(site: Server, organization: Organization) -> None:
    _, secret = make_key(organization)
    headers = {"Authorization": f"Bearer {secret}", "Tus-Resumable": "1.0.0"}
    size = 96 * MB
    piece = os.urandom(MB)
    made = httpx.post(
        f"{site.url}/api/v1/uploads",
        headers=headers | {"Upload-Length": str(size), "Upload-Metadata": "filename ZmlsbS5tcDQ="},
    )
    assert made.status_code == 201, made.text
    location = httpx.URL(site.url).join(made.headers["Location"])
    patch = headers | {"Content-Type": "application/offset+octet-stream"}

    def offset() -> int:
        return int(httpx.head(location, headers=headers).headers["Upload-Offset"])

    with socket.create_connection(("127.0.0.1", site.port)) as cut:
        lines = {**patch, "Host": f"127.0.0.1:{site.port}", "Content-Length": str(size), "Upload-Offset": "0"}
        head = f"PATCH {location.raw_path.decode()} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        cut.sendall(head.encode() + b"\r\n")
        for _ in range(20):
            cut.sendall(piece)
    until = time.monotonic() + 15
    while not offset() and time.monotonic() < until:
        time.sleep(0.2)
    kept = offset()
    assert 0 < kept <= 20 * MB

    def rest() -> Iterator[bytes]:
        data = piece * 96
        for at in range(kept, size, MB):
            yield data[at : min(at + MB, size)]

    before = memory(site)
    # A length, and not chunks: tus servers need to know.
    more = patch | {"Upload-Offset": str(kept), "Content-Length": str(size - kept)}
    done = httpx.patch(location, headers=more, content=rest(), timeout=60)
    assert done.status_code == 204, done.text
    assert offset() == size
    assert memory(site) - before < 40 * MB


def test_who_sends_drop_by_drop_keeps_nobody_waiting(site: Server, organization: Organization) -> None:
    """More of them than there are threads: forms that never end, and uploads on a bad line."""
    _, secret = make_key(organization)
    tus = {"Authorization": f"Bearer {secret}", "Tus-Resumable": "1.0.0"}

    def begin(method: str, path: str, **headers: str) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", site.port), timeout=10)
        lines = {"Host": f"127.0.0.1:{site.port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        line.sendall(head.encode() + b"\r\nlogin=")
        return line

    with contextlib.ExitStack() as stack:
        for _ in range(12):
            form = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "1000"}
            stack.enter_context(begin("POST", "/accounts/login/", **form))
        for _ in range(8):
            made = httpx.post(f"{site.url}/api/v1/uploads", headers=tus | {"Upload-Length": "1000"}, timeout=5)
            more = tus | {
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": "1000",
                "Upload-Offset": "0",
            }
            stack.enter_context(begin("PATCH", made.headers["Location"], **more))
        time.sleep(0.5)
        for path in ("/accounts/login/", "/api/v1/languages"):
            assert httpx.get(site.url + path, timeout=5).status_code == 200
        # And a body that comes late comes whole.
        late = begin("POST", "/accounts/login/", Content_Type="application/x-www-form-urlencoded", Content_Length="13")
        stack.enter_context(late)
        time.sleep(0.2)
        late.sendall(b"ab%40cd")
        assert late.recv(100).split(b" ")[1] == b"403"  # read to its end, and refused for its missing CSRF token


def test_many_at_once_are_all_answered(site: Server, organization: Organization) -> None:
    _, secret = make_key(organization)

    def ask(_: int) -> int:
        return httpx.get(
            f"{site.url}/api/v1/languages", headers={"Authorization": f"Bearer {secret}"}, timeout=30
        ).status_code

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        assert set(pool.map(ask, range(128))) <= {200, 429}


def test_headers_cannot_be_passed_off_by_underscores(site: Server) -> None:
    spoofed = httpx.get(f"{site.url}/healthz", headers={"X_Request_Id": "spoofed-123456"})
    assert spoofed.headers["X-Request-Id"] != "spoofed-123456"
    plain = httpx.get(f"{site.url}/healthz", headers={"X-Request-Id": "plain-123456"})
    assert plain.headers["X-Request-Id"] == "plain-123456"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/%ff",
        "/api/v1/%00",
        "/api/v1/ü%2f..%2f",
        "/live/%ff",
        "/live/jobs/%2e%2e",
        "/api/v1//../x",
        "/files/%ff/%00",
    ],
)
def test_odd_paths_are_answered_and_never_a_fault(site: Server, path: str) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        status = line.recv(1000).split(b" ")[1]
    assert 400 <= int(status) < 500


def test_a_body_without_a_length_is_refused_and_not_taken_for_an_empty_one(
    site: Server, organization: Organization
) -> None:
    _, secret = make_key(organization)
    answer = httpx.post(
        f"{site.url}/api/v1/translations",
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        content=iter([b'{"source":', b"{}}"]),
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 5)
