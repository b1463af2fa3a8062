"""Probes, metrics, request ids and the access log, through HTTP."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from portal import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> None:
    health._last = None


def test_healthz_needs_nothing(client: Client) -> None:
    answer = client.get("/healthz", headers={"host": "10.1.2.3:8000"})  # a container runtime asks by an inside address
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert client.post("/healthz").status_code == 405


def test_readyz_tells_each_part(client: Client) -> None:
    body = client.get("/readyz").json()
    assert set(body["checks"]) == {"database", "broker", "storage", "engine"}
    assert all(body["checks"][name]["ok"] for name in ("database", "broker", "storage")), body
    assert body["status"] in {"ok", "degraded"}


def test_readyz_without_weights_is_degraded_not_down(client: Client, settings, tmp_path) -> None:
    settings.MODEL_DIR = tmp_path
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "weights" in answer.json()["checks"]["engine"]["note"]


def test_readyz_is_503_when_the_database_is_gone_and_says_no_secret(client: Client) -> None:
    from django.db import OperationalError, connection

    def down(execute, sql, params, many, context):
        raise OperationalError("connection to 10.0.0.5 as kinoglot with password hunter2 failed")

    with connection.execute_wrapper(down):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == {
        "ok": False,
        "note": "OperationalError",
        "ms": pytest.approx(0, abs=1000),
    }
    assert "hunter2" not in answer.content.decode()


def test_metrics_are_off_without_a_token_and_closed_without_the_right_one(client: Client, settings) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a-token-of-some-length"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 404


def test_metrics_count_requests_by_route_and_read_the_rows(client: Client, settings) -> None:
    settings.METRICS_TOKEN = "a-token-of-some-length"
    client.get("/no/such/page")
    text = client.get("/metrics", headers={"authorization": "Bearer a-token-of-some-length"}).content.decode()
    assert 'kinoglot_requests_total{method="GET",route="unmatched",status="404"}' in text
    assert "kinoglot_request_seconds_bucket" in text
    assert "kinoglot_wallet_mismatches 0.0" in text
    for name in ("kinoglot_jobs", "kinoglot_queue_messages", "kinoglot_stage_seconds_last_hour"):
        assert f"# TYPE {name} gauge" in text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abcd-1234_x.y", True),
        ("short", False),
        ("x" * 65, False),
        ("has space in it", False),
        ("evil\nheader-injection", False),
    ],
)
def test_request_id_is_taken_if_well_formed_else_made(client: Client, given: str, kept: bool) -> None:
    answer = client.get("/no/such/page", headers={"x-request-id": given})
    assert (answer["X-Request-Id"] == given) is kept
    assert len(answer["X-Request-Id"]) >= 8


def test_one_access_line_with_the_request_id(client: Client, settings, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="kinoglot.access"):
        client.get("/no/such/page?secret=1", headers={"x-request-id": "given-by-caller"})
        client.get("/healthz")
    lines = [record for record in caplog.records if record.name == "kinoglot.access"]
    assert len(lines) == 1
    said = lines[0].msg
    assert said["path"] == "/no/such/page"
    assert (said["status"], said["request_id"]) == (404, "given-by-caller")
    assert "secret" not in str(said)
