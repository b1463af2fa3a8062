"""The lip-sync studio and the pages of its jobs without a browser: who may order, what is asked for, what it costs, what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.test import Client

from apps.core.errors import JobError
from apps.jobs import services
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services.orders import lipsync_order
from apps.plans.models import Wallet
from apps.projects.models import Asset
from tests.factories import add_member, make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order
from tests.web.test_pages import browser_of, text_of
from tests.web.world import World, make_world
from tests.web.world_lipsync import THREE, asset_of, files, named, pretend_made, remember_faces, video_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model_dir")]


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    return browser_of(world.user)


@pytest.fixture
def given(world: World, tmp_path: Path) -> dict[str, Asset]:
    return files(world.actor, tmp_path)


def form(given: dict[str, Asset], model: str = "lipsync-image", **fields: Any) -> dict[str, Any]:
    """The form as a browser posts it: every place of the page, whatever the model needs of them."""
    body = {f"{name}_asset": asset.public_id for name, asset in given.items()}
    return {"model": model, "resolution": "480p", "region": "everywhere"} | body | fields


def first_part(world: World, given: dict[str, Asset], folder: Path) -> Job:
    job = submitted(world.actor, video_order(given))
    pretend_made(job, folder)
    return job


# Ordering


def test_an_order_holds_what_was_chosen(client: Client, given: dict[str, Asset]) -> None:
    chosen = {"faces": ["0.5,0.4,1.2", "0.1,0.4,1.2"], "seed": " 7 ", "prompt": "calm", "title": "Talk"}
    answer = client.post("/lipsync/", form(given, "lipsync-video", part="first", resolution="720p", **chosen))
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.public_id}/"
    order = lipsync_order(job)
    assert (order.model, order.first_seconds, order.resolution) == ("lipsync-video", 5, "720p")
    assert (order.seed, order.prompt, order.title) == (7, "calm", "Talk")
    assert [(pick.x, pick.at) for pick in order.faces] == [(0.5, 1.2), (0.1, 1.2)]
    assert order.image is None and order.audio is not None and job.estimate == 20_000


def test_two_voices_belong_to_the_faces_on_their_sides(client: Client, given: dict[str, Asset]) -> None:
    voices = {"left_audio_asset": given["audio"].public_id, "right_audio_asset": given["audio"].public_id}
    picks = {"faces": ["0.8,0.4,0", "0.2,0.4,0"], "order": "right_left", "part": "whole"}
    client.post("/lipsync/", form(given, "lipsync-image-multi", **voices, **picks))
    order = lipsync_order(Job.objects.get())
    assert [pick.x for pick in order.faces] == [0.2, 0.8] and order.order == "right_left"
    one = client.post("/lipsync/", form(given, "lipsync-image-multi", **voices, faces=["0.2,0.4,0"]))
    assert one.status_code == 422 and "Two voices need two faces" in beside(one, "faces")
    assert Job.objects.count() == 1


def test_a_link_is_an_order_too(client: Client, given: dict[str, Asset]) -> None:
    client.post(
        "/lipsync/", form(given, image_kind="link", image_url="https://media.example.com/face.png", part="whole")
    )
    order = lipsync_order(Job.objects.get())
    assert order.image is not None and order.image.url == "https://media.example.com/face.png"


def test_a_region_is_a_picture_of_its_own(client: Client, given: dict[str, Asset]) -> None:
    refused = client.post("/lipsync/", form(given, region="inside", part="whole"))
    assert refused.status_code == 422 and "The region was not sent" in beside(refused, "mask_image")
    client.post("/lipsync/", form(given, region="inside", mask_asset=given["image"].public_id, part="whole"))
    mask = lipsync_order(Job.objects.get()).mask_image
    assert mask is not None and mask.asset == given["image"].public_id


# Refusals


def beside(answer: Any, name: str) -> str:
    """What is said at a field's own place."""
    html = str(answer.content.decode())
    start = html.index(f'id="wrong-{name}"')
    return html[start : html.index("</div>", start)]


