"""Rendering a finished translation again in the browser: what changed, the price, the new job, and what stands in the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from apps.jobs import services
from apps.jobs.models import Job
from apps.jobs.services.iterations import submit_iteration
from apps.plans.models import Wallet
from apps.plans.services import check_books
from tests.factories import add_member, make_user
from tests.jobs.helpers import submitted, subtitles_order
from tests.web.conftest import OpenPage
from tests.web.test_every_page import look
from tests.web.test_screenshots import MODES
from tests.web.world import World, document, make_world, pretend_completed

PICTURES = os.environ.get("KINOGLOT_SCREENSHOTS", "")


def dubbed(world: World, folder: Path) -> Job:
    """A finished dub whose files are put in place."""
    order = subtitles_order(
        world.actor, folder, target_locales=["de-DE"], steps=["subtitles", "voice"], title="Meet your city guide"
    )
    job = submitted(world.actor, order)
    pretend_completed(job, folder)
    return Job.objects.get(pk=job.pk)


def edit(world: World, job: Job, text: str = "Guten Morgen.") -> None:
    changed = document()
    changed.lines[0].target = text
    assert job.translation is not None
    newest = job.translation.transcripts.first()
    assert newest is not None
    services.edit_transcript(
        actor=world.actor, translation=job.translation, document=changed, expected_revision=newest.revision
    )


@pytest.mark.browser
def test_edit_see_the_price_and_render(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    job = dubbed(world, tmp_path)
    page = open_page(world)
    page.goto(f"/jobs/{job.public_id}/")
    expect(page.get_by_text("Nothing has changed since this was rendered.")).to_be_visible()
    page.get_by_role("link", name="Edit the transcript").click()
    page.get_by_label("Translation at 0:00.2").fill("Guten Morgen zusammen.")
    button = page.get_by_role("button", name="Render 1 changed line")
    expect(button).to_contain_text("0.167 credits")
    _pictures(page, "transcript-again")
    button.click()
    page.wait_for_url(lambda address: job.public_id not in address)
    made = Job.objects.get(base_job=job)
    assert made.public_id in page.url
    assert (made.iteration, made.estimate, made.status) == (2, 167, "processing")
    expect(page.locator("[data-headline]")).to_have_text("In line")
    versions = page.get_by_role("region", name="Iterations")
    expect(versions.get_by_role("listitem")).to_have_count(2)
    versions.get_by_role("link", name="Iteration 1").click()
    expect(page.get_by_role("link", name="Watch it")).to_have_attribute("href", f"/jobs/{made.public_id}/")
    assert check_books() == []


def _pictures(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.browser
def test_every_state_is_accessible_and_fits_a_phone(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    """In light, dark and at 320 px; with KINOGLOT_SCREENSHOTS also as pictures, on a phone and mirrored."""
    job = dubbed(world, tmp_path)
    edit(world, job)
    address = f"/jobs/{job.public_id}/"
    page = open_page(world, bypass_csp=True)
    for state in ("ready", "poor", "open"):
        if state == "poor":
            Wallet.objects.filter(organization=world.organization).update(available=100)
        if state == "open":
            Wallet.objects.filter(organization=world.organization).update(available=100_000)
            submit_iteration(actor=world.actor, translation=job.translation)  # type: ignore[arg-type]
        pages = {f"again-job-{state}": address, f"again-transcript-{state}": f"{address}transcript/"}
        if state != "ready" and not PICTURES:
            pages.pop(f"again-job-{state}")  # the same fragment as on the other page
        wrong = look(page, pages)
        assert not wrong, "\n".join(wrong)
        for mode in MODES if PICTURES else ():
            shot = open_page(world, reduced_motion="reduce", **MODES[mode])
            if mode == "rtl":
                shot.add_init_script(
                    "addEventListener('DOMContentLoaded', () => { document.documentElement.dir = 'rtl'; })"
                )
            for name, path in pages.items():
                shot.goto(path, wait_until="load")
                _pictures(shot, f"{name}-{mode}")


@pytest.fixture
def place(db: None, tmp_path: Path) -> tuple[World, Job]:
    world = make_world()
    return world, dubbed(world, tmp_path)


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_states_without_a_script(place: tuple[World, Job]) -> None:
    world, job = place
    client, address = client_of(world.user), f"/jobs/{job.public_id}/"
    assert "Nothing has changed" in client.get(address).content.decode()
    edit(world, job)
    html = client.get(address).content.decode()
    assert "Render 1 changed line" in html and 'value="167"' in html

    # The text is saved and rendered by one button; a price that was not shown is not charged.
    form = {"revision": "2", "line-l2": "Und jetzt die Karte.", "then": "render", "price": "167"}
    answer = client.post(f"{address}transcript/", form, follow=True)
    assert "The price has changed" in answer.content.decode()
    assert not Job.objects.filter(base_job=job).exists()
    html = client.post(f"{address}transcript/again/", form).content.decode()
    assert "Render 2 changed lines" in html and 'value="250"' in html

    Wallet.objects.filter(organization=world.organization).update(available=5)
    html = client.get(address).content.decode()
    assert "only 0.005 are available" in html and 'value="render"' not in html
    Wallet.objects.filter(organization=world.organization).update(available=400_000)
    answer = client.post(f"{address}render/", {"price": "250"})
    made = Job.objects.get(base_job=job)
    assert answer.headers["Location"] == f"/jobs/{made.public_id}/"
    page = client.get(f"/jobs/{made.public_id}/").content.decode()
    assert f"/translations/{made.translation.public_id}/iterations" in page  # type: ignore[union-attr]
    assert ">Transcribe<" not in page and ">Voice<" in page, "its board has the stages that it goes through"
    html = client.get(address).content.decode()
    assert "Watch it" in html and 'value="render"' not in html
    assert "textarea" not in client.get(f"{address}transcript/").content.decode()
    client.post(f"{address}render/", {"price": "250"})
    assert Job.objects.filter(base_job=job).count() == 1, "a second click orders nothing"


def test_who_may_only_edit_saves_and_orders_nothing(place: tuple[World, Job]) -> None:
    world, job = place
    reviewer = client_of(add_member(world.organization, "reviewer", make_user(name="Jun Sato")).user)
    address = f"/jobs/{job.public_id}/"
    form = {"revision": "1", "line-l1": "Guten Morgen.", "then": "stay"}
    assert reviewer.post(f"{address}transcript/", form).status_code == 302
    assert job.translation is not None and job.translation.transcripts.count() == 2
    assert 'value="render"' not in reviewer.get(address).content.decode()
    reviewer.post(f"{address}render/", {"price": "99999"})
    assert not Job.objects.filter(base_job=job).exists()
    stranger = client_of(make_world("Elsewhere").user)
    assert stranger.post(f"{address}render/").status_code == 404
    assert stranger.post(f"{address}transcript/again/").status_code == 404
