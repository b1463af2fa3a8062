"""manage.py run: everything on this machine under one supervisor (what `make run` calls)."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console


class Command(BaseCommand):
    help = "Starts Kinoglot with its own PostgreSQL, workers and a demo organization. Ctrl-C stops everything."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("KINOGLOT_HOST", "127.0.0.1"), help="default: %(default)s")
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT") or 8000), help="the next free one if taken"
        )
        parser.add_argument(
            "--video", default=os.environ.get("VIDEO", ""), help="translate this file instead of the sample"
        )
        parser.add_argument(
            "--to", default=os.environ.get("TO") or "pt-BR", help="target language of it (default: %(default)s)"
        )
        parser.add_argument("--no-demo", action="store_true", help="no demo organization and no demo job")

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.engine.models import InstallError
        from portal.embedded_postgres import EmbeddedPostgresError
        from portal.local import Options, run

        chosen = Options(options["host"], options["port"], options["video"], options["to"], not options["no_demo"])
        try:
            status = run(chosen, Console())
        except (InstallError, EmbeddedPostgresError, OSError) as problem:
            raise CommandError(str(problem)) from problem
        sys.exit(status)
