"""manage.py draw_states: writes the table of states.py into docs/architecture.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.jobs.states import draw_table

BEGIN = "<!-- states: drawn by manage.py draw_states -->"
END = "<!-- /states -->"


class Command(BaseCommand):
    """A test fails while the document and the data differ."""

    help = "Draws the table of job states into docs/architecture.md."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "architecture.md"
        text = path.read_text(encoding="utf-8")
        before, begin, rest = text.partition(BEGIN)
        _old, end, after = rest.partition(END)
        if not begin or not end:
            raise CommandError(f"{path} lacks the lines {BEGIN} and {END}.")
        path.write_text(f"{before}{BEGIN}\n{draw_table()}{END}{after}", encoding="utf-8")
