"""POST /translations/{id}/iterations, its estimate and its list, as a program calls them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.jobs.models import Job
from apps.plans.services import check_books
from tests.api.conftest import Api, problem
from tests.api.rows import document, finished

pytestmark = pytest.mark.django_db
VOICE = {"steps": ["subtitles", "voice"]}


@pytest.fixture
def path(api: Api, organization: Organization) -> str:
    """Address of a dubbed and finished translation, with one line edited since (revision 2)."""
    job = finished(api, organization, **VOICE)
    assert job.translation is not None
    place = f"translations/{job.translation.public_id}"
    edited = document()
    edited.lines[1].target = "Até logo."
    body: dict[str, Any] = {
        "document": {"lines": [], "speakers": [], "source_language": "", "target_locale": "", "duration": 1}
    }
    body["document"] |= {"lines": [_line(line) for line in edited.lines], "speakers": [{"id": "s1", "label": "S"}]}
    assert api.put(f"{place}/transcript", body, If_Match='"1"').status_code == 200
    return f"{place}/iterations"


def _line(line: Any) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("id", "start", "end", "source", "target", "speaker")}


def test_estimate_order_and_list(api: Api, organization: Organization, path: str) -> None:
    found = api.post(f"{path}/estimate", {}).json()
    assert (found["base_revision"], found["revision"], found["changed_lines"]) == (1, 2, ["l2"])
    assert (found["changed_seconds"], found["unchanged"], found["options"]) == (1.5, False, [])
    assert found["lines"] == [
        {"locale": "pt-BR", "stage": "voice", "unit": "second", "quantity": 2, "credits": found["total"]}
    ]
    assert found["wallet"]["sufficient"] and found["total"] == "0.167"
    assert Job.objects.count() == 1, "an estimate orders nothing"

    answer = api.post(path, {"revision": 2, "subtitle_style": {"font_size": 44}}, Idempotency_Key="again-1")
    assert answer.status_code == 202, answer.content
    job = answer.json()
    assert (job["iteration"], job["status"], job["held"], job["provider"]) == (2, "processing", "0.167", "local")
    repeated = api.post(path, {"revision": 2, "subtitle_style": {"font_size": 44}}, Idempotency_Key="again-1")
    assert (repeated.status_code, repeated.json()["id"]) == (202, job["id"])
    problem(api.post(path, {"revision": 1}, Idempotency_Key="again-1"), 409, 4090)
    problem(api.post(path, {}), 409, 4090)

    page = api.get(f"{path}?limit=1").json()
    assert [one["iteration"] for one in page["items"]] == [2]
    rest = api.get(f"{path}?limit=1&cursor={page['next_cursor']}").json()
    assert ([one["iteration"] for one in rest["items"]], rest["next_cursor"]) == ([1], None)
    assert api.post(f"jobs/{job['id']}/cancel").status_code == 200
    assert check_books() == []


def test_nothing_changed_and_another_look_cost_nothing(api: Api, path: str) -> None:
    found = api.post(f"{path}/estimate", {"revision": 1}).json()
    assert (found["unchanged"], found["total"], found["lines"]) == (True, "0.0", [])
    found = api.post(f"{path}/estimate", {"revision": 1, "subtitle_style": {"burn_in": True}}).json()
    assert (found["unchanged"], found["total"], found["options"]) == (False, "0.0", ["subtitle_style"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"revision": 9}, "revision"),
        ({"revision": "2"}, "revision"),
        ({"steps": ["subtitles"]}, "steps"),
        ({"speaker_count": {"min": 2, "max": 3}}, "speaker_count"),
        ({"review_after": "recognize"}, "review_after"),
        ({"voice": {"background_volume": 101}}, "voice.background_volume"),
        ({"callback_url": "https://10.0.0.1/hook"}, "callback_url"),
    ],
)
def test_wrong_fields_are_named(api: Api, path: str, body: Any, field: str) -> None:
    found = problem(api.post(path, body), 400, 5)
    assert list(found["errors"]) == [field]
    assert Job.objects.count() == 1


def test_of_others_and_of_none(api: Api, stranger: Api, anonymous: Api, path: str) -> None:
    for method, place in (("GET", path), ("POST", path), ("POST", f"{path}/estimate")):
        problem(stranger.call(method, place, {} if method == "POST" else None), 404, 4040)
        problem(anonymous.call(method, place, {} if method == "POST" else None), 401, 7)
    other = finished(
        api,
        Organization.objects.filter(jobs__isnull=False).distinct().get(),
        source={"url": "https://media.example.com/b.mp4"},
    )
    assert other.translation is not None
    other.translation.transcripts.all().delete()
    problem(api.post(f"translations/{other.translation.public_id}/iterations", {}), 409, 4090)
