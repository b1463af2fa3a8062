"""manage.py serve NAME: becomes one of Kinoglot's processes (containers and service managers start them one by one)."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.processes import NAMES, command


class Command(BaseCommand):
    help = "Runs one process: web, live, worker, engine, poller; or site (web and live on one address)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("--host", default=os.environ.get("KINOGLOT_HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))

    def handle(self, *args: Any, **options: Any) -> None:
        if not (os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")):
            raise CommandError("serve needs DATABASE_URL; `manage.py run` brings a database of its own")
        program = command(options["name"], host=options["host"], port=options["port"], env=os.environ)
        if options["name"] == "web":  # several processes answer /metrics as one; the folder must start empty
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="kinoglot-metrics-"))
        os.chdir(settings.BASE_DIR)
        os.execv(program[0], program)
