"""The player: it plays the signed files, seeks by Range, shows captions, and keeps the two pictures in step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.jobs.helpers import submitted, subtitles_order
from tests.web.conftest import OpenPage
from tests.web.world import World, add_sound, run

pytestmark = pytest.mark.browser


@pytest.fixture
def player(open_page: OpenPage, world: World, tmp_path: Path) -> Page:
    """The page of a finished job."""
    job = run(submitted(world.actor, subtitles_order(world.actor, tmp_path)))
    assert job.status == "completed", job.error
    add_sound(job, tmp_path)
    page = open_page(world)
    page.goto(f"/jobs/{job.public_id}/")
    expect(page.locator("[data-length]")).to_have_text(re.compile(r"^0:0[23]\.\d$"))
    return page


def times(page: Page) -> list[float]:
    found: list[float] = page.evaluate(
        "[...document.querySelectorAll('kg-player video')].map((video) => video.currentTime)"
    )
    return found


def test_it_seeks_and_the_two_pictures_stay_together(player: Page) -> None:
    asked: list[Request] = []
    player.on("request", lambda request: asked.append(request))
    slider = player.get_by_label("Position")
    slider.focus()
    slider.evaluate("(input) => { input.value = 500; input.dispatchEvent(new Event('input', {bubbles: true})); }")
    expect(player.locator("[data-time]")).to_have_text(re.compile(r"^0:01\.[45]$"))
    left, right = times(player)
    assert abs(left - right) < 0.05 and 1.3 < right < 1.7
    ready = (
        "[...document.querySelectorAll('kg-player video')].every((video) => !video.seeking && video.readyState >= 2)"
    )
    assert player.evaluate(
        f"new Promise((done) => {{ const look = () => ({ready}) ? done(true) : setTimeout(look, 50); look(); }})"
    )


def test_files_are_served_in_ranges(player: Page) -> None:
    source = player.locator("kg-player [data-pane=target] video").get_attribute("src")
    assert source is not None and source.startswith("/files/")
    answer = player.request.get(source, headers={"Range": "bytes=100-199"})
    assert (answer.status, len(answer.body())) == (206, 100)
    assert answer.headers["content-range"].startswith("bytes 100-199/")


def test_it_plays_with_captions(player: Page) -> None:
    player.keyboard.press(" ")
    caption = player.locator("[data-pane=target] .caption")
    expect(caption).to_have_text("Bom dia a todos.")
    assert caption.locator("span").get_attribute("dir") == "auto"
    expect(caption).to_have_text("Vamos começar.", timeout=6_000)
    left, right = times(player)
    assert abs(left - right) < 0.4
    player.keyboard.press("Home")
    assert max(times(player)) < 1.0


def test_views_captions_speed(player: Page) -> None:
    player.get_by_role("button", name="Original", exact=True).click()
    expect(player.locator("[data-pane=target]")).to_be_hidden()
    expect(player.locator("[data-pane=source]")).to_be_visible()
    player.get_by_role("button", name="Side by side").click()
    expect(player.locator("[data-pane=target]")).to_be_visible()
    player.get_by_role("button", name="Speed 1×").click()
    assert player.evaluate("document.querySelector('[data-pane=target] video').playbackRate") == 1.25
    player.get_by_label("Subtitles").select_option("")
    player.evaluate("document.querySelector('kg-player').seek(0.5)")
    expect(player.locator("[data-pane=target] .caption")).to_be_empty()


def test_the_waveform_is_drawn_from_the_sound(player: Page) -> None:
    url = player.locator("kg-player").get_attribute("data-peaks")
    assert url is not None
    peaks = player.request.get(url).json()["peaks"]
    assert len(peaks) == 600 and max(peaks) == 1.0
    assert peaks[50] < peaks[250] and peaks[500] < peaks[250]
    colours = player.evaluate(
        """() => { const canvas = document.querySelector(".seek canvas");
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          const found = new Set(); for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 250) found.add([data[at], data[at + 1], data[at + 2]].join());
          return [...found]; }"""
    )
    assert "43,63,208" in colours, "the playhead is in the accent colour"
    assert "203,197,183" in colours, "what is not played yet is in line-2"