def test_what_is_missing_is_named(client: Client) -> None:
    words = text_of(client.get("/lipsync/"))
    assert "Choose a video and a sound." in words and "Make a face speak" in words
    answer = client.post("/lipsync/", {"model": "lipsync-image", "part": "whole"})
    assert answer.status_code == 422
    assert "still missing" in beside(answer, "image") and "still missing" in beside(answer, "audio")
    assert "Choose a picture and a sound." in text_of(answer) and text_of(answer).count("still missing") == 2
    assert Job.objects.count() == 0


def test_errors_stand_beside_their_fields(client: Client, given: dict[str, Asset]) -> None:
    wrong = form(given, audio_asset=given["image"].public_id, part="whole")
    for path, status in (("/lipsync/", 422), ("/lipsync/preview/", 200)):
        answer = client.post(path, wrong)
        assert answer.status_code == status
        assert "not a video or audio file" in beside(answer, "audio")
        assert "class" not in beside(answer, "image").split(">", 1)[1]
    address = {"image_kind": "link", "image_url": "http://127.0.0.1/face.png"}
    answer = client.post("/lipsync/", form(given, part="whole", seed="x", **address))
    assert 'class="error"' in beside(answer, "image") and "whole number" in beside(answer, "seed")
    assert Job.objects.count() == 0


def test_another_organizations_files_are_not_there(client: Client, given: dict[str, Asset], tmp_path: Path) -> None:
    theirs = files(owner_of(make_organization(credits=100)), tmp_path)
    answer = client.post("/lipsync/", form(given, image_asset=theirs["image"].public_id, part="whole"))
    assert answer.status_code == 422 and "no such object" in beside(answer, "image")
    assert "portrait.png" not in answer.content.decode()
    assert client.get(f"/lipsync/faces/?asset={theirs['image'].public_id}").status_code == 404
    assert client.get("/lipsync/faces/?asset=ast_0000000000000000").status_code == 404
    assert Job.objects.count() == 0


def test_who_may_not_order_cannot(world: World, given: dict[str, Asset], tmp_path: Path) -> None:
    job = first_part(world, given, tmp_path)
    user = add_member(world.organization, "viewer").user
    viewer = browser_of(user)
    assert viewer.get("/lipsync/").status_code == 403
    assert viewer.get(f"/lipsync/faces/?asset={given['image'].public_id}").status_code == 403
    page = viewer.get(f"/jobs/{job.public_id}/")
    assert page.status_code == 200 and "Render it all" not in text_of(page)
    for path in ("/lipsync/", "/lipsync/preview/", f"/jobs/{job.public_id}/render-whole/"):
        assert viewer.post(path, form(given, part="whole", price="99999999")).status_code == 302
    assert Job.objects.count() == 1


def test_too_few_credits_and_too_many_jobs_are_said(world: World, client: Client, given: dict[str, Asset]) -> None:
    wallet = Wallet.objects.filter(organization=world.organization, pool="portal")
    before = wallet.get().available
    wallet.update(available=23_000)
    rail = client.post("/lipsync/preview/", form(given)).content.decode()
    assert button(rail, "whole").endswith("disabled") and not button(rail, "first").endswith("disabled")
    answer = client.post("/lipsync/", form(given, part="whole"))
    assert answer.status_code == 422
    assert "This needs 24.0 credits and 23.0 are available." in text_of(answer)
    wallet.update(available=before)
    ConcurrencyCounter.objects.update_or_create(
        organization=world.organization, api_key=None, service="lipsync", defaults={"running": 10_000}
    )
    full = client.post("/lipsync/", form(given, part="whole"))
    assert "As many jobs as the plan allows" in text_of(full)
    assert Job.objects.count() == 0


# Prices


def button(html: str, part: str) -> str:
    """The opening tag of a button that spends."""
    start = html.index(f'name="part" value="{part}"')
    return html[html.rindex("<button", 0, start) : html.index(">", start)]


