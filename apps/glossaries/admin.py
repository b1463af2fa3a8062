"""Console pages of glossaries: read-only, the organization's own wording."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from apps.events.admin_base import CREATED_FILTER, NewestFirst, ReadOnlyInline, column
from apps.glossaries.models import Glossary, GlossaryVersion, Term


@admin.register(Glossary)
class GlossaryAdmin(NewestFirst):
    """Named lists of terms."""

    list_display = (
        "public_id",
        "name",
        "organization",
        "source_language",
        "target_locale",
        "created_at",
        "archived_at",
    )
    list_filter = (("organization", AutocompleteSelectFilter), CREATED_FILTER)
    list_select_related = ("organization",)
    search_fields = ("=public_id", "name")
    id_lookups = {"gls": "public_id", "org": "organization__public_id"}


class TermInline(ReadOnlyInline):
    """The terms of a version."""

    model = Term
    fields = ("source", "target", "case_sensitive", "do_not_translate")


@admin.register(GlossaryVersion)
class GlossaryVersionAdmin(NewestFirst):
    """Immutable states of glossaries."""

    list_display = ("glossary", "number", "created_by", "created_at")
    list_filter = (CREATED_FILTER,)
    list_select_related = ("glossary", "created_by")
    search_fields = ("=glossary__public_id", "glossary__name")
    id_lookups = {"gls": "glossary__public_id"}
    inlines = (TermInline,)


@admin.register(Term)
class TermAdmin(NewestFirst):
    """Single wording rules, across all glossaries."""

    list_display = ("source", "target", "glossary", "case_sensitive", "do_not_translate")
    list_filter = ("do_not_translate", "case_sensitive")
    list_select_related = ("version__glossary",)
    search_fields = ("source", "target", "=version__glossary__public_id")
    id_lookups = {"gls": "version__glossary__public_id"}

    @column(_("glossary"))
    def glossary(self, term: Term) -> str:
        return f"{term.version.glossary.name} v{term.version.number}"
