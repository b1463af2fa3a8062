"""Reads of glossaries: another tenant's glossary does not exist."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import OuterRef, Subquery

from apps.accounts.actor import Actor
from apps.core import errors
from apps.glossaries.models import Glossary, GlossaryVersion, Term


def glossary_for(actor: Actor, public_id: str) -> Glossary:
    """The glossary; ApiError 404."""
    found = Glossary.objects.filter(organization=actor.organization, public_id=public_id).first()
    if found is None:
        raise errors.not_found("glossary")
    return found


def glossaries_for(actor: Actor, *, cursor: int = 0, limit: int = 50) -> list[Glossary]:
    """Glossaries that are not archived, newest first, before the row with id `cursor` (0: from the top)."""
    rows = Glossary.objects.filter(organization=actor.organization, archived_at=None)
    return list((rows.filter(id__lt=cursor) if cursor else rows).order_by("-id")[:limit])


def glossaries_by_id(actor: Actor, public_ids: Iterable[str]) -> dict[str, tuple[Glossary, list[Term]]]:
    """Those of these glossaries that are the organization's, with the terms of their newest version, in two queries."""
    rows = Glossary.objects.filter(organization=actor.organization, public_id__in=list(public_ids))
    newest = GlossaryVersion.objects.filter(glossary=OuterRef("pk")).order_by("-number")
    found = {row.pk: row for row in rows.annotate(newest=Subquery(newest.values("pk")[:1]))}
    versions = {row.newest: key for key, row in found.items()}
    terms: dict[int, list[Term]] = {key: [] for key in found}
    for term in Term.objects.filter(version_id__in=[pk for pk in versions if pk is not None]).order_by("pk"):
        terms[versions[term.version_id]].append(term)
    return {row.public_id: (row, terms[key]) for key, row in found.items()}


def newest_version(glossary: Glossary) -> GlossaryVersion | None:
    """The version that an order placed now would pin."""
    return glossary.versions.first()


def terms_of(version: GlossaryVersion) -> list[Term]:
    """Its terms, as they were given."""
    return list(version.terms.order_by("pk"))
