"""Which transcript revision a job goes on with after its review gate."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_admission")]
    operations = [
        migrations.AddField(
            model_name="job",
            name="reviewed_revision",
            field=models.PositiveIntegerField(
                blank=True, help_text="Transcript revision that the work goes on with after the gate.", null=True
            ),
        ),
    ]
