"""Verbs of glossaries: every change of terms is a new version; jobs keep the version that they were ordered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors, languages
from apps.events import log
from apps.glossaries.models import Glossary, GlossaryVersion, Term

MAX_TERMS: Final = 5_000
MAX_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class TermDraft:
    """One wording rule as given; a term that is not to be translated needs no target."""

    source: str
    target: str = ""
    case_sensitive: bool = False
    do_not_translate: bool = False


def create_glossary(
    *, actor: Actor, name: str, source_language: str, target_locale: str = "", terms: Sequence[TermDraft] = ()
) -> Glossary:
    """A glossary with its first version; target_locale "" is for every target. Raises ApiError 5 or 1503."""
    require(actor, "glossaries.write")
    wrong: dict[str, list[str]] = {}
    name = name.strip()
    if not 1 <= len(name) <= 120:
        wrong["name"] = ["Needs 1 to 120 characters."]
    try:
        source_language = languages.match_source(source_language)
        if source_language == languages.AUTO:
            wrong["source_language"] = ["Name the language."]
    except languages.UnknownLanguage as error:
        wrong["source_language"] = [str(error)]
    if target_locale:
        try:
            target_locale = languages.match_target(target_locale)
        except languages.UnknownLanguage as error:
            wrong["target_locale"] = [str(error)]
    checked = _checked(terms, wrong)
    if wrong:
        raise errors.invalid(errors=wrong)
    with transaction.atomic():
        glossary = Glossary.objects.create(
            organization=actor.organization, name=name, source_language=source_language, target_locale=target_locale
        )
        _write(actor, glossary, 1, checked)
        log.record(
            type="glossary.created",
            actor=actor,
            organization_id=actor.organization.pk,
            subject=glossary,
            data={"name": name, "terms": len(checked)},
        )
    return glossary


def add_version(*, actor: Actor, glossary: Glossary, terms: Sequence[TermDraft]) -> GlossaryVersion:
    """Replaces the terms by a new version. Raises ApiError 5, or 4100 for an archived glossary."""
    require(actor, "glossaries.write")
    wrong: dict[str, list[str]] = {}
    checked = _checked(terms, wrong)
    if wrong:
        raise errors.invalid(errors=wrong)
    with transaction.atomic():
        locked = Glossary.objects.select_for_update(no_key=True).get(pk=glossary.pk)
        if locked.archived_at is not None:
            raise errors.ApiError(errors.GONE, "The glossary is archived.")
        newest = locked.versions.first()
        version = _write(actor, locked, newest.number + 1 if newest else 1, checked)
        log.record(
            type="glossary.changed",
            actor=actor,
            organization_id=actor.organization.pk,
            subject=locked,
            data={"version": version.number, "terms": len(checked)},
        )
    return version


def rename_glossary(*, actor: Actor, glossary: Glossary, name: str) -> Glossary:
    """Another name; the same again changes nothing. Raises ApiError 5, or 4100 for an archived glossary."""
    require(actor, "glossaries.write")
    name = name.strip()
    if not 1 <= len(name) <= 120:
        raise errors.invalid("name", "Needs 1 to 120 characters.")
    with transaction.atomic():
        locked = Glossary.objects.select_for_update(no_key=True).get(pk=glossary.pk)
        if locked.archived_at is not None:
            raise errors.ApiError(errors.GONE, "The glossary is archived.")
        if locked.name != name:
            before, locked.name = locked.name, name
            locked.save(update_fields=["name"])
            log.record(
                type="glossary.renamed",
                actor=actor,
                organization_id=actor.organization.pk,
                subject=locked,
                data={"from": before, "to": name},
            )
    return locked


def archive_glossary(*, actor: Actor, glossary: Glossary) -> None:
    """New orders cannot name it any more; running jobs keep their version. Again is harmless."""
    require(actor, "glossaries.write")
    with transaction.atomic():
        if Glossary.objects.filter(pk=glossary.pk, archived_at=None).update(archived_at=clock.now()):
            log.record(type="glossary.archived", actor=actor, organization_id=actor.organization.pk, subject=glossary)


def _checked(terms: Sequence[TermDraft], wrong: dict[str, list[str]]) -> list[TermDraft]:
    if len(terms) > MAX_TERMS:
        wrong["terms"] = [f"More than {MAX_TERMS} terms."]
        return []
    kept: list[TermDraft] = []
    seen: set[str] = set()
    for place, term in enumerate(terms):
        source, target = term.source.strip(), term.target.strip()
        if not 1 <= len(source) <= MAX_LENGTH:
            wrong[f"terms.{place}.source"] = [f"Needs 1 to {MAX_LENGTH} characters."]
        elif source in seen:
            wrong[f"terms.{place}.source"] = ["There twice."]
        if term.do_not_translate:
            target = ""
        elif not 1 <= len(target) <= MAX_LENGTH:
            wrong[f"terms.{place}.target"] = [f"Needs 1 to {MAX_LENGTH} characters, or do_not_translate."]
        seen.add(source)
        kept.append(TermDraft(source, target, term.case_sensitive, term.do_not_translate))
    return kept


def _write(actor: Actor, glossary: Glossary, number: int, terms: Sequence[TermDraft]) -> GlossaryVersion:
    version = GlossaryVersion.objects.create(glossary=glossary, number=number, created_by=actor.user)
    Term.objects.bulk_create(
        Term(
            version=version,
            source=term.source,
            target=term.target,
            case_sensitive=term.case_sensitive,
            do_not_translate=term.do_not_translate,
        )
        for term in terms
    )
    return version
