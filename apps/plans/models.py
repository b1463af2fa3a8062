"""Plans, subscriptions, the two wallets and their ledger. Amounts are integer milli-credits."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


def hold_id() -> str:
    return new_id("hld")


class Pool(models.TextChoices):
    """The two balances of an organization; never interchangeable (seed 003)."""

    PORTAL = "portal", _("Portal credits")
    API = "api", _("API credits")


class Service(models.TextChoices):
    """What is counted and priced apart (seed 000: translate and lip sync have separate concurrency)."""

    TRANSLATE = "translate", _("Translation")
    LIPSYNC = "lipsync", _("Lip sync")


class Plan(models.Model):
    """What an organization may do. Limits: sizes in bytes, lengths in seconds, counts of jobs queued or running."""

    code = models.SlugField(_("code"), max_length=24, unique=True)
    name = models.CharField(_("name"), max_length=60)
    api_access = models.BooleanField(_("API access"), default=False, help_text=_("Business plans only (seed 000)."))
    portal_credits = models.BigIntegerField(_("monthly portal credits (milli)"), default=0)
    api_credits = models.BigIntegerField(_("monthly API credits (milli)"), default=0)
    max_file_bytes = models.BigIntegerField(_("largest file, bytes"))
    max_duration = models.PositiveIntegerField(_("longest media, seconds"))
    max_targets = models.PositiveSmallIntegerField(_("target languages per order"), default=20)
    translate_concurrency = models.PositiveIntegerField(_("concurrent translation jobs"))
    lipsync_concurrency = models.PositiveIntegerField(_("concurrent lip-sync jobs"))
    requests_per_minute = models.PositiveIntegerField(_("API requests per minute"), default=600)
    retention_days = models.PositiveIntegerField(_("files kept, days"), default=30)
    is_public = models.BooleanField(_("offered"), default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """An organization's current plan. One row an organization; set by staff until Stripe (a later issue) does."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAST_DUE = "past_due", _("Past due")
        CANCELED = "canceled", _("Canceled")

    organization = models.OneToOneField("accounts.Organization", on_delete=models.CASCADE, related_name="subscription")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.ACTIVE)
    period_start = models.DateTimeField(_("period start"), db_default=Now())
    period_end = models.DateTimeField(_("period end"), null=True, blank=True)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")

    def __str__(self) -> str:
        return f"{self.organization} · {self.plan}"


class Wallet(models.Model):
    """A credit balance. `available` and `held` are changed only by services of this app, under a row lock."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="wallets")
    pool = models.CharField(_("pool"), max_length=8, choices=Pool.choices)
    available = models.BigIntegerField(_("available (milli)"), default=0)
    held = models.BigIntegerField(_("held (milli)"), default=0)

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints = [
            models.UniqueConstraint(fields=["organization", "pool"], name="wallet_once"),
            models.CheckConstraint(condition=models.Q(available__gte=0), name="wallet_available_not_negative"),
            models.CheckConstraint(condition=models.Q(held__gte=0), name="wallet_held_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.pool}"


class Hold(models.Model):
    """Credits set aside for one job; ends exactly once: captured, released or expired."""

    class Status(models.TextChoices):
        PLACED = "placed", _("Placed")
        CAPTURED = "captured", _("Captured")
        RELEASED = "released", _("Released")
        EXPIRED = "expired", _("Expired")

    public_id = models.CharField(max_length=24, unique=True, default=hold_id, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="holds")
    job_public_id = models.CharField(_("job"), max_length=24)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1, help_text=_("A retried job gets a new hold."))
    amount = models.BigIntegerField(_("amount (milli)"))
    captured = models.BigIntegerField(_("captured (milli)"), default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PLACED)
    placed_at = models.DateTimeField(_("placed"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.UniqueConstraint(fields=["job_public_id", "attempt"], name="hold_once_per_attempt"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="hold_amount_not_negative"),
            models.CheckConstraint(
                condition=models.Q(captured__gte=0) & models.Q(captured__lte=models.F("amount")),
                name="hold_captures_at_most_its_amount",
            ),
        ]
        indexes = [
            models.Index(fields=["wallet", "status"], name="hold_wallet"),
            models.Index(fields=["expires_at"], condition=models.Q(status="placed"), name="hold_due"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.status})"


class LedgerEntry(models.Model):
    """One fact about a wallet; append-only (a database trigger refuses changes).

    The sum of `available_delta` is the wallet's `available`, the sum of `held_delta` its `held`. `business_key` is unique:
    the same fact told twice is written once.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", _("Credits added")
        HOLD = "hold", _("Set aside")
        CAPTURE = "capture", _("Charged")
        RELEASE = "release", _("Given back")
        EXPIRE = "expire", _("Hold expired")
        ADJUST = "adjust", _("Adjusted by staff")

    public_id = models.CharField(max_length=24, unique=True, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    available_delta = models.BigIntegerField(_("available (milli)"))
    held_delta = models.BigIntegerField(_("held (milli)"))
    available_after = models.BigIntegerField(_("available after (milli)"))
    held_after = models.BigIntegerField(_("held after (milli)"))
    business_key = models.CharField(_("business key"), max_length=120, unique=True)
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    job_public_id = models.CharField(_("job"), max_length=24, blank=True, default="")
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    actor = models.JSONField(_("actor"), default=dict)
    created_at = models.DateTimeField(_("time"), db_default=Now())

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["wallet", "-id"], name="ledger_wallet"),
            models.Index(fields=["job_public_id"], name="ledger_job"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.business_key}"


class RateCard(models.Model):
    """Price of one unit: translate by started minute and stage, lip sync by second and resolution (DESIGN section 7).

    A row with a plan overrides the row of the same service, item and unit without one.
    """

    class Unit(models.TextChoices):
        MINUTE = "minute", _("minute")
        SECOND = "second", _("second")

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, null=True, blank=True, related_name="rates")
    service = models.CharField(_("service"), max_length=12, choices=Service.choices)
    item = models.CharField(_("item"), max_length=24, help_text=_("subtitles, voice, lipsync, erase, 480p, 720p"))
    unit = models.CharField(_("unit"), max_length=8, choices=Unit.choices)
    millicredits = models.BigIntegerField(_("price (milli-credits a unit)"))
    minimum_seconds = models.PositiveIntegerField(_("least billed length, seconds"), default=0)

    class Meta:
        verbose_name = _("rate")
        verbose_name_plural = _("rate card")
        constraints = [
            models.UniqueConstraint(fields=["plan", "service", "item"], name="rate_once", nulls_distinct=False),
            models.CheckConstraint(condition=models.Q(millicredits__gte=0), name="rate_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.item} / {self.unit}"
