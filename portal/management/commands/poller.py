"""manage.py poller: the process that needs a clock. Reconciles, watches remote jobs, and sends webhooks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.jobs.poller import Poller
from apps.webhooks.sender import Sender


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT; any number of them may run, locks and SKIP LOCKED share the work."""

    help = "Runs the reconciler, polls remote providers and sends webhooks (one asyncio loop)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round of the reconciler and the polls, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        # Webhooks sit above jobs, so that they are put together here.
        poller = Poller(beside=[Sender().run])
        if options["once"]:
            poller.once()
        else:
            poller.run()
