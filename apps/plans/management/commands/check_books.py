"""manage.py check_books: prove that ledger = wallets = holds; exit 1 and an Event for each mismatch if not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import money
from apps.plans.services import check_books


class Command(BaseCommand):
    """Compare the ledger, the wallets and the holds."""

    help = "Prove that ledger = wallets = holds. Run it nightly; exit code 1 if they differ."

    def handle(self, *args: Any, **options: Any) -> None:
        found = check_books()
        for row in found:
            name = f"wallet {row.wallet_id} ({row.pool}, organization {row.organization_id}) {row.subject}".strip()
            expected, actual = money.to_text(row.expected), money.to_text(row.found)
            self.stdout.write(f"{name}: {row.what}: {expected} is not {actual}")
        if found:
            raise CommandError(f"the books do not balance: {len(found)} mismatches")
        self.stdout.write("The books balance: ledger = wallets = holds.")
