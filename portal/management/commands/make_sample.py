"""manage.py make_sample FILE: makes the sample clip that the demo translates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Makes the sample clip: our own voice over our own pictures, a few seconds of English."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        from apps.engine.sample import make_sample
        from apps.projects.services.fetch import engine_settings

        file.parent.mkdir(parents=True, exist_ok=True)
        self.stdout.write(str(make_sample(file, engine_settings())))
