"""The database functions of this app, from the readable files in apps/plans/sql.

A later change of a file comes with a migration that runs it again: every statement there replaces what it finds.
"""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


def run(name: str, reverse: str) -> migrations.RunSQL:
    """One file as one operation (a list: Django must not split function bodies at their semicolons)."""
    return migrations.RunSQL([(SQL / name).read_text(encoding="utf-8")], [reverse])


class Migration(migrations.Migration):
    dependencies = [("plans", "0001_initial"), ("accounts", "0001_initial")]
    operations = [
        run("wallets.sql", "DROP FUNCTION place_hold; DROP FUNCTION lock_wallet"),
        run("pricing.sql", "DROP FUNCTION price_order; DROP FUNCTION price_lines"),
        run("authorize.sql", "DROP FUNCTION authorize_key; DROP FUNCTION authorize_member"),
        run("append_only.sql", "DROP TRIGGER ledger_append_only ON plans_ledgerentry; DROP FUNCTION refuse_ledger_change"),
    ]
