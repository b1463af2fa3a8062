import apps.plans.models
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apps.plans.models.hold_id, editable=False, max_length=24, unique=True)),
                ('job_public_id', models.CharField(max_length=24, verbose_name='job')),
                ('attempt', models.PositiveSmallIntegerField(default=1, help_text='A retried job gets a new hold.', verbose_name='attempt')),
                ('amount', models.BigIntegerField(verbose_name='amount (milli)')),
                ('captured', models.BigIntegerField(default=0, verbose_name='captured (milli)')),
                ('status', models.CharField(choices=[('placed', 'Placed'), ('captured', 'Captured'), ('released', 'Released'), ('expired', 'Expired')], default='placed', max_length=10, verbose_name='status')),
                ('placed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='placed')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('resolved_at', models.DateTimeField(blank=True, null=True, verbose_name='resolved')),
            ],
            options={
                'verbose_name': 'hold',
                'verbose_name_plural': 'holds',
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=24, unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('api_access', models.BooleanField(default=False, help_text='Business plans only (seed 000).', verbose_name='API access')),
                ('portal_credits', models.BigIntegerField(default=0, verbose_name='monthly portal credits (milli)')),
                ('api_credits', models.BigIntegerField(default=0, verbose_name='monthly API credits (milli)')),
                ('max_file_bytes', models.BigIntegerField(verbose_name='largest file, bytes')),
                ('max_duration', models.PositiveIntegerField(verbose_name='longest media, seconds')),
                ('max_targets', models.PositiveSmallIntegerField(default=20, verbose_name='target languages per order')),
                ('translate_concurrency', models.PositiveIntegerField(verbose_name='concurrent translation jobs')),
                ('lipsync_concurrency', models.PositiveIntegerField(verbose_name='concurrent lip-sync jobs')),
                ('requests_per_minute', models.PositiveIntegerField(default=600, verbose_name='API requests per minute')),
                ('retention_days', models.PositiveIntegerField(default=30, verbose_name='files kept, days')),
                ('is_public', models.BooleanField(default=True, verbose_name='offered')),
                ('position', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'plan',
                'verbose_name_plural': 'plans',
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('active', 'Active'), ('past_due', 'Past due'), ('canceled', 'Canceled')], default='active', max_length=12, verbose_name='status')),
                ('period_start', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='period start')),
                ('period_end', models.DateTimeField(blank=True, null=True, verbose_name='period end')),
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='subscription', to='accounts.organization')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='plans.plan')),
            ],
            options={
                'verbose_name': 'subscription',
                'verbose_name_plural': 'subscriptions',
            },
        ),
        migrations.CreateModel(
            name='Wallet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pool', models.CharField(choices=[('portal', 'Portal credits'), ('api', 'API credits')], max_length=8, verbose_name='pool')),
                ('available', models.BigIntegerField(default=0, verbose_name='available (milli)')),
                ('held', models.BigIntegerField(default=0, verbose_name='held (milli)')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='wallets', to='accounts.organization')),
            ],
            options={
                'verbose_name': 'wallet',
                'verbose_name_plural': 'wallets',
            },
        ),
        migrations.CreateModel(
            name='LedgerEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(editable=False, max_length=24, unique=True)),
                ('kind', models.CharField(choices=[('grant', 'Credits added'), ('hold', 'Set aside'), ('capture', 'Charged'), ('release', 'Given back'), ('expire', 'Hold expired'), ('adjust', 'Adjusted by staff')], max_length=8, verbose_name='kind')),
                ('available_delta', models.BigIntegerField(verbose_name='available (milli)')),
                ('held_delta', models.BigIntegerField(verbose_name='held (milli)')),
                ('available_after', models.BigIntegerField(verbose_name='available after (milli)')),
                ('held_after', models.BigIntegerField(verbose_name='held after (milli)')),
                ('business_key', models.CharField(max_length=120, unique=True, verbose_name='business key')),
                ('job_public_id', models.CharField(blank=True, default='', max_length=24, verbose_name='job')),
                ('note', models.CharField(blank=True, default='', max_length=200, verbose_name='note')),
                ('actor', models.JSONField(default=dict, verbose_name='actor')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='time')),
                ('hold', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='plans.hold')),
                ('wallet', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='plans.wallet')),
            ],
            options={
                'verbose_name': 'ledger entry',
                'verbose_name_plural': 'ledger entries',
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='hold',
            name='wallet',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='plans.wallet'),
        ),
        migrations.CreateModel(
            name='RateCard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('service', models.CharField(choices=[('translate', 'Translation'), ('lipsync', 'Lip sync')], max_length=12, verbose_name='service')),
                ('item', models.CharField(help_text='subtitles, voice, lipsync, erase, 480p, 720p', max_length=24, verbose_name='item')),
                ('unit', models.CharField(choices=[('minute', 'minute'), ('second', 'second')], max_length=8, verbose_name='unit')),
                ('millicredits', models.BigIntegerField(verbose_name='price (milli-credits a unit)')),
                ('minimum_seconds', models.PositiveIntegerField(default=0, verbose_name='least billed length, seconds')),
                ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rates', to='plans.plan')),
            ],
            options={
                'verbose_name': 'rate',
                'verbose_name_plural': 'rate card',
                'constraints': [models.UniqueConstraint(fields=('plan', 'service', 'item'), name='rate_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('millicredits__gte', 0)), name='rate_not_negative')],
            },
        ),
        migrations.AddConstraint(
            model_name='wallet',
            constraint=models.UniqueConstraint(fields=('organization', 'pool'), name='wallet_once'),
        ),
        migrations.AddConstraint(
            model_name='wallet',
            constraint=models.CheckConstraint(condition=models.Q(('available__gte', 0)), name='wallet_available_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='wallet',
            constraint=models.CheckConstraint(condition=models.Q(('held__gte', 0)), name='wallet_held_not_negative'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(fields=['wallet', '-id'], name='ledger_wallet'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(fields=['job_public_id'], name='ledger_job'),
        ),
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(fields=['wallet', 'status'], name='hold_wallet'),
        ),
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(condition=models.Q(('status', 'placed')), fields=['expires_at'], name='hold_due'),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.UniqueConstraint(fields=('job_public_id', 'attempt'), name='hold_once_per_attempt'),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='hold_amount_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.CheckConstraint(condition=models.Q(('captured__gte', 0), ('captured__lte', models.F('amount'))), name='hold_captures_at_most_its_amount'),
        ),
    ]
