"""Assets and uploads may be pictures."""

from django.db import migrations, models

CHOICES = [("media", "Media"), ("subtitle", "Subtitles"), ("image", "Image")]


class Migration(migrations.Migration):
    dependencies = [("projects", "0002_folder")]
    operations = [
        migrations.AlterField(
            model_name=model,
            name="kind",
            field=models.CharField(choices=CHOICES, default="media", max_length=10, verbose_name="kind"),
        )
        for model in ("asset", "upload")
    ]
