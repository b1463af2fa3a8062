"""Jobs and what they leave behind: artefacts, provider calls, callback proofs and concurrency counters."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.plans.models import Pool, Service


def artefact_id() -> str:
    return new_id("art")


def account_id() -> str:
    return new_id("pac")


class ProviderAccount(models.Model):
    """As whom a vendor is called: staff's own (organization empty) or one that an organization brings for its own jobs.

    `sealed` holds the adapter's secret fields as encrypted JSON (apps.core.sealing); `values` the others. Limits of 0 mean the
    adapter's own. `failures` and `open_until` are the circuit breaker: while it is open nothing new is sent through the account.
    """

    public_id = models.CharField(max_length=24, unique=True, default=account_id, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, null=True, blank=True, related_name="provider_accounts"
    )
    provider = models.CharField(_("provider"), max_length=32)
    name = models.CharField(_("name"), max_length=80)
    enabled = models.BooleanField(_("in use"), default=True)
    priority = models.PositiveSmallIntegerField(_("priority"), default=100, help_text=_("The lowest is tried first."))
    endpoint = models.CharField(_("endpoint"), max_length=255, blank=True, default="")
    region = models.CharField(_("region"), max_length=40, blank=True, default="")
    values = models.JSONField(_("settings"), default=dict, blank=True)
    sealed = models.TextField(_("sealed credentials"), blank=True, default="", editable=False)
    submits_per_second = models.FloatField(_("submits a second"), default=0.0)
    polls_per_second = models.FloatField(_("polls a second"), default=0.0)
    concurrency = models.PositiveIntegerField(_("jobs at once"), default=0)
    cost_per_minute = models.DecimalField(
        _("cost per media minute"), max_digits=10, decimal_places=4, default=0, help_text=_("What the vendor bills us.")
    )
    next_submit_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_poll_at = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    open_until = models.DateTimeField(_("resting until"), null=True, blank=True, editable=False)
    last_error = models.TextField(_("last trouble"), blank=True, default="", editable=False)
    last_ok_at = models.DateTimeField(_("last answer"), null=True, blank=True, editable=False)
    tested_at = models.DateTimeField(_("tested"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("provider account")
        verbose_name_plural = _("provider accounts")
        ordering = ["provider", "priority", "id"]
        indexes = [models.Index(fields=["provider", "organization"], name="provideraccount_of")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.name}"


class Job(models.Model):
    """One unit of paid asynchronous work: an iteration of a translation, or a lip-sync render.

    `status` holds the five words of seed 003; allowed transitions are data in states.py. Rows are the truth and messages are
    hints: a worker owns the job only while `lease_owner` and `lease_until` say so, and the reconciler wakes what is due.
    """

    class Status(models.TextChoices):
        PROCESSING = "processing", _("In progress")
        PAUSED = "paused", _("Waiting for review")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Canceled")

    class Stage(models.TextChoices):
        QUEUED = "queued", _("Queued")
        FETCH = "fetch", _("Fetch")
        PROBE = "probe", _("Check")
        SEPARATE = "separate", _("Separate")
        RECOGNIZE = "recognize", _("Transcribe")
        TRANSLATE = "translate", _("Translate")
        REVIEW = "review", _("Review")
        SPEAK = "speak", _("Voice")
        LIPSYNC = "lipsync", _("Lip sync")
        RENDER = "render", _("Render")
        PUBLISH = "publish", _("Publish")
        DONE = "done", _("Done")

    public_id = models.CharField(max_length=24, unique=True, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="jobs")
    translation = models.ForeignKey(
        "projects.Translation", on_delete=models.CASCADE, null=True, blank=True, related_name="jobs"
    )
    model = models.CharField(_("model"), max_length=24, default="translate")
    service = models.CharField(_("service"), max_length=12, choices=Service.choices, default=Service.TRANSLATE)
    iteration = models.PositiveIntegerField(_("iteration"), default=1)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.PROCESSING)
    stage = models.CharField(_("stage"), max_length=12, choices=Stage.choices, default=Stage.QUEUED)
    progress_fraction = models.FloatField(_("progress"), default=0.0)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    progress_unit = models.CharField(max_length=24, blank=True, default="")
    timings = models.JSONField(_("stage times, ms"), default=dict)
    order = models.JSONField(_("order"))
    glossary_versions = models.JSONField(_("pinned glossary versions"), default=list)
    target_locale = models.CharField(_("target language"), max_length=16, blank=True, default="")
    provider = models.CharField(_("provider"), max_length=32, blank=True, default="")
    provider_ref = models.CharField(_("id at the provider"), max_length=200, blank=True, default="")
    provider_account = models.ForeignKey(
        ProviderAccount, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    provider_memo = models.JSONField(_("conversation"), default=dict, help_text=_("What the adapter remembers."))
    base_job = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="iterations",
        verbose_name=_("starts from"),
    )
    dialect = models.CharField(_("dialect"), max_length=24, blank=True, default="", help_text=_("Empty: our own API."))
    pool = models.CharField(_("pool"), max_length=8, choices=Pool.choices)
    hold = models.ForeignKey("plans.Hold", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    estimate = models.BigIntegerField(_("estimate (milli)"), default=0)
    charged = models.BigIntegerField(_("charged (milli)"), default=0)
    measured_ms = models.BigIntegerField(_("measured length, ms"), null=True, blank=True)
    api_key = models.ForeignKey(
        "accounts.ApiKey", on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs"
    )
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    callback_url = models.TextField(_("callback URL"), blank=True, default="")
    error_code = models.PositiveIntegerField(_("error code"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True, default="")
    attempt = models.PositiveSmallIntegerField(
        _("attempt"), default=1, help_text=_("Raised by retry; each has its hold.")
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0, help_text=_("Times a worker took this attempt up."))
    lease_owner = models.CharField(max_length=64, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    next_run_at = models.DateTimeField(_("due"), null=True, blank=True, help_text=_("When the reconciler wakes it."))
    next_poll_at = models.DateTimeField(_("next poll"), null=True, blank=True)
    poll_failures = models.PositiveSmallIntegerField(
        _("failed polls"), default=0, db_default=0, help_text=_("In a row: polls without a readable answer.")
    )
    close_at = models.DateTimeField(
        _("clearing up"), null=True, blank=True, help_text=_("When the work is stopped or removed at the provider.")
    )
    close_tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    cancel_requested_at = models.DateTimeField(_("cancel asked"), null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"), null=True, blank=True)
    reviewed_stage = models.CharField(max_length=12, blank=True, default="", help_text=_("Gate already passed."))
    reviewed_revision = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Transcript revision that the work goes on with after the gate.")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization", "-id"], name="job_organization"),
            models.Index(fields=["organization", "status", "-id"], name="job_organization_status"),
            models.Index(fields=["next_run_at"], condition=models.Q(status="processing"), name="job_due"),
            models.Index(
                fields=["next_poll_at"],
                condition=models.Q(status="processing", next_poll_at__isnull=False),
                name="job_poll_due",
            ),
            models.Index(
                fields=["provider_account", "next_poll_at"],
                condition=models.Q(status="processing", next_poll_at__isnull=False),
                name="job_poll_account",
            ),
            models.Index(fields=["close_at"], condition=models.Q(close_at__isnull=False), name="job_close_due"),
        ]

    def __str__(self) -> str:
        return self.public_id


class JobInput(models.Model):
    """A file that a lip-sync job works on, by its place in the form (video, image, audio, left_audio, right_audio, mask_image)."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    name = models.CharField(_("name"), max_length=16)
    asset = models.ForeignKey("projects.Asset", on_delete=models.PROTECT, related_name="job_inputs")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("job input")
        verbose_name_plural = _("job inputs")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["job", "name"], name="job_input_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.asset}"


