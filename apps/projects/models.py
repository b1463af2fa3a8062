"""Assets and uploads; projects, their translations and the transcripts' revisions."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


def asset_id() -> str:
    return new_id("ast")


def upload_id() -> str:
    return new_id("upl")


def project_id() -> str:
    return new_id("prj")


def translation_id() -> str:
    return new_id("trn")


class Asset(models.Model):
    """A media, subtitle or picture file of an organization in object storage, or a link to one that a job will fetch."""

    class Kind(models.TextChoices):
        MEDIA = "media", _("Media")
        SUBTITLE = "subtitle", _("Subtitles")
        IMAGE = "image", _("Image")

    class Status(models.TextChoices):
        REMOTE = "remote", _("Link, not fetched yet")
        STORED = "stored", _("Stored")
        FAILED = "failed", _("Could not be fetched")
        DELETED = "deleted", _("Deleted")

    public_id = models.CharField(max_length=24, unique=True, default=asset_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="assets")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.MEDIA)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices)
    file_name = models.CharField(_("file name"), max_length=255, blank=True)
    source_url = models.TextField(_("link"), blank=True)
    storage_key = models.CharField(_("storage key"), max_length=255, blank=True)
    size = models.BigIntegerField(_("size, bytes"), null=True, blank=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    content_type = models.CharField(_("content type"), max_length=100, blank=True)
    duration_ms = models.BigIntegerField(_("length, ms"), null=True, blank=True)
    probe = models.JSONField(_("what the probe found"), null=True, blank=True)
    # Where its faces are, once somebody asked (services/faces.py): status, when, what was seen or why nothing.
    faces = models.JSONField(null=True, blank=True, editable=False)
    error_code = models.PositiveIntegerField(_("error code"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("asset")
        verbose_name_plural = _("assets")
        indexes = [models.Index(fields=["organization", "-id"], name="asset_organization")]

    def __str__(self) -> str:
        return self.file_name or self.source_url or self.public_id


class Upload(models.Model):
    """A resumable upload under way (tus 1.0). Bytes wait in a local part file until complete, then become an Asset."""

    public_id = models.CharField(max_length=24, unique=True, default=upload_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    file_name = models.CharField(_("file name"), max_length=255, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Asset.Kind.choices, default=Asset.Kind.MEDIA)
    metadata = models.JSONField(_("metadata"), default=dict)
    length = models.BigIntegerField(_("length, bytes"))
    offset = models.BigIntegerField(_("received, bytes"), default=0)
    asset = models.OneToOneField(Asset, on_delete=models.SET_NULL, null=True, blank=True, related_name="upload")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(offset__gte=0) & models.Q(offset__lte=models.F("length")),
                name="upload_offset_in_range",
            )
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="upload_organization"),
            models.Index(fields=["expires_at"], name="upload_due"),
        ]

    def __str__(self) -> str:
        return self.public_id


class Project(models.Model):
    """One source asset to be localized, with its source language ("auto" until recognized)."""

    public_id = models.CharField(max_length=24, unique=True, default=project_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(_("name"), max_length=200, blank=True)
    source_asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="projects")
    source_language = models.CharField(_("source language"), max_length=16, default="auto")
    folder = models.CharField(
        _("folder"), max_length=64, blank=True, default="", db_default="", help_text=_("Groups projects; may be empty.")
    )
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        indexes = [
            models.Index(fields=["organization", "-id"], name="project_organization"),
            models.Index(
                fields=["organization", "folder", "-id"], condition=~models.Q(folder=""), name="project_folder"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.public_id


class Translation(models.Model):
    """Project x target locale."""

    public_id = models.CharField(max_length=24, unique=True, default=translation_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="translations")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="translations")
    target_locale = models.CharField(_("target language"), max_length=16)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("translation")
        verbose_name_plural = _("translations")
        constraints = [models.UniqueConstraint(fields=["project", "target_locale"], name="translation_once")]
        indexes = [models.Index(fields=["organization", "-id"], name="translation_organization")]

    def __str__(self) -> str:
        return f"{self.project} → {self.target_locale}"


class Transcript(models.Model):
    """One immutable revision of a translation's timed, speaker-labelled lines (JSON of apps.engine.transcript.Transcript)."""

    class Origin(models.TextChoices):
        RECOGNIZED = "recognized", _("Recognized")
        TRANSLATED = "translated", _("Translated")
        EDITED = "edited", _("Edited")

    translation = models.ForeignKey(Translation, on_delete=models.CASCADE, related_name="transcripts")
    revision = models.PositiveIntegerField(_("revision"))
    origin = models.CharField(_("origin"), max_length=12, choices=Origin.choices)
    source_language = models.CharField(_("source language"), max_length=16)
    document = models.JSONField(_("document"))
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    actor = models.JSONField(_("actor"), default=dict)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("transcript")
        verbose_name_plural = _("transcripts")
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(fields=["translation", "revision"], name="transcript_once")]

    def __str__(self) -> str:
        return f"{self.translation} r{self.revision}"
