"""Jobs over HTTP: the object, lists, verbs, timeline, files."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization
from apps.plans.models import Hold
from apps.plans.services import check_books
from tests.api.conftest import Api, problem
from tests.api.rows import FILES, finished, ordered

pytestmark = pytest.mark.django_db


def local(url: str) -> str:
    """The path of one of our absolute links."""
    return "/" + url.split("/", 3)[3]


def test_seed_003s_clients_read_our_job(api: Api, organization: Organization) -> None:
    """The example client of lipsync.studio: poll until completed, then take `output`."""
    job = finished(api, organization)
    body = api.get(f"jobs/{job.public_id}").json()
    assert {"id", "model", "status", "output", "error", "executionTime", "timings"} <= body.keys()
    assert (body["status"], body["error"], body["model"]) == ("completed", "", "translate")
    assert isinstance(body["executionTime"], int)
    answer = api.client.get(local(body["output"]))
    assert b"".join(answer.streaming_content) == FILES[0][4]


def test_a_job_under_way(api: Api) -> None:
    body = api.get(f"jobs/{ordered(api).public_id}").json()
    assert (body["output"], body["executionTime"], body["timings"]) == (None, None, None)
    assert body["progress"] == {"fraction": 0.0, "done": 0, "total": 0, "unit": ""}


class TestLists:
    def test_pages_by_keyset(self, api: Api) -> None:
        made = [ordered(api).public_id for _ in range(3)]
        first = api.get("jobs?limit=2").json()
        second = api.get(f"jobs?limit=2&cursor={first['next_cursor']}").json()
        assert [row["id"] for row in first["items"] + second["items"]] == made[::-1]
        assert second["next_cursor"] is None

    def test_filters(self, api: Api, organization: Organization) -> None:
        done = finished(api, organization, title="Keynote about bees")
        ordered(api, title="Other")
        for query in ("status=completed", "search=bees", f"search={done.public_id}"):
            assert [row["id"] for row in api.get(f"jobs?{query}").json()["items"]] == [done.public_id], query
        assert api.get("jobs?model=lipsync-video").json()["items"] == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("status=dead", "status"), ("cursor=x", "cursor"),
         ("cursor=-1", "cursor"), ("nonsense=1", "nonsense"), ("limit=1&limit=2", "limit"), ("model=x", "model")],
    )  # fmt: skip
    def test_bad_queries_name_the_field(self, api: Api, query: str, field: str) -> None:
        assert field in problem(api.get(f"jobs?{query}"), 400, 5)["errors"]

    # Each: authorize, count against the minute, and the reads themselves.
    @pytest.mark.parametrize(
        ("path", "queries"),
        [("jobs", 4), ("translations", 5), ("assets", 3), ("ledger", 3)],
    )
    def test_queries_do_not_grow_with_rows(self, api: Api, organization: Organization, path: str, queries: int) -> None:
        finished(api, organization)
        assert count_queries(api, path) == queries
        finished(api, organization)
        finished(api, organization)
        assert len(api.get(path).json()["items"]) >= 3
        assert count_queries(api, path) == queries


def count_queries(api: Api, path: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert api.get(path).status_code == 200
    return len(found)


class TestVerbs:
    def test_cancel_gives_the_credits_back(self, api: Api) -> None:
        job = ordered(api)
        body = api.post(f"jobs/{job.public_id}/cancel").json()
        assert (body["status"], body["held"]) == ("canceled", "0.0")
        assert Hold.objects.get().status == "released"
        assert check_books() == []

    def test_cancel_again(self, api: Api) -> None:
        job = ordered(api)
        assert api.post(f"jobs/{job.public_id}/cancel").status_code == 200
        assert api.post(f"jobs/{job.public_id}/cancel").status_code in (200, 409)

    @pytest.mark.parametrize("verb", ["cancel", "resume", "retry"])
    def test_what_a_completed_job_cannot_do(self, api: Api, organization: Organization, verb: str) -> None:
        problem(api.post(f"jobs/{finished(api, organization).public_id}/{verb}"), 409, 4090)

    def test_retry_of_a_failed_job_sets_credits_aside_anew(self, api: Api) -> None:
        from apps.core.errors import JobError
        from apps.jobs.services import fail_job

        job = ordered(api)
        fail_job(job, JobError(10902, "broken"))
        shown = api.get(f"jobs/{job.public_id}").json()
        assert (shown["status"], shown["error_code"], shown["error"], shown["held"]) == (
            "failed",
            10902,
            "broken",
            "0.0",
        )
        body = api.post(f"jobs/{job.public_id}/retry").json()
        assert (body["status"], body["error_code"]) == ("processing", None)
        assert body["held"] == body["estimate"]
        assert check_books() == []

    @pytest.mark.parametrize("verb", ["cancel", "resume", "retry"])
    def test_need_a_scope(self, api: Api, organization: Organization, verb: str) -> None:
        from tests.factories import make_key

        reader = Api(make_key(organization, ["jobs:read"])[1])
        problem(reader.post(f"jobs/{ordered(api).public_id}/{verb}"), 403, 1503)


class TestEvents:
    def test_timeline(self, api: Api) -> None:
        job = ordered(api)
        items = api.get(f"jobs/{job.public_id}/events").json()["items"]
        assert [row["type"] for row in items] == ["job.created"]
        assert items[0]["actor"]["kind"] == "api_key"
        assert api.get(f"jobs/{job.public_id}/events?after={items[-1]['id']}").json()["items"] == []

    def test_stream_is_at_the_live_address(self, api: Api) -> None:
        job = ordered(api)
        answer = api.get(f"jobs/{job.public_id}/events", Accept="text/event-stream")
        assert (answer.status_code, answer["Location"]) == (307, f"/live/jobs/{job.public_id}")


class TestFiles:
    def test_list_and_redirect(self, api: Api, organization: Organization) -> None:
        job = finished(api, organization)
        items = api.get(f"jobs/{job.public_id}/artefacts").json()["items"]
        assert [row["kind"] for row in items] == ["video", "subtitle_target"]
        assert [row["main"] for row in items] == [True, False]
        answer = api.get(f"artefacts/{items[1]['id']}?disposition=inline")
        assert answer.status_code == 302
        followed = api.client.get(answer["Location"])
        assert b"".join(followed.streaming_content) == FILES[1][4]
        assert "legendas" in followed["Content-Disposition"]

    def test_zip(self, api: Api, organization: Organization) -> None:
        job = finished(api, organization)
        answer = api.get(f"jobs/{job.public_id}/artefacts.zip")
        pieces = list(answer.streaming_content)
        assert max(map(len, pieces)) < 600_000, "never a whole file in memory"
        archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {row[2]: row[4] for row in FILES}

    def test_zip_of_nothing(self, api: Api) -> None:
        problem(api.get(f"jobs/{ordered(api).public_id}/artefacts.zip"), 404, 4040)


def test_translations(api: Api, organization: Organization) -> None:
    job = finished(api, organization, title="Bees")
    assert job.translation is not None
    shown = api.get(f"translations/{job.translation.public_id}").json()
    assert (shown["name"], shown["latest_job"], shown["revision"]) == ("Bees", job.public_id, 1)
