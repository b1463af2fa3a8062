"""Requests a minute: the counting table and its function, from apps/plans/sql/quota.sql."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "quota.sql"


class Migration(migrations.Migration):
    dependencies = [("plans", "0003_catalog")]
    operations = [
        migrations.RunSQL(
            [SQL.read_text(encoding="utf-8")], ["DROP FUNCTION take_request", "DROP TABLE plans_request_window"]
        )
    ]
