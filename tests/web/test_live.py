"""The job page follows a job by itself: the board changes without a reload while the real services work on it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from apps.jobs.models import Job
from apps.jobs.services import cancel_job
from tests.jobs.helpers import submitted, subtitles_order
from tests.web.conftest import OpenPage
from tests.web.world import World, furnish, run

pytestmark = pytest.mark.browser


def in_background(job: Job) -> threading.Thread:
    """A worker's work on the job, beside the browser."""

    def work() -> None:
        try:
            run(job)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def remember_changes(page: Page) -> None:
    """Notes every new headline of the board, and whether this document is still the one that was opened."""
    page.evaluate(
        """() => {
          window.stillHere = true;
          window.seen = [];
          const note = () => {
            const words = document.querySelector("[data-headline]")?.textContent;
            if (words && words !== window.seen.at(-1)) window.seen.push(words);
            const done = document.querySelector(".board-row")?.dataset.status === "completed";
            if (done) sessionStorage.setItem("seen", JSON.stringify(window.seen));
          };
          new MutationObserver(note).observe(document.querySelector("kg-live"), {subtree: true, childList: true, characterData: true, attributes: true});
          note();
        }"""
    )


def test_the_board_moves_while_the_job_runs(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    job = submitted(world.actor, subtitles_order(world.actor, tmp_path))
    page = open_page(world)
    page.goto(f"/jobs/{job.public_id}/")
    expect(page.locator("[data-headline]")).to_have_text("In line")
    expect(page.locator('[data-live-label="on"]')).to_be_visible()  # the stream is open, nothing is polled
    remember_changes(page)
    worker = in_background(job)
    expect(page.locator(".board-row")).to_have_attribute("data-status", "completed", timeout=30_000)
    worker.join()
    # Downloads and player come with the one reload at the end, at the same place of the page.
    expect(page.get_by_role("heading", name="Downloads")).to_be_visible()
    expect(page.locator("kg-player video").first).to_be_attached()
    seen = page.evaluate("JSON.parse(sessionStorage.getItem('seen'))")
    assert seen[0] == "In line" and seen[-1] == "Ready", seen
    assert len(seen) >= 4, f"too few changes were seen without a reload: {seen}"


def test_without_the_stream_the_page_polls(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    job = submitted(world.actor, subtitles_order(world.actor, tmp_path))
    page = open_page(world)
    page.route("**/live/**", lambda route: route.abort())
    page.goto(f"/jobs/{job.public_id}/")
    expect(page.locator('[data-live-label="poll"]')).to_be_visible()
    Job.objects.filter(pk=job.pk).update(stage="probe", lease_owner="elsewhere")
    expect(page.locator("[data-headline]")).to_have_text("Check", timeout=8_000)


def test_the_list_moves_too(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    job = submitted(world.actor, subtitles_order(world.actor, tmp_path))
    page = open_page(world)
    page.goto("/jobs/")
    row = page.locator(f'tr[data-key="{job.public_id}"]')
    expect(row).to_contain_text("In line")
    worker = in_background(job)
    expect(row).to_contain_text("Ready", timeout=30_000)
    worker.join()


def test_review_and_resume_in_the_browser(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    furnish(world, tmp_path)
    page = open_page(world)
    job = world.job("paused")
    page.goto(f"/jobs/{job.public_id}/")
    page.get_by_role("link", name="Review transcript").click()
    line = page.get_by_label("Translation at 0:00.2")
    expect(line).to_have_value("Bom dia a todos.")
    line.fill("Boa noite a todos.")
    page.get_by_role("button", name="Save and resume").click()
    page.wait_for_url(f"**/jobs/{job.public_id}/")
    expect(page.locator(".toast")).to_contain_text("The job goes on")
    job.refresh_from_db()
    assert (job.status, job.reviewed_revision) == ("processing", 2)
    assert job.translation is not None
    newest = job.translation.transcripts.first()
    assert newest is not None and newest.document["lines"][0]["target"] == "Boa noite a todos."


def test_cancel_in_the_browser(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    job = submitted(world.actor, subtitles_order(world.actor, tmp_path))
    page = open_page(world)
    page.goto(f"/jobs/{job.public_id}/")
    page.locator(".board-row").get_by_role("button", name="Cancel").click()
    expect(page.locator("[data-headline]")).to_have_text("Canceled")
    job.refresh_from_db()
    assert job.status == "canceled" and job.hold is not None and job.hold.status == "released"


def test_older_rows_and_filters_stay_while_the_list_is_live(open_page: OpenPage, world: World, tmp_path: Path) -> None:
    order = subtitles_order(world.actor, tmp_path)
    jobs = [submitted(world.actor, order) for _ in range(28)]
    page = open_page(world)
    page.goto("/jobs/")
    rows = page.locator("tr[data-href]")
    expect(rows).to_have_count(25)
    page.get_by_role("link", name="Show older").click()
    expect(rows).to_have_count(28)
    cancel_job(actor=world.actor, job=jobs[-1])
    expect(rows.first).to_contain_text("Canceled")
    expect(rows).to_have_count(28)
    page.get_by_text("Canceled", exact=True).first.click()
    expect(rows).to_have_count(1)
    assert "status=canceled" in page.url
    cancel_job(actor=world.actor, job=jobs[-2])
    expect(rows).to_have_count(2)
