import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('organization_id', models.BigIntegerField(blank=True, null=True)),
                ('type', models.CharField(help_text='For example job.completed or key.revoked.', max_length=64, verbose_name='type')),
                ('subject_type', models.CharField(max_length=32, verbose_name='subject type')),
                ('subject_id', models.CharField(help_text='Public id of what the event is about.', max_length=40, verbose_name='subject')),
                ('actor', models.JSONField(default=dict, help_text='kind, id and label of who did it.', verbose_name='actor')),
                ('data', models.JSONField(default=dict, verbose_name='data')),
                ('request_id', models.CharField(blank=True, default='', max_length=64, verbose_name='request id')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='time')),
            ],
            options={
                'verbose_name': 'event',
                'verbose_name_plural': 'events',
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['organization_id', '-id'], name='event_organization'), models.Index(fields=['subject_id', 'id'], name='event_subject'), models.Index(fields=['type', '-id'], name='event_type')],
            },
        ),
    ]
