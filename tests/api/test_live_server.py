"""The API under the real server, over real sockets: what README shows with curl, and uploads whose connection breaks."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings

from apps.jobs import services
from apps.plans.models import Plan
from apps.plans.services import check_books
from tests.api.conftest import order
from tests.factories import make_key, make_organization
from tests.jobs.helpers import SRT, make_clip
from tests.servers import Server, serve

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module", params=["wsgi", "asgi"])
def site(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: object) -> Iterator[Server]:
    """Granian over the test database and this process's data folder: WSGI as behind a proxy, ASGI as `make run` serves it."""
    from django.db import connection

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connection.ensure_connection()
        env = {
            "KINOGLOT_DATA_DIR": str(settings.DATA_DIR),
            "SECRET_KEY": settings.SECRET_KEY,
            "LOG_LEVEL": "ERROR",
            "KINOGLOT_TEST_DB_SUFFIX": "",
        }
        target = f"portal.{request.param}:application"
        with serve(target, interface=request.param, ready="/api/v1/errors", env=env) as server:
            yield server


@pytest.fixture
def client(site: Server) -> Iterator[httpx.Client]:
    """A program with a key."""
    key = make_key(make_organization(credits=10_000))[1]
    with httpx.Client(base_url=f"{site.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30) as found:
        yield found


def test_from_upload_to_download(client: httpx.Client, tmp_path: Path) -> None:
    """curl: create an upload, send the file, order, poll, fetch the output with a range."""
    clip = make_clip(tmp_path / "clip.mp4").read_bytes()
    ids = []
    for data, meta in ((clip, "filename Y2xpcC5tcDQ="), (SRT.encode(), "filename YS5zcnQ=,kind c3VidGl0bGU=")):
        made = client.post(
            "/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": meta}
        )
        assert made.status_code == 201, made.text
        sent = client.patch(
            made.headers["Location"].removeprefix("/api/v1"),
            content=data,
            headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
        )
        assert sent.status_code == 204, sent.text
        ids.append(sent.headers["Kinoglot-Asset"])
    body = order(source={"asset": ids[0]}, subtitle={"asset": ids[1], "usage": "final_translated"})
    answer = client.post("/translations", json=body, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 202, answer.text
    job = answer.json()["id"]
    services.advance(job)
    services.run_engine(job)
    shown = client.get(f"/jobs/{job}").json()
    assert shown["status"] == "completed", shown
    path = urlsplit(shown["output"]).path
    part = httpx.get(str(client.base_url.copy_with(path=path)), headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    archive = client.get(f"/jobs/{job}/artefacts.zip")
    assert archive.content[:2] == b"PK"
    assert (
        client.get(f"/translations/{shown['translation']}/transcript", params={"format": "srt"}).text.count("-->") == 2
    )
    assert check_books() == []


def test_a_connection_cut_in_the_middle_resumes(site: Server, client: httpx.Client) -> None:
    data = SRT.encode() + os.urandom(3_000_000).hex().encode()
    made = client.post(
        "/uploads",
        headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": "kind c3VidGl0bGU="},
    )
    where = made.headers["Location"]
    head = (
        f"PATCH {where} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nAuthorization: {client.headers['Authorization']}\r\n"
        f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port)) as raw:
        raw.sendall(head.encode() + data[:2_500_000])
    offset = known_offset(client, where)
    assert 0 <= offset <= 2_500_000
    sent = client.patch(
        where.removeprefix("/api/v1"),
        content=data[offset:],
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        },
    )
    assert sent.status_code == 204, sent.text
    asset = client.get(f"/assets/{sent.headers['Kinoglot-Asset']}").json()
    assert asset["sha256"] == hashlib.sha256(data).hexdigest()


def known_offset(client: httpx.Client, where: str) -> int:
    """The offset once the server has noticed that the sender is gone (it holds the upload's lock until then)."""
    import time

    last = -1
    for _ in range(50):
        answer = client.head(where.removeprefix("/api/v1"), headers={"Tus-Resumable": "1.0.0"})
        offset = int(answer.headers["Upload-Offset"])
        if offset and offset == last:
            return offset
        last = offset
        time.sleep(0.2)
    return last


def test_the_rate_limit_holds_over_connections(client: httpx.Client) -> None:
    Plan.objects.update(requests_per_minute=20)

    def ask(_: int) -> int:
        return httpx.get(str(client.base_url) + "plan", headers=dict(client.headers), timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(40)))
    # The minute may turn once in the middle.
    assert found.count(200) in (20, 40) or 20 <= found.count(200) <= 40
    assert set(found) <= {200, 429}
    assert found.count(429) > 0 or found.count(200) == 40


def test_errors_keep_their_shape_under_the_real_server(client: httpx.Client) -> None:
    for answer, status, code in (
        (client.get("/nothing"), 404, 4040),
        (client.post("/translations", content=b"{", headers={"Content-Type": "application/json"}), 400, 5),
        (client.delete("/jobs"), 405, 4050),
        (
            client.post("/translations", content=b"x" * 5_000_000, headers={"Content-Type": "application/json"}),
            413,
            4130,
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["X-Request-Id"] == answer.json()["request_id"]


def test_events_can_be_followed_with_a_key(site: Server, client: httpx.Client, request: pytest.FixtureRequest) -> None:
    """curl -L -N -H "Accept: text/event-stream": the redirect leads to the live stream, which takes the same key."""
    job = client.post("/translations", json=order()).json()["id"]
    answer = client.get(f"/jobs/{job}/events", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["Location"]) == (307, f"/live/jobs/{job}")
    if "asgi" not in request.node.name:
        return  # behind a proxy another process answers /live/
    url = f"{site.url}{answer.headers['Location']}"
    with httpx.stream("GET", url, headers={"Authorization": client.headers["Authorization"]}, timeout=20) as stream:
        assert stream.status_code == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        client.post(f"/jobs/{job}/cancel")
        for line in stream.iter_lines():
            if "job.canceled" in line:
                break
    other = make_key(make_organization())[1]
    assert httpx.get(url, headers={"Authorization": f"Bearer {other}"}).status_code == 404
    assert httpx.get(url).status_code in (401, 403)