def test_both_prices_stand_on_the_buttons(client: Client, given: dict[str, Asset]) -> None:
    words = text_of(client.post("/lipsync/preview/", form(given)))
    assert "Render the first 5 seconds 10.0 credits" in words and "Render it all 24.0 credits" in words
    words = text_of(client.post("/lipsync/preview/", form(given, resolution="720p")))
    assert "Render the first 5 seconds 20.0 credits" in words and "Render it all 48.0 credits" in words
    voices = {"left_audio_asset": given["audio"].public_id, "right_audio_asset": given["audio"].public_id}
    for order, price in (("meanwhile", "24.0"), ("left_right", "48.0")):
        words = text_of(client.post("/lipsync/preview/", form(given, "lipsync-image-multi", order=order, **voices)))
        assert f"Render it all {price} credits" in words


def test_a_short_sound_has_no_first_part(world: World, client: Client, given: dict[str, Asset]) -> None:
    given["audio"].duration_ms = 4000
    given["audio"].save(update_fields=["duration_ms"])
    rail = client.post("/lipsync/preview/", form(given)).content.decode()
    assert 'value="first"' not in rail and "btn-primary" in button(rail, "whole")
    assert "All of it, 5 s" in rail


def test_the_price_is_known_before_the_file_is_measured(world: World, client: Client, tmp_path: Path) -> None:
    made = files(world.actor, tmp_path)
    made["audio"].duration_ms, made["audio"].probe = None, None
    made["audio"].save(update_fields=["duration_ms", "probe"])
    rail = text_of(client.post("/lipsync/preview/", form(made, audio_ms="12000")))
    assert "All of it, 12 s 24.0" in rail and "until then 360.0 credits are set aside" in rail
    unknown = text_of(client.post("/lipsync/preview/", form(made)))
    assert "The length is not known yet" in unknown


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e999", "x", "9" * 400, "²", "-"])
def test_numbers_that_are_none(client: Client, given: dict[str, Asset], number: str) -> None:
    names = ("seed", "audio_ms", "box_x", "box_width")
    body = form(given, "lipsync-video", faces=f"{number},{number},{number}") | dict.fromkeys(names, number)
    assert client.post("/lipsync/preview/", body).status_code == 200
    assert client.post("/lipsync/", body).status_code == 422


# Faces


def test_faces_are_offered_with_names_and_reasons(client: Client, given: dict[str, Asset]) -> None:
    asset = given["image"]
    look = f"/lipsync/faces/?asset={asset.public_id}&model="
    assert "Looking for faces" in text_of(client.get(look + "lipsync-image"))
    remember_faces(asset, *THREE)
    page = client.get(look + "lipsync-image")
    words = text_of(page)
    assert "Face 1 of 3, left" in words and "Face 2 of 3, middle Too small" in words
    assert "Face 3 of 3, right Seen from the side" in words
    html = page.content.decode()
    assert html.count('type="radio"') == 3 and html.count(" disabled") == 2 and html.count(" checked") == 1
    assert '<rect x="100" y="160" width="200" height="240"' in html
    assert "/files/" in html
    video = client.get(look + "lipsync-video&picked=0.2000,0.3500,0").content.decode()
    assert video.count('type="checkbox"') == 3 and video.count(" checked") == 1
    assert "Two faces that can speak are needed" in text_of(client.get(look + "lipsync-image-multi"))


# The page of a job, and the lists


