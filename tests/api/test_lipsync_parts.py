"""Our own fields of the lip-sync forms: whom an order names (`faces`), and a first part (`first_seconds`) with its price."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.jobs.models import Job
from apps.jobs.services.estimating import estimate_order
from apps.jobs.services.lipsync_order import normalize_lipsync
from apps.plans.models import Hold, Plan
from apps.projects.models import Asset
from apps.providers.orders import FacePick, LipsyncOrder, Source
from tests.api.conftest import Api, problem
from tests.api.test_lipsync import CLIP, FACE, FORMS, VOICE, picture, sound
from tests.factories import owner_of
from tests.jobs.helpers import stored_asset

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model_dir")]
LEFT, RIGHT = {"x": 0.25, "y": 0.4}, {"x": 0.75, "y": 0.4}


@pytest.mark.parametrize(
    ("model", "faces"),
    [
        ("lipsync-video", [LEFT | {"at": 3.5}, RIGHT]),
        ("lipsync-image", [LEFT]),
        ("lipsync-image-multi", [LEFT, RIGHT]),
        ("lipsync-image", []),
    ],
)
def test_an_order_keeps_whom_it_names(api: Api, model: str, faces: list[Any]) -> None:
    answer = api.post(model, {"formState": FORMS[model] | {"faces": faces, "first_seconds": 5}})
    assert answer.status_code == 200, answer.content
    job = Job.objects.get(public_id=answer.json()["id"])
    assert job.order["faces"] == [{"at": 0.0} | face for face in faces]
    assert job.order["first_seconds"] == 5


@pytest.mark.parametrize(
    ("model", "form", "fields"),
    [
        ("lipsync-image", {"faces": [LEFT, RIGHT]}, {"faces"}),
        ("lipsync-image", {"faces": [LEFT | {"at": 2}]}, {"faces.0.at"}),
        ("lipsync-image-multi", {"faces": [LEFT]}, {"faces"}),
        ("lipsync-image-multi", {"faces": [RIGHT, LEFT]}, {"faces"}),
        ("lipsync-image-multi", {"faces": [LEFT, LEFT]}, {"faces"}),
        ("lipsync-image-multi", {"faces": [LEFT, LEFT, RIGHT]}, {"faces"}),
        ("lipsync-video", {"faces": [LEFT] * 9}, {"faces"}),
        ("lipsync-video", {"faces": [{"x": 1.01, "y": 0.5}]}, {"faces.0.x"}),
        ("lipsync-video", {"faces": [LEFT, {"x": 0.2, "y": -0.1}]}, {"faces.1.y"}),
        ("lipsync-video", {"faces": [LEFT | {"at": -1}]}, {"faces.0.at"}),
        ("lipsync-video", {"faces": [LEFT | {"at": 90_000}]}, {"faces.0.at"}),
        ("lipsync-video", {"faces": [{"x": 0.2}]}, {"faces.0.y"}),
        ("lipsync-video", {"faces": [LEFT | {"name": "Ana"}]}, {"faces.0.name"}),
        ("lipsync-video", {"faces": LEFT}, {"faces"}),
        ("lipsync-video", {"first_seconds": 0}, {"first_seconds"}),
        ("lipsync-video", {"first_seconds": 61}, {"first_seconds"}),
        ("lipsync-video", {"first_seconds": 2.5}, {"first_seconds"}),
    ],
)
def test_5_names_the_field(api: Api, model: str, form: dict[str, Any], fields: set[str]) -> None:
    found = problem(api.post(model, {"formState": FORMS[model] | form}), 400, 5)
    assert set(found["errors"]) == {f"formState.{name}" for name in fields}
    assert not Job.objects.exists() and not Hold.objects.exists() and not Asset.objects.exists()


def test_orders_that_no_form_carried_are_held_to_the_same() -> None:
    wrong = LipsyncOrder(
        model="lipsync-video",
        video=Source(url=CLIP),
        audio=Source(url=VOICE),
        faces=[FacePick(x=2, y=0.5, at=-1), *[FacePick(x=0.5, y=0.5)] * 8],
        first_seconds=100,
    )
    assert set(normalize_lipsync(wrong)[1]) == {"faces", "faces.0.x", "faces.0.at", "first_seconds"}


@pytest.mark.parametrize(("field", "value"), [("faces", [LEFT]), ("first_seconds", 5)])
def test_who_cannot_do_it_says_so_by_name(api: Api, field: str, value: Any) -> None:
    body = {"formState": FORMS["lipsync-video"] | {field: value}, "provider": "lipsync-studio"}
    found = problem(api.post("lipsync-video", body), 400, 5)
    assert "lipsync.studio" in str(found["errors"]), found["errors"]


@pytest.mark.parametrize(
    ("model", "resolution", "lengths", "turns", "first", "price", "exact"),
    [
        ("lipsync-image", "480p", [27.4], "", 5, "10.0", True),
        ("lipsync-image", "480p", [27.4], "", 3, "10.0", True),  # at least 5 seconds
        ("lipsync-video", "720p", [27.4], "", 12, "48.0", True),
        ("lipsync-image", "480p", [7.4], "", 12, "16.0", True),  # the sound is shorter
        ("lipsync-image-multi", "480p", [7.4, 9.0], "left_right", 10, "20.0", True),
        ("lipsync-image-multi", "480p", [7.4, 9.0], "meanwhile", 8, "16.0", True),
        ("lipsync-image-multi", "480p", [7.4, None], "left_right", 10, "20.0", False),
        ("lipsync-image", "480p", [None], "", 10, "20.0", False),
    ],
)
def test_price_of_a_first_part(
    api: Api,
    organization: Organization,
    model: str,
    resolution: str,
    lengths: list[float | None],
    turns: str,
    first: int,
    price: str,
    exact: bool,
) -> None:
    voices = [sound(organization, length).public_id if length else VOICE for length in lengths]
    names = ["left_audio", "right_audio"] if len(voices) == 2 else ["audio"]
    face = stored_asset(organization).public_id if model == "lipsync-video" else picture(organization).public_id
    form: dict[str, Any] = {"video" if model == "lipsync-video" else "image": face} | dict(
        zip(names, voices, strict=True)
    )
    form |= {"resolution": resolution, "first_seconds": first} | ({"order": turns} if turns else {})
    quoted = api.post("estimates", {"model": model, "formState": form})
    assert quoted.status_code == 200, quoted.content
    assert (quoted.json()["total"], quoted.json()["exact"]) == (price, exact)
    job = api.post(model, {"formState": form}).json()["id"]
    shown = api.get(f"jobs/{job}").json()
    assert shown["estimate"] == shown["held"] == price
    assert api.post(f"jobs/{job}/cancel").status_code == 200
    assert api.post(f"jobs/{job}/retry").json()["held"] == price, "another attempt costs the same"


def test_the_whole_must_be_allowed_for_its_first_part_to_be_made(api: Api, organization: Organization) -> None:
    Plan.objects.update(max_duration=20)
    face, long = picture(organization).public_id, sound(organization, 15).public_id
    form = {"image": face, "left_audio": long, "right_audio": long, "order": "left_right", "first_seconds": 5}
    assert set(problem(api.post("lipsync-image-multi", {"formState": form}), 400, 5)["errors"]) == {"formState.order"}
    assert (
        api.post("lipsync-image-multi", {"formState": form | {"left_audio": VOICE, "right_audio": VOICE}}).status_code
        == 200
    )


def test_a_first_part_in_the_browser_is_priced_alike(organization: Organization) -> None:
    wanted = LipsyncOrder(model="lipsync-image", image=Source(url=FACE), audio=Source(url=VOICE), first_seconds=5)
    found = estimate_order(actor=owner_of(organization), order=wanted)
    assert (found.pool, found.total, found.assumed) == ("portal", 10_000, True)
