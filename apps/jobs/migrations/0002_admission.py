"""The database functions of admission, from the readable files in apps/jobs/sql.

A later change of a file comes with a migration that runs it again: every statement there replaces what it finds.
"""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


def run(name: str, reverse: str) -> migrations.RunSQL:
    """One file as one operation (a list: Django must not split function bodies at their semicolons)."""
    return migrations.RunSQL([(SQL / name).read_text(encoding="utf-8")], [reverse])


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_initial"),
        ("plans", "0002_functions"),
        ("events", "0002_log_and_queue"),
        ("projects", "0001_initial"),
        ("glossaries", "0001_initial"),
        ("accounts", "0001_initial"),
    ]
    operations = [
        run("slots.sql", "DROP FUNCTION lock_slots; DROP FUNCTION move_slots"),
        run("check_order.sql", "DROP FUNCTION check_order"),
        run("admit_job.sql", "DROP FUNCTION admit_job"),
    ]
