"""A lip-sync order may ask for the first part of its sound alone: its price is that part's."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("jobs", "0007_lipsync")]
    # A list: Django must not split the function's body at its semicolons.
    operations = [migrations.RunSQL([(SQL / "check_lipsync.sql").read_text(encoding="utf-8")], migrations.RunSQL.noop)]
