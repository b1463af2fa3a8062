"""Lip-sync jobs: the files that they work on, and their admission beside that of translations."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


def run(name: str, reverse: str = "") -> migrations.RunSQL:
    """One file as one operation (a list: Django must not split function bodies at their semicolons)."""
    return migrations.RunSQL([(SQL / name).read_text(encoding="utf-8")], [reverse] if reverse else migrations.RunSQL.noop)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_vendor_conversation"), ("projects", "0003_image_assets")]
    operations = [
        migrations.CreateModel(
            name="JobInput",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=16, verbose_name="name")),
                ("position", models.PositiveSmallIntegerField(default=0)),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="job_inputs", to="projects.asset"
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="inputs", to="jobs.job"
                    ),
                ),
            ],
            options={
                "verbose_name": "job input",
                "verbose_name_plural": "job inputs",
                "ordering": ["position", "id"],
                "constraints": [models.UniqueConstraint(fields=("job", "name"), name="job_input_once")],
            },
        ),
        run("check_lipsync.sql", "DROP FUNCTION check_lipsync"),
        run("add_lipsync.sql", "DROP FUNCTION add_lipsync"),
        run("admit_job.sql"),
    ]
