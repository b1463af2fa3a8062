"""Requests recorded from Azure's own Python sample client, replayed against the portal: each answer is one that the client accepts."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from apps.jobs.models import Job
from tests.conftest import SHARED
from tests.dialects.azure.conftest import Azure, finish, judge

RECORDED = SHARED / "reference" / "recorded" / "azure_python_sample_client.json"
STATUSES = {"NotStarted", "Running", "Succeeded", "Failed", "Canceled"}


def recordings() -> list[dict[str, Any]]:
    """The runs that sent something; [] where the reference is absent."""
    if not RECORDED.is_file():
        return []
    found: list[dict[str, Any]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return [run for run in found if run["requests"]]


def replay(azure: Azure, recorded: dict[str, Any]) -> Any:
    """The same method, target, headers and body; only the key and the host are ours."""
    headers = {
        name: value for name, value in recorded["headers"] if name not in ("Host", "Content-Length", "Content-Type")
    }
    headers["Ocp-Apim-Subscription-Key"] = azure.key
    answer = Client(raise_request_exception=False).generic(
        recorded["method"], recorded["target"], recorded["body"], content_type="application/json", headers=headers
    )
    judge(recorded["method"], recorded["target"], answer)
    return answer


def client_reads(recorded: dict[str, Any], answer: Any) -> dict[str, Any]:
    """What the client does with an answer: statuses that it takes, headers and members that it cannot do without."""
    kind = urlsplit(recorded["target"]).path.split("/")[2]
    if recorded["method"] == "PUT":
        assert answer.status_code in (200, 201), answer.content
        assert answer["Operation-Location"].startswith("http://testserver/videotranslation/operations/")
    elif recorded["method"] == "DELETE":
        assert answer.status_code == 204
        return {}
    else:
        assert answer.status_code in (200, 404), answer.content
    if answer.status_code == 404:
        return {}
    body: dict[str, Any] = answer.json()
    if kind == "operations":
        assert body["id"] and body["status"] in STATUSES
    elif "value" in body:
        assert isinstance(body["value"], list)
    else:
        assert body["id"] and isinstance(body["input"], dict) and body["status"] in STATUSES
        assert body["createdDateTime"] and body["lastActionDateTime"]
    return body


@pytest.mark.parametrize("run", recordings() or [None], ids=lambda run: run["subcommand"] if run else "absent")
def test_replayed(azure: Azure, run: dict[str, Any] | None) -> None:
    """A run of the client, request by request; the work gets done where the client waits for it."""
    if run is None:
        pytest.skip(f"recorded requests not found at {RECORDED}")
    prepare(azure, run)
    waiting = [recorded for recorded in run["requests"] if "/operations/" in recorded["target"]]
    for recorded in run["requests"]:
        if recorded in waiting[-1:]:
            finish(Job.objects.latest("pk"))
        answer = replay(azure, recorded)
        body = client_reads(recorded, answer)
        theirs = recorded["mock_response"]
        assert answer.status_code == theirs["status"]
        if theirs["status"] < 400 and isinstance(theirs["body"], dict):
            compare(theirs["body"], body)
    if run["subcommand"].startswith("create_translation_and_iteration"):
        # "success" in the client's own words: the translation that it reads last has succeeded, and has a first iteration.
        assert body["status"] == "Succeeded"
        assert body["latestSucceededIteration"]["result"]["translatedVideoFileUrl"]


def prepare(azure: Azure, run: dict[str, Any]) -> None:
    """What was there at the vendor when the run was recorded."""
    first = run["requests"][0]
    path = urlsplit(first["target"]).path.removeprefix("/videotranslation")
    if first["mock_response"]["status"] >= 400 or first["method"] == "PUT" or path == "/translations":
        return
    name = path.split("/")[2]
    if "/iterations/" in path:
        azure.translate(name)
        assert azure.put(path, {"input": {}}).status_code == 201
    else:
        azure.ordered(name)
    finish(Job.objects.latest("pk"))


def compare(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Every member that the vendor answered is there, of the same type; values that do not depend on time are the same."""
    for name, value in theirs.items():
        if value is None or (name == "latestIteration" and "latestIteration" in ours):
            continue
        assert name in ours, name
        assert isinstance(ours[name], type(value)), name
        if name in ("id", "value"):
            assert ours[name] == value
        if name == "input":
            sent = {key: inner for key, inner in value.items() if key in ours["input"]}
            assert not value or set(sent) or ours["input"]
