"""Transcripts: every format, ETags, and edits that must not overwrite each other."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.engine import subtitles
from apps.projects.models import Transcript
from tests.api.conftest import Api, problem
from tests.api.rows import finished, ordered
from tests.factories import make_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(api: Api, organization: Organization) -> str:
    job = finished(api, organization)
    assert job.translation is not None
    return f"translations/{job.translation.public_id}/transcript"


def test_json(api: Api, path: str) -> None:
    answer = api.get(path)
    body = answer.json()
    assert (answer["ETag"], body["revision"], body["origin"]) == ('"1"', 1, "translated")
    assert body["document"]["lines"][0]["target"] == "Olá, ação."
    assert api.get(path, If_None_Match='"1"').status_code == 304
    problem(api.get(f"{path}?revision=9"), 404, 4040)


@pytest.mark.parametrize("form", ["srt", "vtt", "ass", "ttml"])
@pytest.mark.parametrize("side", ["target", "source", "bilingual"])
def test_subtitles(api: Api, path: str, form: str, side: str) -> None:
    answer = api.get(f"{path}?format={form}&side={side}")
    assert answer["Content-Type"] == subtitles.CONTENT_TYPES[form]
    assert f".{form}" in answer["Content-Disposition"]
    cues = subtitles.read(answer.content)
    assert len(cues) == 2
    assert ("Tchau." in cues[1].text) is (side != "source")
    assert ("Good bye." in cues[1].text) is (side != "target")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("text/vtt", "text/vtt"),
        ("application/x-subrip", "application/x-subrip"),
        ("application/ttml+xml, application/json;q=0.5", "application/ttml+xml"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
def test_accept(api: Api, path: str, accept: str, kind: str) -> None:
    assert api.get(path, Accept=accept)["Content-Type"].startswith(kind)


def test_what_nobody_can_write(api: Api, path: str) -> None:
    problem(api.get(path, Accept="image/png"), 406, 4060)
    assert "format" in problem(api.get(f"{path}?format=docx"), 400, 5)["errors"]


def test_before_there_is_one(api: Api) -> None:
    job = ordered(api)
    assert job.translation is not None
    problem(api.get(f"translations/{job.translation.public_id}/transcript"), 404, 4040)


def edited(api: Api, path: str, **line: Any) -> dict[str, Any]:
    body: dict[str, Any] = api.get(path).json()
    body["document"]["lines"][0].update(line)
    return body


class TestPut:
    def test_the_next_revision(self, api: Api, path: str) -> None:
        body = edited(api, path, target="Oi.")
        body["document"]["target_locale"] = "ja-JP"
        answer = api.put(path, body, If_Match='"1"')
        assert (answer.status_code, answer["ETag"]) == (200, '"2"')
        found = api.get(path).json()
        assert (found["revision"], found["origin"]) == (2, "edited")
        assert (found["document"]["lines"][0]["target"], found["document"]["target_locale"]) == ("Oi.", "pt-BR")
        assert api.get(f"{path}?revision=1").json()["document"]["lines"][0]["target"] == "Olá, ação."

    def test_a_lost_race_is_412_with_the_newest_revision(self, api: Api, path: str) -> None:
        body = edited(api, path, target="Oi.")
        assert api.put(path, body, If_Match='"1"').status_code == 200
        found = problem(api.put(path, edited(api, path, target="Alô."), If_Match='"1"'), 412, 4120)
        assert found["revision"] == 2
        assert Transcript.objects.count() == 2
        assert api.put(path, edited(api, path, target="Alô."), If_Match="*").status_code == 200

    def test_if_match_is_needed(self, api: Api, path: str) -> None:
        problem(api.put(path, edited(api, path)), 428, 4280)
        problem(api.put(path, edited(api, path), If_Match="yesterday"), 400, 5)

    @pytest.mark.parametrize(
        ("line", "field"),
        [
            ({"start": 5, "end": 1}, "lines.0"),
            ({"start": -1}, "lines.0"),
            ({"id": "l2"}, "lines"),
            ({"target": "x" * 6000}, "lines.0.target"),
            ({"target": 7}, "document"),
            ({"target": "a\x00"}, "document.lines.0.target"),
        ],
    )
    def test_lines_that_make_no_sense(self, api: Api, path: str, line: dict[str, Any], field: str) -> None:
        found = problem(api.put(path, edited(api, path, **line), If_Match='"1"'), 400, 5)["errors"]
        assert any(name.startswith(field) for name in found), found
        assert Transcript.objects.count() == 1

    def test_needs_the_scope(self, api: Api, path: str, organization: Organization) -> None:
        reader = Api(make_key(organization, ["jobs:read"])[1])
        problem(reader.put(path, edited(api, path), If_Match='"1"'), 403, 1503)
