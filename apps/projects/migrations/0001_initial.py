import apps.projects.models
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Asset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apps.projects.models.asset_id, editable=False, max_length=24, unique=True)),
                ('kind', models.CharField(choices=[('media', 'Media'), ('subtitle', 'Subtitles')], default='media', max_length=10, verbose_name='kind')),
                ('status', models.CharField(choices=[('remote', 'Link, not fetched yet'), ('stored', 'Stored'), ('failed', 'Could not be fetched'), ('deleted', 'Deleted')], max_length=10, verbose_name='status')),
                ('file_name', models.CharField(blank=True, max_length=255, verbose_name='file name')),
                ('source_url', models.TextField(blank=True, verbose_name='link')),
                ('storage_key', models.CharField(blank=True, max_length=255, verbose_name='storage key')),
                ('size', models.BigIntegerField(blank=True, null=True, verbose_name='size, bytes')),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('content_type', models.CharField(blank=True, max_length=100, verbose_name='content type')),
                ('duration_ms', models.BigIntegerField(blank=True, null=True, verbose_name='length, ms')),
                ('probe', models.JSONField(blank=True, null=True, verbose_name='what the probe found')),
                ('error_code', models.PositiveIntegerField(blank=True, null=True, verbose_name='error code')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assets', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'asset',
                'verbose_name_plural': 'assets',
            },
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apps.projects.models.project_id, editable=False, max_length=24, unique=True)),
                ('name', models.CharField(blank=True, max_length=200, verbose_name='name')),
                ('source_language', models.CharField(default='auto', max_length=16, verbose_name='source language')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='projects', to='accounts.organization')),
                ('source_asset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='projects', to='projects.asset')),
            ],
            options={
                'verbose_name': 'project',
                'verbose_name_plural': 'projects',
            },
        ),
        migrations.CreateModel(
            name='Translation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apps.projects.models.translation_id, editable=False, max_length=24, unique=True)),
                ('target_locale', models.CharField(max_length=16, verbose_name='target language')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='translations', to='accounts.organization')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='translations', to='projects.project')),
            ],
            options={
                'verbose_name': 'translation',
                'verbose_name_plural': 'translations',
            },
        ),
        migrations.CreateModel(
            name='Transcript',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveIntegerField(verbose_name='revision')),
                ('origin', models.CharField(choices=[('recognized', 'Recognized'), ('translated', 'Translated'), ('edited', 'Edited')], max_length=12, verbose_name='origin')),
                ('source_language', models.CharField(max_length=16, verbose_name='source language')),
                ('document', models.JSONField(verbose_name='document')),
                ('line_count', models.PositiveIntegerField(default=0, verbose_name='lines')),
                ('actor', models.JSONField(default=dict, verbose_name='actor')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('translation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='transcripts', to='projects.translation')),
            ],
            options={
                'verbose_name': 'transcript',
                'verbose_name_plural': 'transcripts',
                'ordering': ['-revision'],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apps.projects.models.upload_id, editable=False, max_length=24, unique=True)),
                ('file_name', models.CharField(blank=True, max_length=255, verbose_name='file name')),
                ('kind', models.CharField(choices=[('media', 'Media'), ('subtitle', 'Subtitles')], default='media', max_length=10, verbose_name='kind')),
                ('metadata', models.JSONField(default=dict, verbose_name='metadata')),
                ('length', models.BigIntegerField(verbose_name='length, bytes')),
                ('offset', models.BigIntegerField(default=0, verbose_name='received, bytes')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('asset', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='upload', to='projects.asset')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'upload',
                'verbose_name_plural': 'uploads',
            },
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['organization', '-id'], name='asset_organization'),
        ),
        migrations.AddIndex(
            model_name='project',
            index=models.Index(fields=['organization', '-id'], name='project_organization'),
        ),
        migrations.AddIndex(
            model_name='translation',
            index=models.Index(fields=['organization', '-id'], name='translation_organization'),
        ),
        migrations.AddConstraint(
            model_name='translation',
            constraint=models.UniqueConstraint(fields=('project', 'target_locale'), name='translation_once'),
        ),
        migrations.AddConstraint(
            model_name='transcript',
            constraint=models.UniqueConstraint(fields=('translation', 'revision'), name='transcript_once'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(fields=['organization', '-id'], name='upload_organization'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(fields=['expires_at'], name='upload_due'),
        ),
        migrations.AddConstraint(
            model_name='upload',
            constraint=models.CheckConstraint(condition=models.Q(('offset__gte', 0), ('offset__lte', models.F('length'))), name='upload_offset_in_range'),
        ),
    ]
