"""Draws the tables of docs/webhooks.md from the code: event types and the schedule. `--check` only compares."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "webhooks.md"


def draw(page: str) -> str:
    """The page with its tables as they should be. Django must be set up."""
    from apps.webhooks.catalog import EVENT_TYPES
    from apps.webhooks.schedule import DELAYS, JITTER

    rows = ["| type | when | data |", "|---|---|---|"]
    for kind in EVENT_TYPES:
        data = "the job" if not kind.subject else ", ".join(f"`{name}`" for name in (kind.subject, *kind.fields))
        rows.append(f"| `{kind.name}` | {kind.meaning} | {data} |")
    total = sum(DELAYS)
    steps = ", ".join(_span(seconds) for seconds in DELAYS)
    schedule = (
        f"{len(DELAYS) + 1} attempts: at once, then after {steps}, each counted from the failure before and drawn from"
        f" {JITTER:.0%} around it; {_span(total)} in all. Then the message is given up."
    )
    page = _between(page, "events", "\n".join(rows))
    return _between(page, "schedule", schedule)


def _span(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds / 3600:.0f} h"


def _between(page: str, name: str, text: str) -> str:
    pattern = rf"(<!-- {name}: [^>]*-->\n).*?(<!-- /{name} -->)"
    return re.sub(pattern, lambda match: f"{match[1]}{text}\n{match[2]}", page, flags=re.DOTALL)


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is current."""
    import django

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    now = PAGE.read_text(encoding="utf-8")
    drawn = draw(now)
    if "--check" in arguments:
        return 0 if drawn == now else 1
    PAGE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
