"""What durable readers of the log need: the writing transaction of each event, and where each reader is."""

from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models


SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0002_log_and_queue'),
    ]

    operations = [
        migrations.RunSQL((SQL / "xid.sql").read_text(encoding="utf-8"), (SQL / "xid_drop.sql").read_text(encoding="utf-8")),
        migrations.CreateModel(
            name='Cursor',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('done', models.TextField()),
                ('goal', models.TextField(blank=True, default='', help_text='Snapshot that is being read up to, while in pages.')),
                ('after_id', models.BigIntegerField(default=0, help_text='Last row read on the way to the goal.')),
                ('last_id', models.BigIntegerField(default=0)),
                ('floor', models.BigIntegerField(default=0)),
                ('system', models.BigIntegerField()),
                ('moved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': "reader's position",
                'verbose_name_plural': "readers' positions",
            },
        ),
    ]
