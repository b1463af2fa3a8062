"""admit_job keeps the dialect of an order."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_providers")]
    operations = [
        migrations.RunSQL([(SQL / "admit_job.sql").read_text(encoding="utf-8")], migrations.RunSQL.noop),
    ]
