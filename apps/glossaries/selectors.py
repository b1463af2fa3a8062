"""Reads of glossaries: another tenant's glossary does not exist."""

from __future__ import annotations

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


def newest_version(glossary: Glossary) -> GlossaryVersion | None:
    """The version that an order placed now would pin."""
    return glossary.versions.first()


def terms_of(version: GlossaryVersion) -> list[Term]:
    """Its terms, as they were given."""
    return list(version.terms.order_by("pk"))
