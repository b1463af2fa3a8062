"""The lip-sync studio in a real browser: files in, faces picked, a region drawn, the first part ordered, made and shown."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from apps.jobs.models import Job
from apps.jobs.services.orders import lipsync_order
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services import probe_asset
from apps.projects.services.faces import find_faces, look_for_faces
from apps.providers.orders import FacePick, LipsyncOrder
from tests.jobs.helpers import submitted
from tests.jobs.lipsync_help import run, wav
from tests.web.conftest import OpenPage
from tests.web.world import World
from tests.web.world_lipsync import asset_of, named

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("model_dir")]
PORTRAIT = "faces/astronaut-eileen-collins-nasa.png"


@pytest.fixture
def studio(open_page: OpenPage, world: World) -> Page:
    page = open_page(world)
    page.goto("/lipsync/")
    return page


def choose(page: Page, field: str, path: Path) -> Asset:
    """A file is uploaded into a place of the form."""
    page.set_input_files(f"[data-field={field}] [data-file]", path)
    page.locator(f"[data-field={field}] [name={field}_asset]:not([value=''])").wait_for(state="attached")
    expect(page.locator(f"[data-field={field}] [data-status]")).to_have_text(re.compile("Uploaded"))
    value = page.locator(f"[name={field}_asset]").input_value()
    return Asset.objects.get(public_id=value)


def look_as_a_worker(page: Page, picture: Asset) -> None:
    """What a worker does once the page has asked for the faces."""
    expect(page.locator("kg-faces")).to_contain_text("Looking for faces")
    find_faces(picture)


def two_faces(path: Path, portrait: Path) -> Path:
    """The portrait beside itself: two people, left and right."""
    one = cv2.imread(str(portrait))
    assert one is not None
    cv2.imwrite(str(path), np.hstack([one, one[:, ::-1]]))
    return path


def test_portrait_first_part_and_whole(studio: Page, world: World, shared_media: Path, tmp_path: Path) -> None:
    """The whole road: upload, faces, five seconds by the real engine, the result page, and all of it ordered from there."""
    page = studio
    page.locator("[data-switch=model]").get_by_text("Picture and a sound").click()
    picture = choose(page, "image", shared_media / PORTRAIT)
    look_as_a_worker(page, picture)
    face = page.get_by_label(re.compile("The only face"))
    expect(face).to_be_checked()
    expect(page.locator(".facemap [data-on]")).to_have_count(1)
    sound = choose(page, "audio", shared_media / "speech/en-jfk.flac")
    probe_asset(sound)
    rail = page.locator("#rail")
    expect(rail).to_contain_text("All of it, 11 s", timeout=10_000)
    expect(rail.get_by_role("button", name="Render it all")).to_contain_text("22.0 credits")
    page.get_by_role("button", name="Render the first 5 seconds").click()
    page.wait_for_url("**/jobs/job_*/")
    job = Job.objects.get()
    order = lipsync_order(job)
    assert (order.first_seconds, job.estimate, len(order.faces)) == (5, 10_000, 1)
    expect(page.get_by_role("heading", level=1)).to_contain_text("astronaut")
    assert run(job).status == "completed", job.error
    page.reload()
    expect(page.locator(".pane img")).to_be_visible()
    expect(page.locator("[data-pane=target] .tag")).to_have_text("Result, preview")
    expect(page.locator("[data-length]")).to_have_text(re.compile(r"^0:0(4\.9|5\.0)$"))
    page.get_by_role("button", name="Render it all").click()
    expect(page.locator(".facts")).to_contain_text("The whole")
    whole = Job.objects.latest("pk")
    assert lipsync_order(whole).first_seconds is None and lipsync_order(whole).faces == order.faces
    assert whole.estimate == 22_000


def test_two_faces_by_keyboard_and_a_region(studio: Page, world: World, shared_media: Path, tmp_path: Path) -> None:
    page = studio
    page.locator("[data-switch=model]").get_by_text("Picture and a sound").click()
    path = two_faces(tmp_path / "two.png", shared_media / PORTRAIT)
    look_as_a_worker(page, choose(page, "image", path))
    left, right = page.get_by_label("Face 1 of 2, left"), page.get_by_label("Face 2 of 2, right")
    expect(left.or_(right).first).to_be_visible()
    left.focus()
    left.check()
    page.keyboard.press("ArrowDown")
    expect(right).to_be_checked()
    page.locator(".facemap [data-face]").first.locator("rect").click()
    expect(left).to_be_checked()
    choose(page, "audio", wav(tmp_path / "voice.wav", 2.0))
    page.get_by_text("Only inside a region").click()
    page.get_by_text("Rectangle").click()
    frame = page.get_by_role("group", name=re.compile("Region that may change"))
    frame.focus()
    for name, value in (("Left", "0"), ("Top", "0"), ("Width", "0.49"), ("Height", "1")):
        page.get_by_label(name, exact=True).fill(value)
    frame.press("ArrowRight")
    expect(page.get_by_label("Left", exact=True)).to_have_value("0.010")
    page.get_by_role("button", name="Render it all").click()
    page.wait_for_url("**/jobs/job_*/")
    order = lipsync_order(Job.objects.get())
    assert order.mask_image is not None and order.first_seconds is None and order.faces[0].x < 0.5
    mask = Asset.objects.get(public_id=order.mask_image.asset)
    with storage.open_key(mask.storage_key) as stream:
        drawn = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert drawn is not None and drawn.shape == (512, 1024)
    assert drawn[250, 100] == 255 and drawn[250, 600] == 0 and drawn[250, 2] == 0
    expect(page.locator(".facts")).to_contain_text("Only inside a region")


def test_wrong_files_are_told_of_beside_their_place(studio: Page, tmp_path: Path) -> None:
    page = studio
    text = tmp_path / "notes.txt"
    text.write_text("no sound at all", encoding="utf-8")
    page.set_input_files("[data-field=audio] [data-file]", text)
    expect(page.locator("[data-field=audio] [data-status]")).to_have_text("This is not a sound file.")
    page.locator("[data-switch=model]").get_by_text("Picture and a sound").click()
    sound = wav(tmp_path / "voice.wav", 1.0).rename(tmp_path / "voice")  # no name, so no type: the server looks
    page.set_input_files("[data-field=image] [data-file]", sound)
    expect(page.locator("[data-field=image] [data-status]")).to_contain_text("not a PNG, JPEG or WebP picture")


def test_by_link_without_scripts(open_page: OpenPage, world: World) -> None:
    page = open_page(world, java_script_enabled=False)
    page.goto("/lipsync/")
    for name, address in (
        ("video", "https://media.example.com/talk.mp4"),
        ("audio", "https://media.example.com/a.mp3"),
    ):
        page.locator(f"[name={name}_kind][value=link]").check(force=True)
        page.locator(f"#{name}_url").fill(address)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/jobs/job_*/")
    assert lipsync_order(Job.objects.get()).first_seconds is None


def test_an_earlier_order_is_filled_in_with_its_faces_and_region(
    open_page: OpenPage, world: World, shared_media: Path, tmp_path: Path
) -> None:
    """What was chosen stays chosen; another face moves a region that nobody has drawn by hand."""
    picture = asset_of(world.actor, two_faces(tmp_path / "two.png", shared_media / PORTRAIT))
    sound = asset_of(world.actor, wav(tmp_path / "voice.wav", 2.0), length_ms=2000)
    look_for_faces(actor=world.actor, asset=picture)
    find_faces(picture)
    left, right = look_for_faces(actor=world.actor, asset=picture).faces
    order = LipsyncOrder(
        model="lipsync-image",
        image=named(picture),
        audio=named(sound),
        mask_image=named(picture),
        faces=[FacePick(x=right.x + right.width / 2, y=right.y + right.height / 2)],
    )
    before = submitted(world.actor, order)
    page = open_page(world)
    page.goto(f"/lipsync/?from={before.public_id}")
    expect(page.get_by_label("Face 2 of 2, right")).to_be_checked()
    expect(page.get_by_text("The region of the earlier order is used")).to_be_visible()
    frame = page.locator("[data-frame]")
    expect(frame).to_be_hidden()
    page.get_by_role("button", name="Render it all").click()
    page.wait_for_url("**/jobs/job_*/")
    again = lipsync_order(Job.objects.latest("pk"))
    assert again.mask_image == order.mask_image and abs(again.faces[0].x - order.faces[0].x) < 0.001
    page.goto(f"/lipsync/?from={before.public_id}")
    page.get_by_text("Rectangle").click()
    expect(frame).to_be_visible()
    assert page.locator("[name=mask_asset]").input_value() == ""
    page.goto("/lipsync/")
    page.locator("[data-switch=model]").get_by_text("Picture and a sound").click()
    look_as_a_worker(page, choose(page, "image", tmp_path / "two.png"))
    page.get_by_label("Face 1 of 2, left").check()
    page.get_by_text("Only inside a region").click()
    start = page.get_by_label("Left", exact=True)
    assert float(start.input_value()) < left.x < 0.5
    page.get_by_label("Face 2 of 2, right").check()
    expect(start).not_to_have_value(f"{left.x:.3f}")
    assert 0.5 < float(start.input_value()) < right.x


def test_a_link_is_fetched_before_the_order(studio: Page, world: World) -> None:
    page = studio
    page.locator("[name=audio_kind][value=link]").check(force=True)
    page.locator("#audio_url").fill("http://127.0.0.1/voice.wav")
    page.locator("[data-take=audio]").click()
    expect(page.locator("#wrong-audio")).not_to_be_empty()
    page.locator("#audio_url").fill("https://media.example.com/voice.wav")
    page.locator("[data-take=audio]").click()
    expect(page.locator("[data-field=audio] [data-name]")).to_contain_text("voice.wav")
    expect(page.locator("[data-field=audio] [data-status]")).to_have_text("By link, fetched by us")
    asset = Asset.objects.get()
    expect(page.locator("#rail code").first).to_contain_text(asset.public_id)
    page.locator("[data-field=audio]").get_by_role("button", name="Remove the file").click()
    expect(page.locator("[data-field=audio] [data-drop]")).to_be_visible()
