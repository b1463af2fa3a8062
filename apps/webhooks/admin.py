"""Console pages of webhooks, read-only: staff look, customers act. Secrets are on none of them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.events.admin_base import CREATED_FILTER, NewestFirst, ReadOnlyInline, column, pretty_json, words_filter
from apps.webhooks.models import Attempt, CallbackSecret, Endpoint, Lane, Message


@admin.register(Endpoint)
class EndpointAdmin(NewestFirst):
    """How customers' endpoints do."""

    list_display = ("public_id", "url", "organization", "enabled", "disabled_reason", "failing_since", "created_at")
    list_filter = ("enabled", words_filter("disabled_reason", _("why not"), ("person", "gone", "failing")))
    list_select_related = ("organization",)
    search_fields = ("=public_id", "=organization__public_id")
    search_help_text = _("Public id of the endpoint or its organization")
    id_lookups = {"whe": "public_id", "org": "organization__public_id"}
    fields = (
        ("public_id", "organization"),
        ("url", "description"),
        ("event_types", "version"),
        ("enabled", "disabled_reason", "disabled_at"),
        ("failing_since", "last_failure_at", "previous_until"),
        ("created_at", "deleted_at"),
    )
    readonly_fields = ("public_id",)


@admin.register(CallbackSecret)
class CallbackSecretAdmin(NewestFirst):
    """Which organizations have one; never the secret."""

    list_display = ("organization", "previous_until", "created_at")
    list_select_related = ("organization",)
    search_fields = ("=organization__public_id",)
    id_lookups = {"org": "organization__public_id"}
    fields = ("organization", "previous_until", "created_at")


@admin.register(Lane)
class LaneAdmin(NewestFirst):
    """What waits where, and whose turn it is."""

    list_display = ("id", "destination", "organization", "due_at", "busy_until", "slow")
    list_filter = ("slow",)
    list_select_related = ("organization", "endpoint")
    search_fields = ("=host", "=endpoint__public_id", "=organization__public_id")
    id_lookups = {"whe": "endpoint__public_id", "org": "organization__public_id"}
    fields = ("organization", "endpoint", "host", "due_at", "busy_until", "slow")

    @column(_("destination"))
    def destination(self, lane: Lane) -> str:
        return lane.endpoint.url if lane.endpoint is not None else lane.host


class AttemptInline(ReadOnlyInline):
    """Every request of a message."""

    model = Attempt
    fields = ("number", "started_at", "duration_ms", "status", "error", "url")
    readonly_fields = fields


@admin.register(Message)
class MessageAdmin(NewestFirst):
    """The log of all customers."""

    list_display = (
        "public_id",
        "type",
        "where",
        "state",
        "attempt_count",
        "last_status",
        "next_attempt_at",
        "created_at",
    )
    list_filter = (words_filter("state", _("state"), ("due", "sent", "failed")), CREATED_FILTER)
    list_select_related = ("endpoint",)
    search_fields = ("=public_id", "=subject_id")
    search_help_text = _("Public id of the message, or of what it is about")
    id_lookups = {"whm": "public_id", "whe": "endpoint__public_id", "job": "subject_id", "ast": "subject_id"}
    fields = (
        ("public_id", "organization"),
        ("type", "subject_id", "event_id"),
        ("endpoint", "url"),
        ("state", "tries", "attempt_count"),
        ("next_attempt_at", "finished_at", "created_at"),
        ("last_status", "last_error"),
        "shape_headers",
        "payload",
    )
    readonly_fields = ("public_id", "shape_headers", "payload")
    inlines = (AttemptInline,)

    @column(_("destination"))
    def where(self, message: Message) -> str:
        return message.endpoint.url if message.endpoint is not None else message.url

    @column(_("headers of its shape"))
    def shape_headers(self, message: Message) -> SafeString:
        return pretty_json(sorted(message.headers))

    @column(_("body"))
    def payload(self, message: Message) -> SafeString:
        return format_html('<pre class="whitespace-pre-wrap break-all text-xs">{}</pre>', message.body)


@admin.register(Attempt)
class AttemptAdmin(NewestFirst):
    """Requests and answers of all customers."""

    list_display = ("id", "message", "number", "status", "error", "duration_ms", "started_at")
    list_select_related = ("message",)
    search_fields = ("=message__public_id",)
    id_lookups = {"whm": "message__public_id"}
    fields = (
        ("message", "number"),
        "url",
        ("started_at", "duration_ms"),
        ("status", "error"),
        "sent",
        "came",
        "response_body",
    )
    readonly_fields = ("sent", "came")

    @column(_("request headers"))
    def sent(self, attempt: Attempt) -> SafeString:
        return pretty_json(attempt.request_headers)

    @column(_("response headers"))
    def came(self, attempt: Attempt) -> SafeString:
        return pretty_json(attempt.response_headers)
