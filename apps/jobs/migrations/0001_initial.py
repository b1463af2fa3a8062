import apps.jobs.models
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('plans', '0001_initial'),
        ('projects', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(editable=False, max_length=24, unique=True)),
                ('model', models.CharField(default='translate', max_length=24, verbose_name='model')),
                ('service', models.CharField(choices=[('translate', 'Translation'), ('lipsync', 'Lip sync')], default='translate', max_length=12, verbose_name='service')),
                ('iteration', models.PositiveIntegerField(default=1, verbose_name='iteration')),
                ('status', models.CharField(choices=[('processing', 'In progress'), ('paused', 'Waiting for review'), ('completed', 'Completed'), ('failed', 'Failed'), ('canceled', 'Canceled')], default='processing', max_length=12, verbose_name='status')),
                ('stage', models.CharField(choices=[('queued', 'Queued'), ('fetch', 'Fetch'), ('probe', 'Check'), ('separate', 'Separate'), ('recognize', 'Transcribe'), ('translate', 'Translate'), ('review', 'Review'), ('speak', 'Voice'), ('lipsync', 'Lip sync'), ('render', 'Render'), ('publish', 'Publish'), ('done', 'Done')], default='queued', max_length=12, verbose_name='stage')),
                ('progress_fraction', models.FloatField(default=0.0, verbose_name='progress')),
                ('progress_done', models.PositiveIntegerField(default=0)),
                ('progress_total', models.PositiveIntegerField(default=0)),
                ('progress_unit', models.CharField(blank=True, default='', max_length=24)),
                ('timings', models.JSONField(default=dict, verbose_name='stage times, ms')),
                ('order', models.JSONField(verbose_name='order')),
                ('glossary_versions', models.JSONField(default=list, verbose_name='pinned glossary versions')),
                ('target_locale', models.CharField(blank=True, default='', max_length=16, verbose_name='target language')),
                ('provider', models.CharField(blank=True, default='', max_length=32, verbose_name='provider')),
                ('provider_ref', models.CharField(blank=True, default='', max_length=200, verbose_name='id at the provider')),
                ('pool', models.CharField(choices=[('portal', 'Portal credits'), ('api', 'API credits')], max_length=8, verbose_name='pool')),
                ('estimate', models.BigIntegerField(default=0, verbose_name='estimate (milli)')),
                ('charged', models.BigIntegerField(default=0, verbose_name='charged (milli)')),
                ('measured_ms', models.BigIntegerField(blank=True, null=True, verbose_name='measured length, ms')),
                ('callback_url', models.TextField(blank=True, default='', verbose_name='callback URL')),
                ('error_code', models.PositiveIntegerField(blank=True, null=True, verbose_name='error code')),
                ('error', models.TextField(blank=True, default='', verbose_name='error')),
                ('attempt', models.PositiveSmallIntegerField(default=1, help_text='Raised by retry; each has its hold.', verbose_name='attempt')),
                ('tries', models.PositiveSmallIntegerField(default=0, help_text='Times a worker took this attempt up.', verbose_name='tries')),
                ('lease_owner', models.CharField(blank=True, default='', max_length=64)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('next_run_at', models.DateTimeField(blank=True, help_text='When the reconciler wakes it.', null=True, verbose_name='due')),
                ('next_poll_at', models.DateTimeField(blank=True, null=True, verbose_name='next poll')),
                ('cancel_requested_at', models.DateTimeField(blank=True, null=True, verbose_name='cancel asked')),
                ('deadline_at', models.DateTimeField(blank=True, null=True, verbose_name='deadline')),
                ('reviewed_stage', models.CharField(blank=True, default='', help_text='Gate already passed.', max_length=12)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='started')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('api_key', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='accounts.apikey')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('hold', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='plans.hold')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='jobs', to='accounts.organization')),
                ('translation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='jobs', to='projects.translation')),
            ],
            options={
                'verbose_name': 'job',
                'verbose_name_plural': 'jobs',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Artefact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apps.jobs.models.artefact_id, editable=False, max_length=24, unique=True)),
                ('kind', models.CharField(max_length=24, verbose_name='kind')),
                ('format', models.CharField(max_length=12, verbose_name='format')),
                ('language', models.CharField(blank=True, default='', max_length=16, verbose_name='language')),
                ('label', models.CharField(blank=True, default='', max_length=120, verbose_name='label')),
                ('file_name', models.CharField(max_length=255, verbose_name='file name')),
                ('storage_key', models.CharField(max_length=255, verbose_name='storage key')),
                ('content_type', models.CharField(max_length=100, verbose_name='content type')),
                ('size', models.BigIntegerField(verbose_name='size, bytes')),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('duration_ms', models.BigIntegerField(blank=True, null=True, verbose_name='length, ms')),
                ('is_main', models.BooleanField(default=False, verbose_name='main result')),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='artefacts', to='jobs.job')),
            ],
            options={
                'verbose_name': 'artefact',
                'verbose_name_plural': 'artefacts',
                'ordering': ['position', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ProviderCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=32, verbose_name='provider')),
                ('operation', models.CharField(max_length=40, verbose_name='operation')),
                ('client_id', models.CharField(max_length=64, verbose_name='our id')),
                ('outcome', models.CharField(choices=[('pending', 'Not answered yet'), ('ok', 'Accepted'), ('refused', 'Refused'), ('unknown', 'Outcome never seen')], default='pending', max_length=10, verbose_name='outcome')),
                ('http_status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('request', models.JSONField(default=dict)),
                ('response', models.JSONField(blank=True, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='sent')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='answered')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='provider_calls', to='jobs.job')),
            ],
            options={
                'verbose_name': 'provider call',
                'verbose_name_plural': 'provider calls',
            },
        ),
        migrations.CreateModel(
            name='CallbackProof',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url_digest', models.BinaryField(help_text='SHA-256 of the URL.', max_length=32)),
                ('url', models.TextField(verbose_name='URL')),
                ('proved_at', models.DateTimeField(verbose_name='proved')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'callback proof',
                'verbose_name_plural': 'callback proofs',
                'constraints': [models.UniqueConstraint(fields=('organization', 'url_digest'), name='callback_proof_once')],
            },
        ),
        migrations.CreateModel(
            name='ConcurrencyCounter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('service', models.CharField(choices=[('translate', 'Translation'), ('lipsync', 'Lip sync')], max_length=12, verbose_name='service')),
                ('running', models.PositiveIntegerField(default=0, verbose_name='running')),
                ('api_key', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.apikey')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'concurrency counter',
                'verbose_name_plural': 'concurrency counters',
                'constraints': [models.UniqueConstraint(fields=('organization', 'api_key', 'service'), name='concurrency_once', nulls_distinct=False)],
            },
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['organization', '-id'], name='job_organization'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['organization', 'status', '-id'], name='job_organization_status'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('status', 'processing')), fields=['next_run_at'], name='job_due'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('next_poll_at__isnull', False), ('status', 'processing')), fields=['next_poll_at'], name='job_poll_due'),
        ),
        migrations.AddConstraint(
            model_name='artefact',
            constraint=models.UniqueConstraint(fields=('job', 'file_name'), name='artefact_once'),
        ),
        migrations.AddIndex(
            model_name='providercall',
            index=models.Index(fields=['job', 'id'], name='providercall_job'),
        ),
    ]