def test_a_first_part_offers_the_whole(world: World, client: Client, given: dict[str, Asset], tmp_path: Path) -> None:
    job = first_part(world, given, tmp_path)
    words = text_of(client.get(f"/jobs/{job.public_id}/"))
    assert "Video and a sound 480p First 5 s 1 face chosen preview" in words
    assert "This is a preview: the built-in engine moves and paints mouths." in words
    assert "No face can be seen for 0.5 s (12 pictures)" in words
    assert "Something that the pages have no words for." in words
    assert "Render it all 24.0 credits" in words and "Lip-synced video" in words and "voice.wav" in words
    assert "interview.mp4" in words and "Dubbed" not in words
    path = f"/jobs/{job.public_id}/render-whole/"
    assert client.post(path, {"price": "23999"})["Location"] == f"/jobs/{job.public_id}/"
    assert Job.objects.count() == 1, "more than was shown orders nothing"
    answer = client.post(path, {"price": "24000"})
    whole = Job.objects.latest("pk")
    assert answer["Location"] == f"/jobs/{whole.public_id}/" and whole.pk != job.pk
    before, after = lipsync_order(job), lipsync_order(whole)
    assert after.first_seconds is None and (after.video, after.audio) == (before.video, before.audio)
    assert after.faces == before.faces
    assert "To the whole" in text_of(client.get(f"/jobs/{job.public_id}/"))
    again = client.post(path, {"price": "24000"})
    assert again["Location"] == answer["Location"] and Job.objects.count() == 2, "a second tab pays nothing"
    other = asset_of(world.actor, tmp_path / "voice.wav", length_ms=12_000)
    Job.objects.filter(pk=whole.pk).delete()
    submitted(world.actor, msgspec.structs.replace(after, audio=named(other)))
    words = text_of(client.get(f"/jobs/{job.public_id}/"))
    assert "Render it all 24.0 credits" in words, "another sound is another whole"
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "ru"
    assert "0,5 с лица не видно (кадров: 12)" in text_of(client.get(f"/jobs/{job.public_id}/"))


def test_only_what_the_preview_made_is_called_so(
    world: World, client: Client, given: dict[str, Asset], tmp_path: Path
) -> None:
    job = submitted(world.actor, video_order(given))
    pretend_made(job, tmp_path, preview=False)
    words = text_of(client.get(f"/jobs/{job.public_id}/"))
    assert "preview" not in words and "No face can be seen for 0.5 s" in words


def test_the_whole_is_made_of_first_parts_only(
    world: World, client: Client, given: dict[str, Asset], tmp_path: Path
) -> None:
    job = first_part(world, given, tmp_path)
    client.post(f"/jobs/{job.public_id}/render-whole/", {"price": "24000"})
    whole = Job.objects.latest("pk")
    other = submitted(world.actor, subtitles_order(world.actor, tmp_path))
    for one in (whole, other):
        assert client.post(f"/jobs/{one.public_id}/render-whole/", {"price": "99999"}).status_code == 404
    stranger = browser_of(owner_of(make_organization(credits=100)).user)
    assert stranger.post(f"/jobs/{job.public_id}/render-whole/", {"price": "99999"}).status_code == 404
    assert stranger.get(f"/lipsync/?from={job.public_id}").status_code == 404
    assert Job.objects.count() == 3


def test_what_was_of_a_link_is_not_fetched_twice(
    world: World, client: Client, given: dict[str, Asset], tmp_path: Path
) -> None:
    link = form(given, "lipsync-video", video_kind="link", video_url="https://m.example.com/talk.mp4", part="first")
    client.post("/lipsync/", link)
    job = Job.objects.get()
    came = job.inputs.get(name="video").asset
    stored = given["video"]
    Asset.objects.filter(pk=came.pk).update(
        status="stored", storage_key=stored.storage_key, content_type="video/mp4", duration_ms=2000, probe=stored.probe
    )
    pretend_made(job, tmp_path)
    client.post(f"/jobs/{job.public_id}/render-whole/", {"price": "24000"})
    source = lipsync_order(Job.objects.latest("pk")).video
    assert source is not None and source.asset == came.public_id