class Artefact(models.Model):
    """A file that a job made, in object storage. `duration_ms` is None for what has no length."""

    public_id = models.CharField(max_length=24, unique=True, default=artefact_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artefacts")
    kind = models.CharField(_("kind"), max_length=24)
    format = models.CharField(_("format"), max_length=12)
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    label = models.CharField(_("label"), max_length=120, blank=True, default="")
    file_name = models.CharField(_("file name"), max_length=255)
    storage_key = models.CharField(_("storage key"), max_length=255)
    content_type = models.CharField(_("content type"), max_length=100)
    size = models.BigIntegerField(_("size, bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    duration_ms = models.BigIntegerField(_("length, ms"), null=True, blank=True)
    is_main = models.BooleanField(_("main result"), default=False)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("artefact")
        verbose_name_plural = _("artefacts")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["job", "file_name"], name="artefact_once")]

    def __str__(self) -> str:
        return self.file_name


class ProviderCall(models.Model):
    """One call to a remote provider, committed before it is sent (DESIGN section 3, exactly once at the vendor)."""

    class Outcome(models.TextChoices):
        PENDING = "pending", _("Not answered yet")
        OK = "ok", _("Accepted")
        REFUSED = "refused", _("Refused")
        UNKNOWN = "unknown", _("Outcome never seen")

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="provider_calls")
    provider = models.CharField(_("provider"), max_length=32)
    operation = models.CharField(_("operation"), max_length=40)
    client_id = models.CharField(_("our id"), max_length=64)
    account = models.ForeignKey(ProviderAccount, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    request = models.JSONField(default=dict)
    response = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(_("sent"), db_default=Now())
    finished_at = models.DateTimeField(_("answered"), null=True, blank=True)

    class Meta:
        verbose_name = _("provider call")
        verbose_name_plural = _("provider calls")
        indexes = [models.Index(fields=["job", "id"], name="providercall_job")]

    def __str__(self) -> str:
        return f"{self.provider} {self.operation} {self.client_id}"


class InboundCallback(models.Model):
    """What a vendor posted to /callbacks/<provider>/<opaque>: stored raw first, worked on later, each only once."""

    class State(models.TextChoices):
        NEW = "new", _("Not worked on yet")
        DONE = "done", _("Worked on")
        FORGED = "forged", _("Forged")
        USELESS = "useless", _("Of no use")

    provider = models.CharField(_("provider"), max_length=32)
    account = models.ForeignKey(ProviderAccount, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True, blank=True, related_name="callbacks")
    key = models.BinaryField(max_length=32, help_text=_("SHA-256 of what makes two deliveries the same."))
    url = models.TextField(_("URL"))
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.NEW)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    received_at = models.DateTimeField(_("received"), db_default=Now())
    done_at = models.DateTimeField(_("worked on"), null=True, blank=True)

    class Meta:
        verbose_name = _("inbound callback")
        verbose_name_plural = _("inbound callbacks")
        constraints = [models.UniqueConstraint(fields=["provider", "key"], name="inbound_callback_once")]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(state="new"), name="inbound_callback_due"),
            models.Index(fields=["job", "id"], name="inbound_callback_job"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.pk}"


class CallbackProof(models.Model):
    """A callback URL that answered the challenge (code 1301 otherwise); remembered for 30 days (DESIGN section 4)."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    url_digest = models.BinaryField(max_length=32, help_text=_("SHA-256 of the URL."))
    url = models.TextField(_("URL"))
    proved_at = models.DateTimeField(_("proved"))

    class Meta:
        verbose_name = _("callback proof")
        verbose_name_plural = _("callback proofs")
        constraints = [models.UniqueConstraint(fields=["organization", "url_digest"], name="callback_proof_once")]

    def __str__(self) -> str:
        return self.url


class ConcurrencyCounter(models.Model):
    """Jobs queued or running, per service: one row for the organization (key empty) and one per API key (code 1304)."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    api_key = models.ForeignKey("accounts.ApiKey", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    service = models.CharField(_("service"), max_length=12, choices=Service.choices)
    running = models.PositiveIntegerField(_("running"), default=0)

    class Meta:
        verbose_name = _("concurrency counter")
        verbose_name_plural = _("concurrency counters")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "api_key", "service"], name="concurrency_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization} {self.service} {self.running}"
