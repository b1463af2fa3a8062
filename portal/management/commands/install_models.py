"""manage.py install_models: fetches the engine's weights, checks their SHA-256 and puts them in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from apps.engine import models
from portal import weights


class Command(BaseCommand):
    help = "Installs the engine's weights; each file is verified by SHA-256. Files that are there are left alone."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", help="models to install (default: all that the built-in engine uses)")
        parser.add_argument("--from", dest="from_dir", type=Path, help="folder of yours that is asked first")
        parser.add_argument("--offline", action="store_true", help="use that folder only")
        parser.add_argument(
            "--dir", type=Path, default=Path(settings.MODEL_DIR), help="where to put them (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(stderr=False)
        try:
            placed = weights.install(
                options["dir"],
                console,
                names=tuple(options["names"]),
                from_dir=options["from_dir"],
                offline=options["offline"],
            )
        except (models.InstallError, KeyError) as error:
            raise CommandError(str(error)) from error
        console.print(
            f"Engine weights: {len(placed)} files installed, the rest was there. Folder: {options['dir']}",
            soft_wrap=True,
        )
