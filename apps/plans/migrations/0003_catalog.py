"""Plans Free, Creator, Business and Enterprise and the rate card (apps/plans/catalog.py)."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from apps.plans import catalog


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    catalog.install(apps)


class Migration(migrations.Migration):
    dependencies = [("plans", "0002_functions")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
