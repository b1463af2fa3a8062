"""Console pages of assets, uploads, projects, translations and transcripts: read-only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from apps.events.admin_base import CREATED_FILTER, NewestFirst, actor_label, column, pretty_json
from apps.projects.models import Asset, Project, Transcript, Translation, Upload

ORGANIZATION_FILTER = ("organization", AutocompleteSelectFilter)


def seconds(milliseconds: int | None) -> str:
    """Length as h:mm:ss, "-" when unknown."""
    if milliseconds is None:
        return "-"
    whole = milliseconds // 1000
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


@admin.register(Asset)
class AssetAdmin(NewestFirst):
    """Files in storage and links not fetched yet."""

    list_display = ("public_id", "file_name", "organization", "kind", "state", "bytes", "length", "created_at")
    list_filter = (ORGANIZATION_FILTER, "kind", "status", CREATED_FILTER)
    list_select_related = ("organization",)
    search_fields = ("=public_id", "=sha256", "file_name")
    id_lookups = {"ast": "public_id", "org": "organization__public_id"}
    search_help_text = _("Public id, SHA-256 or file name")
    exclude = ("probe",)
    readonly_fields = ("bytes", "length", "probed")

    @column(_("status"), label={"stored": "success", "failed": "danger", "remote": "info"})
    def state(self, asset: Asset) -> tuple[str, str]:
        return asset.status, asset.get_status_display()

    @column(_("size"))
    def bytes(self, asset: Asset) -> str:
        return filesizeformat(asset.size) if asset.size is not None else "-"

    @column(_("length"))
    def length(self, asset: Asset) -> str:
        return seconds(asset.duration_ms)

    @column(_("probe"))
    def probed(self, asset: Asset) -> SafeString:
        return pretty_json(asset.probe)


@admin.register(Upload)
class UploadAdmin(NewestFirst):
    """Resumable uploads under way."""

    list_display = ("public_id", "file_name", "organization", "offset", "length", "created_at", "expires_at")
    list_filter = (ORGANIZATION_FILTER, "kind", CREATED_FILTER)
    list_select_related = ("organization",)
    search_fields = ("=public_id", "file_name")
    id_lookups = {"upl": "public_id", "ast": "asset__public_id", "org": "organization__public_id"}


@admin.register(Project)
class ProjectAdmin(NewestFirst):
    """Source assets to be localized."""

    list_display = ("public_id", "name", "folder", "organization", "source_asset", "source_language", "created_at")
    list_filter = (ORGANIZATION_FILTER, CREATED_FILTER)
    list_select_related = ("organization", "source_asset")
    search_fields = ("=public_id", "name", "=folder")
    id_lookups = {"prj": "public_id", "ast": "source_asset__public_id", "org": "organization__public_id"}


@admin.register(Translation)
class TranslationAdmin(NewestFirst):
    """Project x target locale."""

    list_display = ("public_id", "project", "target_locale", "organization", "created_at")
    list_filter = (ORGANIZATION_FILTER, CREATED_FILTER)
    list_select_related = ("organization", "project")
    search_fields = ("=public_id", "=target_locale", "=project__public_id")
    id_lookups = {"trn": "public_id", "prj": "project__public_id", "org": "organization__public_id"}


@admin.register(Transcript)
class TranscriptAdmin(NewestFirst):
    """Immutable revisions."""

    list_display = ("translation", "revision", "origin", "line_count", "who", "created_at")
    list_filter = ("origin", CREATED_FILTER)
    list_select_related = ("translation__project",)
    search_fields = ("=translation__public_id",)
    id_lookups = {"trn": "translation__public_id"}
    exclude = ("document", "actor")
    readonly_fields = ("who", "contents")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transcript]:
        """Without the documents, which may be large, in the list."""
        rows: QuerySet[Transcript] = super().get_queryset(request)
        return rows.defer("document")

    @column(_("actor"))
    def who(self, transcript: Transcript) -> str:
        return actor_label(transcript.actor)

    @column(_("document"))
    def contents(self, transcript: Transcript) -> SafeString:
        return pretty_json(transcript.document)
