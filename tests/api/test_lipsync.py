"""The three lip-sync calls of seed 003: bodies field by field, their errors, admission, estimates, and the job afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.jobs.models import ConcurrencyCounter, Job, JobInput
from apps.jobs.services.estimating import estimate_order
from apps.plans.models import Hold, Plan, Wallet
from apps.plans.services import check_books
from apps.projects.models import Asset
from apps.providers.orders import LipsyncOrder, Source
from tests.api.conftest import Api, order, problem
from tests.engine.lipsync import graph
from tests.factories import make_key, owner_of
from tests.jobs.helpers import stored_asset

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model_dir")]

FACE, VOICE, CLIP = (
    "https://m.example.com/face.png",
    "https://m.example.com/voice.mp3",
    "https://m.example.com/clip.mp4",
)
FORMS: dict[str, dict[str, Any]] = {
    "lipsync-video": {"video": CLIP, "audio": VOICE},
    "lipsync-image": {"image": FACE, "audio": VOICE},
    "lipsync-image-multi": {"image": FACE, "left_audio": VOICE, "right_audio": VOICE},
}
SEED_JOB = ["id", "model", "status", "output", "error", "executionTime", "timings"]


def picture(organization: Organization, **fields: Any) -> Asset:
    given = {"kind": "image", "file_name": "face.png", "duration_ms": None, "probe": None}
    return stored_asset(organization, **(given | fields))


def sound(organization: Organization, seconds: float = 7.4, **fields: Any) -> Asset:
    probe = {"duration": seconds, "video": None, "audio": [{"channels": 1}]}
    given = {"file_name": "voice.mp3", "duration_ms": round(seconds * 1000), "probe": probe}
    return stored_asset(organization, **(given | fields))


def refused(api: Api, path: str, body: Any, status: int, code: int, **headers: str) -> dict[str, Any]:
    before = Job.objects.count(), Hold.objects.count(), Asset.objects.count()
    found = problem(api.post(path, body, **headers), status, code)
    assert (Job.objects.count(), Hold.objects.count(), Asset.objects.count()) == before
    assert check_books() == []
    return found


@pytest.mark.parametrize("model", FORMS)
def test_admitted_as_the_seed_prints_it(api: Api, organization: Organization, model: str) -> None:
    answer = api.post(model, {"formState": FORMS[model]})
    body = answer.json()
    assert (answer.status_code, list(body), body["status"]) == (200, ["id", "status"], "processing")
    assert answer["Location"] == f"/api/v1/jobs/{body['id']}"
    assert "RateLimit" in answer
    shown = api.get(f"jobs/{body['id']}").json()
    assert list(shown)[:7] == SEED_JOB
    assert [shown[name] for name in SEED_JOB] == [body["id"], model, "processing", None, "", None, None]
    assert (shown["translation"], shown["target_locale"], shown["stage"]) == (None, "", "queued")
    # 180 s are assumed until the file was measured; 480p costs 2 credits a second.
    assert shown["estimate"] == shown["held"] == "360.0"
    assert Wallet.objects.get(organization=organization, pool="api").held == 360_000
    assert Wallet.objects.get(organization=organization, pool="portal").held == 0
    job = Job.objects.get(public_id=body["id"])
    assert (job.model, job.service, job.translation_id) == (model, "lipsync", None)
    rows = {row.name: row.asset for row in JobInput.objects.filter(job=job).select_related("asset")}
    assert {name: asset.source_url for name, asset in rows.items()} == FORMS[model]
    assert {asset.status for asset in rows.values()} == {"remote"}
    assert all((asset.kind == "image") == (name == "image") for name, asset in rows.items())
    assert job.order["title"] == ("clip.mp4" if model == "lipsync-video" else "face.png")
    listed = api.get("jobs?model=" + model).json()["items"]
    assert [row["id"] for row in listed] == [job.public_id]
    assert [row["id"] for row in api.get("jobs?search=" + job.order["title"]).json()["items"]] == [job.public_id]
    assert api.get(f"jobs/{job.public_id}/events").json()["items"][0]["type"] == "job.created"
    assert api.get(f"jobs/{job.public_id}/artefacts").json() == {"items": []}


@pytest.mark.parametrize("lacks", ["faces", "model"])
def test_what_is_not_installed_is_refused_and_not_offered(api: Api, settings: Any, tmp_path: Path, lacks: str) -> None:
    without = {"model_dir": str(tmp_path)} if lacks == "faces" else {"lipsync_dir": str(tmp_path)}
    settings.ENGINE = settings.ENGINE | without
    for model, form in FORMS.items():
        for named in ({}, {"provider": "local"}):
            found = refused(api, model, {"formState": form} | named, 400, 5)
            assert found["errors"] == {"model": ["The built-in engine does not offer lip sync."]}
    refused(api, "estimates", {"model": "lipsync-video", "formState": FORMS["lipsync-video"]}, 400, 5)
    local = offered(api)
    assert (local["available"], local["capabilities"]["lipsync"]) == (True, {})
    assert "Lip sync is not set up here." in local["capabilities"]["remarks"]


def test_the_engine_says_who_makes_it(api: Api, settings: Any, tmp_path: Path) -> None:
    assert "Its lip sync is a preview; a prompt has no effect on it." in offered(api)["capabilities"]["remarks"]
    settings.ENGINE = settings.ENGINE | {"lipsync_dir": str(graph.directory(tmp_path))}
    remarks = offered(api)["capabilities"]["remarks"]
    assert "Its lip sync is made by Tiny; a prompt has no effect on it." in remarks
    assert not any("preview" in remark for remark in remarks)
    assert api.post("lipsync-video", {"formState": FORMS["lipsync-video"]}).status_code == 200


def offered(api: Api) -> dict[str, Any]:
    """The built-in engine as GET /providers shows it."""
    return next(row for row in api.get("providers").json()["items"] if row["name"] == "local")


@pytest.mark.parametrize(
    ("model", "form", "fields"),
    [
        ("lipsync-video", {"video": None}, {"formState.video"}),
        ("lipsync-video", {"image": FACE}, {"formState.image"}),
        ("lipsync-video", {"resolution": "1080p", "seed": "x", "audio": 5}, {"resolution", "seed", "audio"}),
        ("lipsync-video", {"video": "http://127.0.0.1/a.mp4", "audio": "ftp://a.example/x"}, {"video", "audio"}),
        (
            "lipsync-video",
            {"video": "http://169.254.169.254/latest", "mask_image": "http://10.0.0.1/m.png"},
            {"video", "mask_image"},
        ),
        ("lipsync-video", {"audio": ""}, {"audio"}),
        ("lipsync-video", {"audio": "ast_0000000000000000"}, {"audio"}),
        ("lipsync-image", {"order": "meanwhile"}, {"order"}),
        ("lipsync-image", {"seed": -2}, {"seed"}),
        ("lipsync-image", {"seed": 2**31}, {"seed"}),
        ("lipsync-image", {"seed": 1.5}, {"seed"}),
        ("lipsync-image", {"prompt": "x" * 2001}, {"prompt"}),
        ("lipsync-image", {"prompt": "a\x00b"}, {"prompt"}),
        ("lipsync-image-multi", {"order": "first"}, {"order"}),
        ("lipsync-image-multi", {"audio": VOICE}, {"audio"}),
        ("lipsync-image-multi", {"left_audio": {"url": VOICE}}, {"left_audio"}),
    ],
)
def test_5_each_wrong_field_by_the_name_it_was_sent_under(
    api: Api, model: str, form: dict[str, Any], fields: set[str]
) -> None:
    found = refused(api, model, {"formState": FORMS[model] | form}, 400, 5)
    assert set(found["errors"]) == {f"formState.{name.removeprefix('formState.')}" for name in fields}
    assert {part.partition(": ")[0] for part in found["detail"].split("; ")} <= set(found["errors"])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"formState"}),
        ([], {"body"}),
        ({"formState": {}}, {"formState.image", "formState.audio"}),
        ({"formState": FORMS["lipsync-image"], "callback": "x"}, {"callback"}),
        ({"formState": FORMS["lipsync-image"], "webhook": "http://hooks.example.com/x"}, {"webhook"}),
        ({"formState": FORMS["lipsync-image"], "webhook": "https://192.168.1.1/x"}, {"webhook"}),
        ({"formState": FORMS["lipsync-image"], "provider": "nobody"}, {"provider"}),
        ({"formState": FORMS["lipsync-image"], "project": "prj_0000000000000000"}, {"project"}),
    ],
)
def test_5_around_the_form(api: Api, body: Any, fields: set[str]) -> None:
    assert set(refused(api, "lipsync-image", body, 400, 5)["errors"]) == fields


def test_5_assets_that_do_not_fit(api: Api, organization: Organization) -> None:
    face, voice = picture(organization), sound(organization)
    clip, silent = stored_asset(organization), stored_asset(organization, probe={"video": {"width": 9}, "audio": []})
    broken = sound(organization, status="failed", error="cut off", error_code=10902)
    long, big = sound(organization, 5 * 3600), sound(organization, size=1 << 50)

    def reasons(model: str, **form: Asset) -> dict[str, str]:
        body = {"formState": {name: asset.public_id for name, asset in form.items()}}
        return {name: texts[0] for name, texts in refused(api, model, body, 400, 5)["errors"].items()}

    assert reasons("lipsync-image", image=clip, audio=face) == {
        "formState.image": "This is not a picture.",
        "formState.audio": "This is not a video or audio file.",
    }
    assert reasons("lipsync-video", video=voice, audio=silent) == {
        "formState.video": "This file has no picture.",
        "formState.audio": "This file has no sound.",
    }
    assert "cut off" in reasons("lipsync-image", image=face, audio=broken)["formState.audio"]
    assert "longer" in reasons("lipsync-image", image=face, audio=long)["formState.audio"]
    assert "larger" in reasons("lipsync-image", image=face, audio=big)["formState.audio"]
    Plan.objects.update(max_duration=10)
    body: dict[str, Any] = {"image": face.public_id, "left_audio": voice.public_id, "right_audio": voice.public_id}
    found = refused(api, "lipsync-image-multi", {"formState": body | {"order": "left_right"}}, 400, 5)
    assert set(found["errors"]) == {"formState.order"}
    assert api.post("lipsync-image-multi", {"formState": body | {"order": "meanwhile"}}).status_code == 200


def test_another_organizations_asset_does_not_exist(api: Api, stranger: Api, organization: Organization) -> None:
    body = {"formState": {"image": picture(organization).public_id, "audio": VOICE}}
    assert set(refused(stranger, "lipsync-image", body, 400, 5)["errors"]) == {"formState.image"}
    job = api.post("lipsync-image", body).json()["id"]
    problem(stranger.get(f"jobs/{job}"), 404, 4040)


@pytest.mark.parametrize(
    ("model", "resolution", "lengths", "turns", "price"),
    [
        ("lipsync-image", "480p", [7.4], "", "16.0"),  # 8 started seconds at 2
        ("lipsync-image", "720p", [7.4], "", "32.0"),
        ("lipsync-image", None, [1.2], "", "10.0"),  # at least 5 seconds
        ("lipsync-video", "720p", [7.4], "", "32.0"),
        ("lipsync-image-multi", "480p", [7.4, 9.0], "meanwhile", "18.0"),
        ("lipsync-image-multi", "480p", [7.4, 9.0], "left_right", "34.0"),
        ("lipsync-image-multi", "720p", [7.4, 9.0], "right_left", "68.0"),
        ("lipsync-image-multi", "480p", [7.4, None], "meanwhile", "360.0"),
        ("lipsync-image-multi", "480p", [7.4, None], "left_right", "376.0"),
    ],
)
def test_price(
    api: Api,
    organization: Organization,
    model: str,
    resolution: str | None,
    lengths: list[float | None],
    turns: str,
    price: str,
) -> None:
    voices = [sound(organization, length).public_id if length else VOICE for length in lengths]
    names = ["left_audio", "right_audio"] if len(voices) == 2 else ["audio"]
    face = stored_asset(organization).public_id if model == "lipsync-video" else picture(organization).public_id
    form: dict[str, Any] = {"video" if model == "lipsync-video" else "image": face} | dict(
        zip(names, voices, strict=True)
    )
    form |= {"resolution": resolution} | ({"order": turns} if turns else {})
    quoted = api.post("estimates", {"model": model, "formState": form})
    assert quoted.status_code == 200, quoted.content
    assert (quoted.json()["total"], quoted.json()["exact"]) == (price, None not in lengths)
    assert not Job.objects.exists()
    shown = api.get(f"jobs/{api.post(model, {'formState': form}).json()['id']}").json()
    assert shown["estimate"] == shown["held"] == price


def test_estimates_are_checked_as_orders(api: Api) -> None:
    found = problem(api.post("estimates", {"formState": {"image": FACE, "audio": "http://10.1.1.1/x"}}), 400, 5)
    assert set(found["errors"]) == {"formState.audio"}
    problem(api.post("estimates", {"model": "x", "formState": {}}), 400, 5)
    assert set(problem(api.post("estimates", {"formState": {"video": CLIP}}), 400, 5)["errors"]) == {"formState.audio"}
    quoted = api.post("estimates", {"formState": FORMS["lipsync-image-multi"]}).json()
    assert quoted["exact"] is False and quoted["total"] == "360.0" and quoted["lines"][0]["stage"] == "480p"


def test_keys_scopes_and_plan_come_first(api: Api, anonymous: Api, organization: Organization) -> None:
    body: dict[str, Any] = {"formState": {}}
    refused(anonymous, "lipsync-image", body, 401, 7)
    refused(Api(make_key(organization, ["jobs:read"])[1]), "lipsync-image", body, 403, 1503)
    Plan.objects.update(api_access=False)
    refused(api, "lipsync-image", body, 403, 1305)


def test_1304_counts_lip_sync_apart(api: Api, organization: Organization) -> None:
    Plan.objects.update(lipsync_concurrency=1, translate_concurrency=1)
    body = {"formState": FORMS["lipsync-image"]}
    assert api.post("translations", order()).status_code == 202
    job = api.post("lipsync-image", body).json()["id"]
    again = api.post("lipsync-image", body)
    assert problem(again, 429, 1304)["limit"] == 1 and again["Retry-After"]
    assert problem(api.post("translations", order()), 429, 1304)["limit"] == 1
    assert api.post(f"jobs/{job}/cancel").json()["status"] == "canceled"
    assert api.post("lipsync-image", body).status_code == 200
    counters = ConcurrencyCounter.objects.filter(organization=organization, api_key=None)
    assert dict(counters.values_list("service", "running")) == {"translate": 1, "lipsync": 1}


def test_104_and_nothing_else_happens(organization: Organization) -> None:
    Wallet.objects.filter(organization=organization, pool="api").update(available=359_000)
    api = Api(make_key(organization)[1])
    found = problem(api.post("lipsync-video", {"formState": FORMS["lipsync-video"]}), 402, 104)
    assert (found["needed"], found["available"], found["pool"]) == ("360.0", "359.0", "api")
    assert not Job.objects.exists() and not Asset.objects.exists()


def test_the_same_key_gets_the_same_job(api: Api) -> None:
    body = {"formState": FORMS["lipsync-image"]}
    first = api.post("lipsync-image", body, Idempotency_Key="a")
    again = api.post("lipsync-image", body, Idempotency_Key="a")
    assert (again.status_code, again.json(), again["Idempotency-Replayed"]) == (200, first.json(), "true")
    problem(
        api.post("lipsync-image", {"formState": FORMS["lipsync-image"] | {"seed": 1}}, Idempotency_Key="a"), 409, 4090
    )
    problem(api.post("lipsync-video", {"formState": FORMS["lipsync-video"]}, Idempotency_Key="a"), 409, 4090)
    assert Job.objects.count() == 1


def test_cancel_retry_and_resume(api: Api, organization: Organization) -> None:
    job = api.post("lipsync-image", {"formState": FORMS["lipsync-image"]}).json()["id"]
    problem(api.post(f"jobs/{job}/resume"), 409, 4090)
    problem(api.post(f"jobs/{job}/retry"), 409, 4090)
    shown = api.post(f"jobs/{job}/cancel").json()
    assert (shown["status"], shown["held"], shown["executionTime"], shown["timings"]) == ("canceled", "0.0", None, None)
    shown = api.post(f"jobs/{job}/retry").json()
    assert (shown["status"], shown["held"], shown["error"]) == ("processing", "360.0", "")
    assert Hold.objects.count() == 2 and check_books() == []


def test_seed_minus_one_is_none_and_empty_texts_are_absent(api: Api) -> None:
    form = FORMS["lipsync-image"] | {"seed": -1, "prompt": "", "mask_image": "", "resolution": None}
    job = Job.objects.get(public_id=api.post("lipsync-image", {"formState": form, "title": "Ana"}).json()["id"])
    assert (job.order["seed"], job.order["mask_image"], job.order["resolution"]) == (None, None, "480p")
    assert (job.order["title"], list(job.inputs.values_list("name", flat=True))) == ("Ana", ["image", "audio"])


def test_an_estimate_from_the_browser_is_paid_from_the_portal_wallet(organization: Organization) -> None:
    wanted = LipsyncOrder(model="lipsync-image", image=Source(url=FACE), audio=Source(url=VOICE), resolution="720p")
    found = estimate_order(actor=owner_of(organization), order=wanted)
    assert (found.pool, found.total, found.assumed) == ("portal", 720_000, True)
    assert found.max_total > found.total and [line.locale for line in found.lines] == [""]
