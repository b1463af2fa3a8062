"""Every error under /api/ is problem+json with a number, whoever raised it."""

from __future__ import annotations

import io

import psycopg
import pytest

from apps.api.error_texts import TITLES
from apps.core import errors
from tests.api.conftest import Api, order, problem


def test_unknown_address(anonymous: Api) -> None:
    problem(anonymous.get("nothing/here"), 404, 4040)
    problem(anonymous.get("/api/v1/"), 404, 4040)
    problem(anonymous.post("jobs/"), 404, 4040)
    problem(anonymous.get("/api/v2/jobs"), 404, 4040)


def test_wrong_method_lists_the_right_ones(api: Api) -> None:
    answer = api.call("DELETE", "jobs")
    problem(answer, 405, 4050)
    assert "GET" in answer["Allow"]


def test_body_that_is_no_json(api: Api) -> None:
    body = problem(api.post("translations", b"{"), 400, 5)
    assert "body" in body["errors"]
    body = problem(api.post("translations", b"\xff\xfe"), 400, 5)
    assert "body" in body["errors"]


def test_body_of_another_type(api: Api) -> None:
    problem(api.post("translations", b"a=1", Content_Type="application/x-www-form-urlencoded"), 415, 4150)
    problem(api.post("estimates", b"a=1", Content_Type="text/plain"), 415, 4150)


def test_every_wrong_field_is_named(api: Api) -> None:
    body = order(source_language=5, steps=[], target_locales=["pt-BR", 3], nonsense=1, voice={"background_volume": 400})
    found = problem(api.post("translations", body), 400, 5)["errors"]
    assert {"source_language", "steps", "target_locales.1", "nonsense", "voice.background_volume"} <= found.keys()


def test_null_characters_are_refused_not_stored(api: Api) -> None:
    found = problem(api.post("translations", order(title="a\x00b")), 400, 5)["errors"]
    assert list(found) == ["title"]
    problem(api.get("jobs?search=%00"), 400, 5)


def test_request_id_is_kept_when_well_formed(api: Api) -> None:
    assert api.get("plan", X_Request_Id="abcdef123456")["X-Request-Id"] == "abcdef123456"
    assert api.get("plan", X_Request_Id="no good!")["X-Request-Id"] != "no good!"


def test_a_fault_of_ours_is_code_1000(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("apps.plans.selectors.subscription_for", broken)
    answer = api.get("plan")
    body = problem(answer, 500, 1000)
    assert "secret" not in answer.content.decode()
    assert body["request_id"]


def test_a_fault_on_the_hot_path_is_code_1000(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("apps.api.admission.submit", broken)
    problem(api.post("translations", order()), 500, 1000)


def test_messages_in_the_callers_language_have_the_same_code(api: Api) -> None:
    problem(api.get("jobs/job_0000000000000000", Accept_Language="ru"), 404, 4040)


def test_a_bad_host_is_a_problem_too(api: Api) -> None:
    problem(api.get("plan", Host="evil.example"), 400, 5)


def test_every_title_can_be_translated() -> None:
    titles = {row.title for row in errors.api_codes().values()} | {row.title for row in errors.job_codes().values()}
    assert set(TITLES) == titles


def test_a_body_that_breaks_off(api: Api) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("connection reset by peer")

    for path in ("translations", "estimates"):
        answer = api.client.generic(
            "POST",
            f"/api/v1/{path}",
            b"",
            CONTENT_TYPE="application/json",
            CONTENT_LENGTH="100",
            headers={"Authorization": f"Bearer {api.key}"},
            **{"wsgi.input": Broken()},
        )
        problem(answer, 400, 5)


def test_without_a_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object, **kwargs: object) -> None:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("apps.api.admission.submit", gone)
    answer = api.post("translations", order())
    problem(answer, 503, 5030)
    assert int(answer["Retry-After"]) > 0
