"""An asset remembers the faces in it, for lip sync."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0003_image_assets")]
    operations = [
        migrations.AddField(
            model_name="asset",
            name="faces",
            field=models.JSONField(blank=True, editable=False, null=True),
        )
    ]
