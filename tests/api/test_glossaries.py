"""Glossaries over HTTP."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api, problem
from tests.api.test_jobs import count_queries

pytestmark = pytest.mark.django_db

NEW = {
    "name": "Names",
    "source_language": "en",
    "target_locale": "pt-BR",
    "terms": [{"source": "Kinoglot", "do_not_translate": True}],
}


def test_made_changed_and_archived(api: Api) -> None:
    made = api.post("glossaries", NEW)
    assert made.status_code == 201, made.content
    path = made["Location"]
    assert (made.json()["source_language"], made.json()["version"]) == ("en-US", 1)
    changed = api.put(f"{path}/terms", {"terms": [{"source": "dub", "target": "dublagem"}]}).json()
    assert (changed["version"], [term["source"] for term in changed["terms"]]) == (2, ["dub"])
    assert api.get("glossaries").json()["items"][0]["term_count"] == 1
    assert api.call("DELETE", path).status_code == 204
    assert api.get("glossaries").json()["items"] == []
    problem(api.put(f"{path}/terms", {"terms": []}), 410, 4100)


def test_wrong_fields(api: Api) -> None:
    found = problem(api.post("glossaries", {"name": "", "source_language": "xx", "terms": [{"source": 1}]}), 400, 5)[
        "errors"
    ]
    assert {"name", "terms.0.source"} <= found.keys()
    assert "source_language" in problem(api.post("glossaries", {**NEW, "source_language": "xx"}), 400, 5)["errors"]


def test_of_others(api: Api, stranger: Api) -> None:
    path = api.post("glossaries", NEW)["Location"]
    problem(stranger.get(path), 404, 4040)
    problem(stranger.put(f"{path}/terms", {"terms": []}), 404, 4040)
    problem(stranger.call("DELETE", path), 404, 4040)


def test_queries_do_not_grow_with_rows(api: Api) -> None:
    api.post("glossaries", NEW)
    assert count_queries(api, "glossaries") == 4
    api.post("glossaries", NEW)
    api.post("glossaries", NEW)
    assert count_queries(api, "glossaries") == 4


def test_pages(api: Api) -> None:
    for _ in range(3):
        api.post("glossaries", NEW)
    first = api.get("glossaries?limit=2").json()
    assert len(api.get(f"glossaries?limit=2&cursor={first['next_cursor']}").json()["items"]) == 1
