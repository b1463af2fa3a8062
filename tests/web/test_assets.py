"""What lies under static/: icons that the pages use and no others, licences beside what is not ours, small modules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
PAGES = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("apps/web/**/*.py"), *ROOT.glob("static/js/*.js")]


def symbols() -> set[str]:
    return set(re.findall(r'<symbol id="([a-z0-9-]+)"', (STATIC / "icons" / "sprite.svg").read_text(encoding="utf-8")))


def test_every_icon_of_the_templates_is_in_the_sprite() -> None:
    used = {name for path in PAGES for name in re.findall(r'{% icon "([a-z0-9-]+)"', path.read_text(encoding="utf-8"))}
    assert used - symbols() == set()


def test_no_icon_is_carried_for_nothing() -> None:
    words = " ".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert [name for name in sorted(symbols()) if f'"{name}"' not in words and f"#{name}" not in words] == []


@pytest.mark.parametrize("path", [*STATIC.glob("css/*.css"), *STATIC.glob("js/*.js")], ids=lambda path: path.name)
def test_files_stay_small_and_say_what_they_are_for(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 300
    assert lines[0].startswith(("/*", "//"))


def test_nothing_comes_from_other_hosts() -> None:
    for path in [*ROOT.glob("templates/**/*.html"), *STATIC.glob("css/*.css"), *STATIC.glob("js/*.js")]:
        if "email" in path.parts or path.parts[-2] == "console":
            continue
        text = re.sub(r"http://www\.w3\.org/[^'\" ]+", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"""(src|href|url\(|from|import)\s*=?\s*\(?["']?https?://""", text), path


def test_fonts_and_icons_have_their_licences() -> None:
    assert len(list((STATIC / "fonts").glob("OFL-*.txt"))) == 4
    assert "ISC" in (STATIC / "icons" / "LICENSE-lucide.txt").read_text(encoding="utf-8")


def test_directions_are_logical() -> None:
    """left and right only where a thing stays left to right in every language: player, code, subtitle box."""
    physical = re.compile(r"\b(margin|padding|border)-(left|right)\b|text-align:\s*(left|right)|float:\s*(left|right)")
    found = [
        f"{path.name}: {line.strip()[:80]}"
        for path in STATIC.glob("css/*.css")
        for line in path.read_text(encoding="utf-8").splitlines()
        if physical.search(line)
    ]
    assert [line for line in found if ".code" not in line and ".pane" not in line] == []
