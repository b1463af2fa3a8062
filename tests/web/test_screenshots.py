"""Pictures of every page in light, dark, on a phone and right to left, for people to look at.

KINOGLOT_SCREENSHOTS=/tmp/shots .venv/bin/pytest tests/web/test_screenshots.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import OpenPage
from tests.web.pages import member_pages, open_pages
from tests.web.world import World

FOLDER = os.environ.get("KINOGLOT_SCREENSHOTS", "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not FOLDER, reason="set KINOGLOT_SCREENSHOTS to a folder to get pictures of every page"),
]
MODES: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    # No interface language of ours is written from right to left; English words in a mirrored layout show what would break.
    "rtl": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
}


@pytest.mark.parametrize("mode", MODES)
def test_pictures(open_page: OpenPage, full_world: World, mode: str) -> None:
    folder = Path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    for world, pages in ((None, open_pages()), (full_world, member_pages(full_world))):
        page = open_page(world, reduced_motion="reduce", **MODES[mode])
        if mode == "rtl":
            page.add_init_script(
                "addEventListener('DOMContentLoaded', () => { document.documentElement.dir = 'rtl'; })"
            )
        for name, path in pages.items():
            page.goto(path, wait_until="load")
            page.wait_for_timeout(250)
            page.screenshot(path=folder / f"{name}-{mode}.png", full_page=True)
