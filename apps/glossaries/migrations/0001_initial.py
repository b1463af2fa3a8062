import apps.glossaries.models
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
            name='Glossary',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apps.glossaries.models.glossary_id, editable=False, max_length=24, unique=True)),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('source_language', models.CharField(max_length=16, verbose_name='source language')),
                ('target_locale', models.CharField(blank=True, max_length=16, verbose_name='target language')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('archived_at', models.DateTimeField(blank=True, null=True, verbose_name='archived')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='glossaries', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'glossary',
                'verbose_name_plural': 'glossaries',
            },
        ),
        migrations.CreateModel(
            name='GlossaryVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(verbose_name='version')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('glossary', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='glossaries.glossary')),
            ],
            options={
                'verbose_name': 'glossary version',
                'verbose_name_plural': 'glossary versions',
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=200, verbose_name='source')),
                ('target', models.CharField(blank=True, max_length=200, verbose_name='target')),
                ('case_sensitive', models.BooleanField(default=False, verbose_name='case-sensitive')),
                ('do_not_translate', models.BooleanField(default=False, verbose_name='do not translate')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='terms', to='glossaries.glossaryversion')),
            ],
            options={
                'verbose_name': 'term',
                'verbose_name_plural': 'terms',
            },
        ),
        migrations.AddIndex(
            model_name='glossary',
            index=models.Index(fields=['organization', '-id'], name='glossary_organization'),
        ),
        migrations.AddConstraint(
            model_name='glossaryversion',
            constraint=models.UniqueConstraint(fields=('glossary', 'number'), name='glossary_version_once'),
        ),
        migrations.AddConstraint(
            model_name='term',
            constraint=models.UniqueConstraint(fields=('version', 'source'), name='term_once'),
        ),
    ]
