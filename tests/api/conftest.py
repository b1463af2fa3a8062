"""Fixtures of the API tests: an organization with credits, its key, and a client that speaks JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from apps.accounts.models import Organization
from tests.factories import make_key, make_organization


class Api:
    """A program with a key. Answers are Django's; `.json()` reads them."""

    def __init__(self, key: str = "") -> None:
        # A fault must come out as our own answer, not as the test client's exception.
        self.client = Client(raise_request_exception=False)
        self.key = key

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request; a path without a leading slash is below /api/v1/. Header names use _ for -."""
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            extra.setdefault("Authorization", f"Bearer {self.key}")
        data = body if isinstance(body, bytes | str) else b"" if body is None else json.dumps(body)
        kind = extra.pop("Content-Type", "application/json")
        url = path if path.startswith("/") else f"/api/v1/{path}"
        return self.client.generic(method, url, data, content_type=kind, headers=extra)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("PUT", path, body, **headers)


def problem(response: HttpResponseBase, status: int, code: int) -> dict[str, Any]:
    """The answer is problem+json with this status and number; returns its body."""
    body = json.loads(response.content)  # type: ignore[attr-defined]
    assert (response.status_code, body.get("code")) == (status, code), body
    assert response["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail", "errors", "request_id"} <= body.keys()
    assert body["status"] == status
    assert body["request_id"] == response["X-Request-Id"]
    return dict(body)


# Subtitles that are translated already: an order that needs no weights of the engine.
ORDER: dict[str, Any] = {
    "source": {"url": "https://media.example.com/talk.mp4"},
    "source_language": "en",
    "target_locales": ["pt-BR"],
    "steps": ["subtitles"],
    "subtitle_source": "file",
    "subtitle": {"url": "https://media.example.com/talk.srt", "usage": "final_translated"},
}


def order(**changes: Any) -> dict[str, Any]:
    """A body of POST /translations that is admitted."""
    return {**ORDER, **changes}


@pytest.fixture
def api(organization: Organization) -> Api:
    """A program with a key of all scopes."""
    return Api(make_key(organization)[1])


@pytest.fixture
def stranger(db: None) -> Api:
    """A program of another organization."""
    return Api(make_key(make_organization(credits=10_000))[1])


@pytest.fixture
def anonymous(db: None) -> Api:
    """Nobody in particular."""
    return Api()


MakeApi = Callable[..., Api]
