"""Resource: what a client of another service's protocol calls by an id of its own, and which of our objects that is."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Resource(models.Model):
    """A thing that exists in a dialect: a translation, an iteration, an operation, a project, a task, a termbase.

    `external_id` is what the client calls it, unique within organization, dialect, kind and parent. `subject` is the public id of
    our object ("job_…", "trn_…", "glo_…"), "" when there is none. `data` keeps what our rows do not say (the request as sent,
    a display name), never what they do.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    dialect = models.CharField(_("dialect"), max_length=24)
    kind = models.CharField(_("kind"), max_length=24)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    external_id = models.CharField(_("their id"), max_length=200)
    subject = models.CharField(_("our id"), max_length=40, blank=True, default="")
    data = models.JSONField(_("data"), default=dict)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    updated_at = models.DateTimeField(_("changed"), db_default=Now())

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "dialect", "kind", "parent", "external_id"],
                name="resource_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["organization", "dialect", "kind", "parent", "-id"], name="resource_list"),
            models.Index(fields=["subject"], name="resource_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.dialect} {self.kind} {self.external_id}"
