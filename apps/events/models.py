"""Event: one row of the append-only log that feeds audit, timelines, live pages and webhooks."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """A fact that happened. Rows are never changed or deleted by the application (a database trigger refuses).

    `organization_id` is no foreign key on purpose: the log sits below every other app and outlives what it speaks of.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.BigIntegerField(null=True, blank=True)
    type = models.CharField(_("type"), max_length=64, help_text=_("For example job.completed or key.revoked."))
    subject_type = models.CharField(_("subject type"), max_length=32)
    subject_id = models.CharField(_("subject"), max_length=40, help_text=_("Public id of what the event is about."))
    actor = models.JSONField(_("actor"), default=dict, help_text=_("kind, id and label of who did it."))
    data = models.JSONField(_("data"), default=dict)
    request_id = models.CharField(_("request id"), max_length=64, blank=True, default="")
    created_at = models.DateTimeField(_("time"), db_default=models.functions.Now())

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization_id", "-id"], name="event_organization"),
            models.Index(fields=["subject_id", "id"], name="event_subject"),
            models.Index(fields=["type", "-id"], name="event_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_id}"


class Cursor(models.Model):
    """How far a durable reader of the log has come (apps/events/cursor.py).

    `done` is the PostgreSQL snapshot of its last reading: what was visible in it has been read. `system` names the database
    cluster whose transaction numbers these are; `floor` and `last_id` let it go on after the log was restored into another one.
    """

    name = models.CharField(max_length=40, primary_key=True)
    done = models.TextField()
    goal = models.TextField(blank=True, default="", help_text="Snapshot that is being read up to, while in pages.")
    after_id = models.BigIntegerField(default=0, help_text="Last row read on the way to the goal.")
    last_id = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(default=0)
    system = models.BigIntegerField()
    moved_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        verbose_name = _("reader's position")
        verbose_name_plural = _("readers' positions")

    def __str__(self) -> str:
        return self.name
