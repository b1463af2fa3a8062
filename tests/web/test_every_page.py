"""Every page, in light and dark: no accessibility violation by axe, and no sideways scrolling on a 320 px screen."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.web.conftest import OpenPage
from tests.web.pages import member_pages, open_pages
from tests.web.world import World

pytestmark = pytest.mark.browser
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[str]:
    """What axe finds, in one line each."""
    found: dict[str, Any] = Axe().run(page, options=RULES).response
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()[:120]})"
        for rule in found["violations"]
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
        wrong += [f"{name} dark: {text}" for text in violations(page)]
        page.set_viewport_size({"width": 320, "height": 700})
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if over > 0:
            wrong.append(f"{name}: {over} px too wide at 320 px")
    return wrong


def test_pages_for_everybody(open_page: OpenPage, transactional_db: None) -> None:
    wrong = look(open_page(bypass_csp=True), open_pages())
    assert not wrong, "\n".join(wrong)


def test_pages_of_members(open_page: OpenPage, full_world: World) -> None:
    wrong = look(open_page(full_world, bypass_csp=True), member_pages(full_world))
    assert not wrong, "\n".join(wrong)


def test_pages_of_a_new_organization(open_page: OpenPage, world: World) -> None:
    wrong = look(open_page(world, bypass_csp=True), {"jobs-empty": "/jobs/", "keys-empty": "/keys/"})
    assert not wrong, "\n".join(wrong)
