"""manage.py drain: works off all queued jobs in this process and ends."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.jobs.services.local_run import drain


class Command(BaseCommand):
    """Useful where no worker runs: from cron, before moving a machine, after an import of orders."""

    help = "Works off all queued jobs in this process, with the built-in engine, and ends."

    def handle(self, *args: Any, **options: Any) -> None:
        taken = drain()
        self.stdout.write(f"{taken} job(s) worked on; nothing is left to do here.")
