"""manage.py check_engine: one table of what the engine can do here, and what to install for the rest."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table


class Command(BaseCommand):
    help = "Shows each stage of the engine: backend, model, languages, and whether it is ready or what to install."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.engine.capabilities import check
        from apps.projects.services.fetch import engine_settings

        table = Table("stage", "backend", "model", "languages", "state")
        rows = check(engine_settings())
        for row in rows:
            state = "[green]ok[/]" if row.ok else f"[red]missing[/]: {row.advice}"
            table.add_row(row.stage, row.backend, row.model, row.languages, state)
        Console().print(table)
