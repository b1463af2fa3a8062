"""GET /assets/{id}/faces: starts a look, tells what was found, and for whom; errors by number."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.accounts.models import Organization
from apps.projects import actors
from apps.projects.models import Asset
from apps.projects.services import create_asset_from_file
from tests.api.conftest import Api, problem
from tests.factories import make_key, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def clip(organization: Organization, shared_media: Path, model_dir: Path) -> Asset:
    path = shared_media / "oncamera/en-obama-2015-07-14-two-faces.mp4"
    return create_asset_from_file(actor=owner_of(organization), path=path, file_name="statement.mp4")


@pytest.mark.engine
def test_from_the_first_question_to_the_faces(api: Api, clip: Asset) -> None:
    url = f"assets/{clip.public_id}/faces"
    first = api.get(url)
    assert first.status_code == 200
    assert first.json() == {
        "status": "looking", "code": None, "reason": "", "width": 0, "height": 0, "at": 0.0, "faces": [], "picture_url": None,
    }  # fmt: skip
    actors.look_for_faces.fn(clip.public_id)
    found = api.get(f"{url}?resolution=720p").json()
    assert (found["status"], found["width"], found["height"]) == ("ready", 320, 240)
    assert [face["problem"] for face in found["faces"]] == [None, None]
    left, right = (face["x"] + face["width"] / 2 for face in found["faces"])
    assert 0.2 < left < 0.35 and 0.55 < right < 0.7
    assert found["picture_url"].startswith("http") and "statement.faces.jpg" in found["picture_url"]
    picture = api.client.get("/files/" + found["picture_url"].partition("/files/")[2])
    assert picture.status_code == 200 and b"".join(picture.streaming_content).startswith(b"\xff\xd8\xff")  # type: ignore[attr-defined]


def test_refusals(api: Api, anonymous: Api, stranger: Api, organization: Organization, clip: Asset) -> None:
    url = f"assets/{clip.public_id}/faces"
    problem(anonymous.get(url), 401, 7)
    problem(stranger.get(url), 404, 4040)
    problem(api.get("assets/ast_0000000000000000/faces"), 404, 4040)
    problem(Api(make_key(organization, ["assets:write"])[1]).get(url), 403, 1503)
    problem(api.post(url), 405, 4050)
    assert set(problem(api.get(f"{url}?resolution=8k"), 400, 5)["errors"]) == {"resolution"}
    assert set(problem(api.get(f"{url}?who=me"), 400, 5)["errors"]) == {"who"}
    clip.refresh_from_db()
    assert clip.faces is None, "whoever is refused starts nothing"


def test_a_file_that_failed_says_its_number(api: Api, clip: Asset) -> None:
    Asset.objects.filter(pk=clip.pk).update(status="failed", error_code=10902, error="cut off")
    found = api.get(f"assets/{clip.public_id}/faces").json()
    assert (found["status"], found["code"], found["reason"]) == ("failed", 10902, "cut off")
