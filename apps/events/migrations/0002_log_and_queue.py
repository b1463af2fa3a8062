"""The log's triggers and the queue's tables, from the SQL files beside this app's code."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


def read(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [
        migrations.RunSQL(read("log.sql"), read("log_drop.sql")),
        migrations.RunSQL(read("queue.sql"), read("queue_drop.sql")),
    ]
