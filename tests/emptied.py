"""After a test that commits, the database is as its migrations left it: one call inside PostgreSQL instead of Django's flush.

Django empties every table, then fires post_migrate, which writes content types, permissions and the catalogue anew: 0.2 s of CPU.
Here only tables that hold rows are emptied, and what the migrations wrote is put back only where a test changed it. The queue's
messages go as well, which Django does not know of: they name rows that are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import TransactionTestCase

LARGE_BYTES = 256 * 1024
"""From here on a table is truncated: dead rows of earlier tests (nothing vacuums here) would be read again and again."""

# Triggers (append-only tables) and foreign keys are asleep while it works, as they are for a TRUNCATE.
RESTORE = f"""
CREATE FUNCTION kept.restore() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text; large text; wrong boolean;
BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);
  SELECT string_agg(format('public.%I', relname), ', ') INTO large FROM pg_class JOIN kept.tables ON relname = tables.name
    WHERE relnamespace = 'public'::regnamespace AND NOT tables.filled AND pg_relation_size(pg_class.oid) > {LARGE_BYTES};
  IF large IS NOT NULL THEN
    EXECUTE 'TRUNCATE ' || large || ' CASCADE';
  END IF;
  FOR name IN SELECT tables.name FROM kept.tables WHERE NOT filled LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO wrong;
    IF wrong THEN
      EXECUTE format('DELETE FROM public.%I', name);
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM dramatiq.queue) THEN
    DELETE FROM dramatiq.queue;
  END IF;
  FOR name IN SELECT tables.name FROM kept.tables WHERE filled LOOP
    EXECUTE format('SELECT EXISTS (TABLE public.%1$I EXCEPT ALL TABLE kept.%1$I)
      OR EXISTS (TABLE kept.%1$I EXCEPT ALL TABLE public.%1$I)', name) INTO wrong;
    IF wrong THEN
      EXECUTE format('DELETE FROM public.%I', name);
      EXECUTE format('INSERT INTO public.%1$I TABLE kept.%1$I', name);
    END IF;
  END LOOP;
END $$
"""


@contextmanager
def quick_flush() -> Iterator[None]:
    """Tests that commit leave the test database as it is now. Where we are not its superuser, Django's flush stays."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        row = cursor.fetchone()
        if not row or not row[0]:
            yield
            return
        _keep(cursor)
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    TransactionTestCase._fixture_teardown = _restore  # type: ignore[attr-defined]
    try:
        yield
    finally:
        TransactionTestCase._fixture_teardown = flush  # type: ignore[attr-defined]


def _keep(cursor: Any) -> None:
    cursor.execute("DROP SCHEMA IF EXISTS kept CASCADE")  # a database that --reuse-db left
    cursor.execute("CREATE SCHEMA kept")
    cursor.execute("CREATE TABLE kept.tables (name text, filled boolean)")
    for name in connection.introspection.django_table_names(only_existing=True, include_views=False):
        quoted = connection.ops.quote_name(name)
        cursor.execute(f"SELECT EXISTS (SELECT FROM public.{quoted})")
        (filled,) = cursor.fetchone()
        cursor.execute("INSERT INTO kept.tables VALUES (%s, %s)", [name, filled])
        if filled:
            cursor.execute(f"CREATE TABLE kept.{quoted} AS TABLE public.{quoted}")
    cursor.execute(RESTORE)


def _restore(case: TransactionTestCase) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT kept.restore()")
