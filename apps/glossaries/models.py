"""Glossaries: an organization's wording rules, versioned; a job pins the versions it used."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


def glossary_id() -> str:
    return new_id("gls")


class Glossary(models.Model):
    """A named list of terms for one language pair; target empty means any target ("do not translate" lists)."""

    public_id = models.CharField(max_length=24, unique=True, default=glossary_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="glossaries")
    name = models.CharField(_("name"), max_length=120)
    source_language = models.CharField(_("source language"), max_length=16)
    target_locale = models.CharField(_("target language"), max_length=16, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    class Meta:
        verbose_name = _("glossary")
        verbose_name_plural = _("glossaries")
        indexes = [models.Index(fields=["organization", "-id"], name="glossary_organization")]

    def __str__(self) -> str:
        return self.name


class GlossaryVersion(models.Model):
    """An immutable state of a glossary."""

    glossary = models.ForeignKey(Glossary, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("glossary version")
        verbose_name_plural = _("glossary versions")
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["glossary", "number"], name="glossary_version_once")]

    def __str__(self) -> str:
        return f"{self.glossary} v{self.number}"


class Term(models.Model):
    """One wording rule."""

    version = models.ForeignKey(GlossaryVersion, on_delete=models.CASCADE, related_name="terms")
    source = models.CharField(_("source"), max_length=200)
    target = models.CharField(_("target"), max_length=200, blank=True)
    case_sensitive = models.BooleanField(_("case-sensitive"), default=False)
    do_not_translate = models.BooleanField(_("do not translate"), default=False)

    class Meta:
        verbose_name = _("term")
        verbose_name_plural = _("terms")
        constraints = [models.UniqueConstraint(fields=["version", "source"], name="term_once")]

    def __str__(self) -> str:
        return self.source
