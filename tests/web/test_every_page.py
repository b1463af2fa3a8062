"""Every page, in light and dark: no accessibility violation by axe, and no sideways scrolling on a 320 px screen."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPage
from tests.web.pages import member_pages, open_pages
from tests.web.world import World

pytestmark = pytest.mark.browser
# What is in order is not told in detail: describing it takes longer than finding it.
BRIEF = {"resultTypes": ["violations"]}
RULES = BRIEF | {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# The other colours change nothing but contrast.
COLOURS = BRIEF | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def violations(page: Page, rules: dict[str, Any] = RULES, within: str | None = None) -> list[str]:
    """What axe finds, in one line each; `within` a part of the page only."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    script = "async ([within, rules]) => (await axe.run(within ?? document, rules)).violations"
    found: list[dict[str, Any]] = page.evaluate(script, [within, rules])
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()[:120]})"
        for rule in found
        for node in rule["nodes"]
    ]


def look(page: Page, pages: dict[str, str]) -> list[str]:
    """Visits each page and returns everything that is wrong."""
    wrong = []
    for name, path in pages.items():
        page.set_viewport_size({"width": 1280, "height": 860})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        answer = page.goto(path)
        assert answer is not None
        if answer.status >= 500:
            wrong.append(f"{name}: HTTP {answer.status}")
            continue
        wrong += [f"{name} light: {text}" for text in violations(page)]
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        wrong += [f"{name} dark: {text}" for text in violations(page, COLOURS)]
        page.set_viewport_size({"width": 320, "height": 700})
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if over > 0:
            wrong.append(f"{name}: {over} px too wide at 320 px")
    return wrong


def test_pages_for_everybody(open_page: OpenPage, transactional_db: None) -> None:
    wrong = look(open_page(bypass_csp=True), open_pages())
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
def test_pages_of_members(open_page: OpenPage, full_world: World) -> None:
    wrong = look(open_page(full_world, bypass_csp=True), member_pages(full_world))
    assert not wrong, "\n".join(wrong)


def test_pages_of_a_new_organization(open_page: OpenPage, world: World) -> None:
    wrong = look(
        open_page(world, bypass_csp=True),
        {"jobs-empty": "/jobs/", "keys-empty": "/keys/", "providers-empty": "/settings/providers/"},
    )
    assert not wrong, "\n".join(wrong)


def test_what_opens_on_the_pages(open_page: OpenPage, full_world: World) -> None:
    """Menus, dialogs and folds while they are open, in light and dark; Escape closes them again."""
    page = open_page(full_world, bypass_csp=True)
    page.emulate_media(reduced_motion="reduce")
    wrong = []

    def check(name: str, within: str | None = None) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            rules = RULES if scheme == "light" else COLOURS
            wrong.extend(f"{name} {scheme}: {text}" for text in violations(page, rules, within))

    page.goto(f"/jobs/{full_world.jobs['completed']}/")
    page.locator(".shell > .side .switcher > summary").click()
    # What the open menu covers in part is no target meanwhile: the next click closes it.
    check("switcher", within=".shell > .side .switcher")
    page.keyboard.press("Escape")
    expect(page.locator(".shell > .side .switcher > .menu-panel")).to_be_hidden()
    page.locator("summary", has_text="Download Subtitles").click()
    check("download menu")
    page.goto("/keys/")
    page.get_by_role("button", name="Rotate Publishing pipeline").click()
    check("rotate dialog")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Revoke Publishing pipeline").click()
    check("revoke dialog")
    page.goto("/jobs/new/")
    for fold in page.locator("details.fold").all():
        fold.locator("summary").first.click()
    page.get_by_label("What is written in the picture").check()
    check("folds")
    if "lipsync-failed" in full_world.jobs:
        page.goto(f"/lipsync/?from={full_world.jobs['lipsync-failed']}")
        page.get_by_text("Only inside a region").click()
        page.locator("[name=left_audio_kind][value=link]").check(force=True)
        for fold in page.locator("details.fold").all():
            fold.locator("summary").first.click()
        check("faces, region, link")
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/jobs/")
    page.get_by_role("button", name="Menu").click()
    check("phone menu")
    page.locator("#phone-menu").get_by_role("link", name="Team").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Team")
    assert not wrong, "\n".join(wrong)
