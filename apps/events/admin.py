"""Console pages of the event log: the audit trail, read-only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.core.ids import PREFIXES
from apps.events.admin_base import CREATED_FILTER, NewestFirst, actor_label, pretty_json
from apps.events.models import Cursor, Event


@admin.register(Event)
class EventAdmin(NewestFirst):
    """Search by the public id of what the event is about, or by its type."""

    list_display = ("id", "created_at", "type", "subject_id", "who", "organization_id", "request_id")
    list_filter = (CREATED_FILTER,)
    search_fields = ("=type", "=subject_id")
    search_help_text = _("Public id of what it is about, or type (job.completed)")
    id_lookups = dict.fromkeys(PREFIXES, "subject_id")
    fields = (
        "id",
        "created_at",
        "type",
        "subject_type",
        "subject_id",
        "who",
        "organization_id",
        "request_id",
        "details",
    )
    readonly_fields = ("who", "details")

    @admin.display(description=_("actor"))
    def who(self, event: Event) -> str:
        return actor_label(event.actor)

    @admin.display(description=_("data"))
    def details(self, event: Event) -> SafeString:
        return pretty_json(event.data)


@admin.register(Cursor)
class CursorAdmin(NewestFirst):
    """How far the durable readers of the log have come: of webhooks, for one."""

    list_display = ("name", "last_id", "moved_at")
    search_fields = ("=name",)
    fields = ("name", "last_id", "done", "goal", "after_id", "floor", "system", "moved_at")
