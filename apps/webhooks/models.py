"""Endpoints, the messages that go to them, and every attempt: what was sent, what came back."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


def endpoint_id() -> str:
    return new_id("whe")


def message_id() -> str:
    return new_id("whm")


class Endpoint(models.Model):
    """An address of an organization that is told of its events.

    `event_types` empty: every type, also those that come later. `sealed` is the secret (whsec_…) as apps.core.sealing keeps it;
    after a rotation the one before signs too until `previous_until`. `failing_since` is the first failure with no success after it.
    """

    class Reason(models.TextChoices):
        NONE = "", ""
        PERSON = "person", _("Switched off by a person")
        GONE = "gone", _("It answered 410 Gone")
        FAILING = "failing", _("It failed for five days")

    public_id = models.CharField(max_length=24, unique=True, default=endpoint_id, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.TextField(_("URL"))
    description = models.CharField(_("description"), max_length=200, blank=True, default="")
    event_types = ArrayField(models.CharField(max_length=64), verbose_name=_("event types"), default=list, blank=True)
    version = models.CharField(_("payload version"), max_length=10)
    sealed = models.TextField(editable=False)
    sealed_previous = models.TextField(blank=True, default="", editable=False)
    previous_until = models.DateTimeField(_("previous secret signs until"), null=True, blank=True)
    enabled = models.BooleanField(_("in use"), default=True)
    disabled_reason = models.CharField(
        _("why not"), max_length=10, choices=Reason.choices, blank=True, default=Reason.NONE
    )
    disabled_at = models.DateTimeField(_("switched off"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_failure_at = models.DateTimeField(_("last failure"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["organization", "-id"], condition=models.Q(deleted_at=None), name="endpoint_organization"
            )
        ]

    def __str__(self) -> str:
        return self.url


class CallbackSecret(models.Model):
    """What signs an organization's challenges and the callbacks of its orders; made when first needed, rotated like an endpoint's."""

    organization = models.OneToOneField(
        "accounts.Organization", on_delete=models.CASCADE, related_name="callback_secret"
    )
    sealed = models.TextField(editable=False)
    sealed_previous = models.TextField(blank=True, default="", editable=False)
    previous_until = models.DateTimeField(_("previous secret signs until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("callback secret")
        verbose_name_plural = _("callback secrets")

    def __str__(self) -> str:
        return f"callbacks of {self.organization}"


class Lane(models.Model):
    """One queue for each destination, so that each has its turn: an endpoint, or a host of an organization's callback URLs.

    `due_at` is when its first message is due (None: nothing waits). A sender that has taken the lane owns it until `busy_until`;
    a killed one loses it by time. `slow` lanes get small turns and do not use the places of the others.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, null=True, blank=True, related_name="lane")
    host = models.CharField(_("host of callbacks"), max_length=260, blank=True, default="")
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    busy_until = models.DateTimeField(_("taken until"), null=True, blank=True)
    slow = models.BooleanField(_("slow"), default=False)

    class Meta:
        verbose_name = _("lane")
        verbose_name_plural = _("lanes")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "host"], condition=models.Q(endpoint=None), name="lane_of_host_once"
            )
        ]
        indexes = [models.Index(fields=["slow", "due_at"], condition=models.Q(due_at__isnull=False), name="lane_due")]

    def __str__(self) -> str:
        return self.host or f"endpoint {self.endpoint_id}"


class Message(models.Model):
    """One thing that one destination is to be told; `public_id` is its webhook-id in every attempt.

    `body` is sent byte for byte. `url` is the order's callback URL, empty for endpoints (theirs is asked at each attempt). `event_id`
    is the Event that it tells of, None for tests. `tries` counts attempts of the present round of the schedule, `attempt_count` all.
    """

    class State(models.TextChoices):
        DUE = "due", _("Waiting")
        SENT = "sent", _("Delivered")
        FAILED = "failed", _("Given up")

    public_id = models.CharField(max_length=24, unique=True, default=message_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="messages")
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, null=True, blank=True, related_name="messages", db_index=False
    )
    event_id = models.BigIntegerField(_("event"), null=True, blank=True)
    type = models.CharField(_("type"), max_length=64)
    subject_id = models.CharField(_("subject"), max_length=40, blank=True, default="")
    url = models.TextField(_("callback URL"), blank=True, default="")
    headers = models.JSONField(_("headers of its shape"), default=dict, blank=True)
    bare = models.BooleanField(_("without our headers"), default=False)
    body = models.TextField(_("body"))
    is_test = models.BooleanField(_("test"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DUE)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries of this round"), default=0)
    attempt_count = models.PositiveIntegerField(_("attempts"), default=0)
    last_status = models.PositiveSmallIntegerField(_("last status"), null=True, blank=True)
    last_error = models.CharField(_("last trouble"), max_length=300, blank=True, default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook message")
        verbose_name_plural = _("webhook messages")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["event_id", "lane"], name="webhook_message_once")]
        indexes = [
            models.Index(
                fields=["lane", "next_attempt_at"], condition=models.Q(state="due"), name="webhook_message_due"
            ),
            models.Index(fields=["organization", "-id"], name="webhook_message_organization"),
            models.Index(fields=["endpoint", "-id"], name="webhook_message_endpoint"),
            models.Index(fields=["subject_id", "-id"], name="webhook_message_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class Attempt(models.Model):
    """One request to a destination. `status` is None when no answer came; `error` then says why. `body` is the answer's first kilobyte."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField(_("number"))
    url = models.TextField(_("URL"))
    request_headers = models.JSONField(_("request headers"), default=dict)
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    response_headers = models.JSONField(_("response headers"), default=dict)
    response_body = models.TextField(_("answer's beginning"), blank=True, default="")
    error = models.CharField(_("error"), max_length=300, blank=True, default="")
    started_at = models.DateTimeField(_("sent"))
    duration_ms = models.PositiveIntegerField(_("took, ms"), default=0)

    class Meta:
        verbose_name = _("webhook attempt")
        verbose_name_plural = _("webhook attempts")
        ordering = ["id"]
        indexes = [models.Index(fields=["message", "id"], name="webhook_attempt_message")]

    def __str__(self) -> str:
        return f"{self.message_id} #{self.number}"

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and 200 <= self.status < 300
