"""manage.py poller: the process that needs a clock. Reconciles, and polls remote providers when they are due."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.jobs.poller import Poller


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT; any number of them may run, the advisory lock and SKIP LOCKED share the work."""

    help = "Runs the reconciler and polls remote providers (one asyncio loop)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one sweep, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        poller = Poller()
        if options["once"]:
            poller.sweep(slow=True)
        else:
            poller.run()
