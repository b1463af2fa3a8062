"""Counters of the rate limit: one row a key or person, shared by all web processes."""

from django.db import migrations

# Unlogged: no WAL and no flush, so counting costs no disk write; a crash forgets the current minute's counts, nothing else.
# fillfactor leaves room for in-page (HOT) updates of a row that is rewritten on every request.
CREATE = """
CREATE UNLOGGED TABLE api_rate_window (
    subject text PRIMARY KEY,
    window_number bigint NOT NULL,
    used integer NOT NULL
) WITH (fillfactor = 50);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL(CREATE, "DROP TABLE api_rate_window")]
