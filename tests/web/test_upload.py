"""Uploads in the browser: in pieces, with checksums, resumed after a cut and after a reload; then the job is ordered."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from apps.jobs.models import Job
from apps.projects import storage
from apps.projects.models import Asset, Upload
from apps.projects.services import probe_asset
from tests.jobs.helpers import make_clip
from tests.web.conftest import OpenPage
from tests.web.world import World

pytestmark = pytest.mark.browser
MB = 1024 * 1024
DONE = '[data-kind=media] [data-bar][aria-valuenow="100"]'


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A real clip of more than two pieces: padding after the media does no harm to mp4."""
    path = make_clip(tmp_path / "Führung durch die Altstadt.mp4")
    with path.open("ab") as file:
        padding = 9 * MB
        file.write(padding.to_bytes(4, "big") + b"free" + os.urandom(padding - 8))
    return path


def new_job(open_page: OpenPage, world: World) -> Page:
    page = open_page(world)
    page.goto("/jobs/new/")
    return page


def choose(page: Page, path: Path) -> None:
    page.set_input_files("[data-kind=media] [data-file]", path)


def same_bytes(asset: Asset, path: Path) -> bool:
    with storage.open_key(asset.storage_key) as stream:
        return hashlib.sha256(stream.read()).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_upload_and_order(open_page: OpenPage, world: World, clip: Path) -> None:
    page = new_job(open_page, world)
    patches: list[Request] = []
    page.on("request", lambda request: patches.append(request) if request.method == "PATCH" else None)
    choose(page, clip)
    page.locator(DONE).wait_for(state="attached")
    expect(page.locator("[data-kind=media] [data-name]")).to_have_text(clip.name)
    assert len(patches) == 3
    assert all(request.headers["upload-checksum"].startswith("sha256 ") for request in patches)
    asset = Asset.objects.get()
    assert asset.file_name == clip.name and same_bytes(asset, clip)
    page.get_by_label("Subtitles only").check()
    page.get_by_label("Spoken in it").select_option("en-US")
    page.get_by_label("Search languages").fill("english ")
    page.locator("label", has_text="English (United Kingdom)").locator("input").check()
    rail = page.locator("#rail")
    button = rail.get_by_role("button", name="Translate into 1 language")
    expect(button).to_contain_text("3.0 credits")  # one started minute of subtitles, by the browser's own reading
    expect(rail).to_contain_text("until then 9.0 credits are set aside")
    probe_asset(asset)  # what a worker does about now
    expect(rail).not_to_contain_text("set aside", timeout=8_000)
    expect(page.locator("#rail code").first).to_contain_text(asset.public_id)
    button.click()
    page.wait_for_url("**/jobs/job_*/")
    job = Job.objects.get()
    assert (job.target_locale, job.estimate) == ("en-GB", 3000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Führung durch die Altstadt")


def test_a_cut_connection_is_resumed(open_page: OpenPage, world: World, clip: Path) -> None:
    page = new_job(open_page, world)
    cuts: list[str] = []

    def cut_once(route: Route, request: Request) -> None:
        if request.method == "PATCH" and request.headers["upload-offset"] != "0" and not cuts:
            cuts.append(request.headers["upload-offset"])
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/v1/uploads/**", cut_once)
    choose(page, clip)
    expect(page.locator("[data-kind=media] [data-status]")).to_have_text(re.compile("Connection lost"))
    page.locator(DONE).wait_for(state="attached")
    assert cuts == [str(4 * MB)]
    assert Upload.objects.count() == 1, "the upload was continued, not begun again"
    assert same_bytes(Asset.objects.get(), clip)


def test_a_reload_is_resumed_with_the_same_file(open_page: OpenPage, world: World, clip: Path) -> None:
    page = new_job(open_page, world)
    page.route(
        "**/api/v1/uploads/**",
        lambda route, request: (
            route.abort() if request.headers.get("upload-offset") not in (None, "0") else route.continue_()
        ),
    )
    choose(page, clip)
    expect(page.locator("[data-kind=media] [data-status]")).to_have_text(re.compile("Connection lost"))
    page.unroute("**/api/v1/uploads/**")
    page.on("dialog", lambda dialog: dialog.accept())
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.headers["upload-offset"]) if request.method == "PATCH" else None
    )
    page.goto("/jobs/new/")
    choose(page, clip)
    page.locator(DONE).wait_for(state="attached")
    assert sent[0] == str(4 * MB), "it went on behind the piece that had arrived"
    assert Upload.objects.count() == 1
    assert same_bytes(Asset.objects.get(), clip)


def test_refusals_are_said_in_words(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    page = new_job(open_page, world)
    page.evaluate("document.querySelector('[data-kind=media]').dataset.max = '1000'")
    big = tmp_path / "big.mp4"
    big.write_bytes(os.urandom(5000))
    choose(page, big)
    expect(page.locator("[data-kind=media] [data-status]")).to_have_text("The file has 5 kB; your plan allows 1 kB.")
    page.get_by_role("button", name="Remove the file").first.click()
    expect(page.locator("[data-kind=media] [data-drop]")).to_be_visible()


def test_a_link_can_be_ordered_without_scripts(open_page: OpenPage, world: World) -> None:
    page = open_page(world, java_script_enabled=False)
    page.goto("/jobs/new/")
    page.locator("[name=source_kind][value=link]").check(force=True)
    page.get_by_label("Address of the file").fill("https://media.example.com/talk.mp4")
    page.get_by_label("Subtitles only").check()
    page.get_by_label("Spoken in it").select_option("en-US")
    page.locator("input[value=en-GB]").check()
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/jobs/job_*/")
    assert Job.objects.get().order["steps"] == ["subtitles"]


def test_the_price_follows_the_form(open_page: OpenPage, world: World) -> None:
    page = new_job(open_page, world)
    rail = page.locator("#rail")
    expect(rail).to_contain_text("Choose a language and the price appears here.")
    page.locator("[name=source_kind][value=link]").check(force=True)
    page.get_by_label("Address of the file").fill("https://media.example.com/talk.mp4")
    page.get_by_label("Subtitles only").check()
    page.get_by_label("Spoken in it").select_option("en-US")
    page.locator("label", has_text="English (United Kingdom)").locator("input").check()
    expect(rail).to_contain_text("The length is not known yet")
    expect(rail.get_by_role("button", name="Translate into 1 language")).to_be_enabled()
    page.locator("label", has_text="English (Canada)").locator("input").check()
    expect(rail.get_by_role("button", name="Translate into 2 languages")).to_contain_text("18.0 credits")
    expect(rail.locator("code").first).to_contain_text('"target_locales": ["en-CA", "en-GB"]')
    page.get_by_role("button", name="English (Canada)").click()
    expect(rail.get_by_role("button", name="Translate into 1 language")).to_contain_text("9.0 credits")
