"""manage.py reseal: every kept secret sealed again with the newest of SEALING_KEYS; then the old key may be taken away."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.events.sealed import reseal


class Command(BaseCommand):
    """Exit code 1 when a secret could not be opened with any key."""

    help = (
        "Seals every kept secret (provider credentials, webhook secrets, signing keys) with the first of SEALING_KEYS."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each column."""
        broken = 0
        for part in reseal():
            broken += part.broken
            tail = f", {part.broken} cannot be opened" if part.broken else ""
            self.stdout.write(f"{part.column}: {part.done} sealed again{tail}")
        if broken:
            raise CommandError(
                f"{broken} secrets were sealed with a key that is not in SEALING_KEYS: nothing was lost."
            )