def test_a_failure_has_a_way_out(world: World, client: Client, given: dict[str, Asset]) -> None:
    client.post("/lipsync/", form(given, part="whole", title="Portrait", face="0.5,0.5,0", seed="3"))
    job = Job.objects.get()
    services.fail_job(job, JobError(10911, "image: no face was found in the picture"))
    page = client.get(f"/jobs/{job.public_id}/")
    words = text_of(page)
    assert "10911: No face found Picture: no face was found in the picture. Choose a picture or video" in words
    assert "Nothing was charged." in words and "Change and order again" in words
    again = client.get(f"/lipsync/?from={job.public_id}").content.decode()
    assert f'name="image_asset" value="{given["image"].public_id}"' in again and "portrait.png" in again
    assert 'value="0.5000,0.5000,0" data-was' in again and 'value="3"' in again and 'value="Portrait"' in again


def test_lists_show_lip_sync_jobs(world: World, client: Client, given: dict[str, Asset], tmp_path: Path) -> None:
    job = first_part(world, given, tmp_path)
    submitted(world.actor, subtitles_order(world.actor, tmp_path))
    latest = client.get("/lipsync/latest/").content.decode()
    assert latest.count("data-href") == 1 and job.public_id in latest and "First 5 s" in latest
    assert client.get("/jobs/?service=lipsync").content.count(b"data-href") == 1
    assert client.get("/jobs/?service=translate").content.count(b"data-href") == 1
    assert client.get("/jobs/?service=nonsense").content.count(b"data-href") == 2
    assert "480p, first 5 s" in text_of(client.get("/jobs/"))


def test_pages_cost_the_same_for_one_job_and_three(
    world: World, client: Client, given: dict[str, Asset], tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    submitted(world.actor, video_order(given))
    client.get("/lipsync/")
    for _ in range(2):
        with django_assert_max_num_queries(STUDIO_QUERIES):
            client.get("/lipsync/")
        with django_assert_max_num_queries(PREVIEW_QUERIES):
            client.post("/lipsync/preview/", form(given))
        for _ in range(2):
            submitted(world.actor, video_order(given))
    job = first_part(world, given, tmp_path)
    with django_assert_max_num_queries(JOB_QUERIES):
        client.get(f"/jobs/{job.public_id}/")


# session, user, memberships, role; plan, prices, accounts; jobs, artefacts, files; members, running, wallets
STUDIO_QUERIES = 15
PREVIEW_QUERIES = 14
JOB_QUERIES = 30


def test_the_built_in_engine_is_not_the_only_choice(client: Client) -> None:
    """Providers that can do lip sync are offered, those without an account switched off; translators are not."""
    page = client.get("/lipsync/").content.decode()
    assert 'value="lipsync-studio"' in page and "disabled" in page[page.index('value="lipsync-studio"') :][:60]
    assert 'value="volcengine' not in page


def test_a_sound_can_be_looked_at_again(world: World, client: Client, tmp_path: Path, given: dict[str, Asset]) -> None:
    """What came back with an error still shows and plays what was uploaded."""
    extra = asset_of(world.actor, tmp_path / "voice.wav", length_ms=12_000)
    page = client.post("/lipsync/", form(given, audio_asset=extra.public_id, seed="x")).content.decode()
    assert page.count('<audio class="upload-play" controls') == 3
    assert page.count('src="/files/') >= 2


def test_a_link_can_be_fetched_before_the_order(world: World, client: Client) -> None:
    answer = client.post("/lipsync/take/", {"place": "image", "url": "https://media.example.com/face%20one.png"})
    asset = Asset.objects.get()
    assert answer.json() == {"asset": asset.public_id, "name": asset.file_name or asset.source_url}
    assert (asset.kind, asset.status) == ("image", "remote")
    wrong = client.post("/lipsync/take/", {"place": "audio", "url": "http://127.0.0.1/x.wav"})
    assert wrong.status_code == 422 and wrong.json()["error"]
    viewer = browser_of(add_member(world.organization, "viewer").user)
    refused = viewer.post("/lipsync/take/", {"place": "audio", "url": "https://media.example.com/a.wav"})
    assert refused.status_code == 422 and "Your role does not allow this." in refused.json()["error"]
    assert Asset.objects.count() == 1
