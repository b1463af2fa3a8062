"""Termbases are our glossaries: every change of their items is a new version, and a job keeps the one it was ordered with."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects.models import Resource
from apps.dialects.resources import (
    change_resource,
    create_resource,
    remove_resource,
    resource_for,
    resources_for,
)
from apps.dialects.volcengine import shapes
from apps.dialects.volcengine.actions import Call, Result, action
from apps.dialects.volcengine.dialect import NAME
from apps.dialects.volcengine.errors import missing
from apps.dialects.volcengine.languages import from_theirs, to_theirs
from apps.glossaries.models import Glossary, Term
from apps.glossaries.selectors import glossaries_by_id, glossary_for, newest_version, terms_of
from apps.glossaries.services import TermDraft, add_version, archive_glossary, create_glossary, rename_glossary
from apps.projects.services import check_folder
from apps.providers.volcengine_vod import wire

KIND: Final = "termbase"
MAX_TERMBASES: Final = 200
_FIELDS: Final = {
    "name": "Name",
    "source_language": "SourceLanguage",
    "target_locale": "TargetLanguage",
    "terms": "TermItems",
}


@action(wire.CREATE_TERMBASE, permission="glossaries.write")
def create(call: Call) -> Result:
    """An empty glossary that the space's list shows."""
    asked = call.read(shapes.CreateTermbase)
    call.name_fields(_FIELDS)
    space = check_folder(asked.SpaceName, "SpaceName")
    if asked.Scenario != wire.SCENARIO:
        raise errors.invalid("Scenario", f"Only {wire.SCENARIO}.")
    if not asked.TargetLanguage:
        raise missing("TargetLanguage")
    _check_texts(asked.Name, asked.Description)
    invocation = call.caller.invocation
    for other in _of_space(call, space):
        if other.data.get("name") == asked.Name:
            if invocation and other.data.get("invocation") == invocation:
                return {"Termbase": _show(call, other)}  # the same call, sent again
            raise errors.invalid("Name", "There is a termbase of this name.")
    if len(_of_space(call, space)) >= MAX_TERMBASES:
        raise errors.invalid("SpaceName", f"A space holds {MAX_TERMBASES} termbases at most.")
    with transaction.atomic():
        glossary = create_glossary(
            actor=call.actor,
            name=asked.Name,
            source_language=from_theirs(asked.SourceLanguage),
            target_locale=from_theirs(asked.TargetLanguage),
        )
        made = create_resource(
            organization_id=call.actor.organization.pk,
            dialect=NAME,
            kind=KIND,
            external_id=glossary.public_id,
            subject=glossary.public_id,
            data={"space": space, "name": asked.Name, "description": asked.Description, "invocation": invocation},
        )
    return {"Termbase": _show(call, made)}


@action(wire.GET_TERMBASE, reads=True)
def get(call: Call) -> Result:
    """One with its items."""
    asked = call.read(shapes.OfTermbase)
    return {"Termbase": _show(call, _find(call, asked))}


@action(wire.LIST_TERMBASE, reads=True)
def list_all(call: Call) -> Result:
    """Those of a space, newest first."""
    asked = call.read(shapes.Named)
    rows = _of_space(call, asked.SpaceName.strip())
    known = glossaries_by_id(call.actor, [row.subject for row in rows])
    return {"Termbases": [_shown(row, *known[row.subject]) for row in rows if row.subject in known]}


@action(wire.UPDATE_TERMBASE, permission="glossaries.write")
def update(call: Call) -> Result:
    """Name and description."""
    asked = call.read(shapes.UpdateTermbase)
    call.name_fields(_FIELDS)
    row = _find(call, asked)
    name = row.data["name"] if asked.Name is None else asked.Name
    description = row.data["description"] if asked.Description is None else asked.Description
    _check_texts(name, description)
    if any(other.pk != row.pk and other.data.get("name") == name for other in _of_space(call, row.data["space"])):
        raise errors.invalid("Name", "There is a termbase of this name.")
    with transaction.atomic():
        rename_glossary(actor=call.actor, glossary=_glossary(call, row), name=name)
        change_resource(row, data={**row.data, "name": name, "description": description})
    return None


@action(wire.DELETE_TERMBASE, permission="glossaries.write")
def delete(call: Call) -> Result:
    """Archived: running jobs keep their version."""
    row = _find(call, call.read(shapes.OfTermbase))
    with transaction.atomic():
        archive_glossary(actor=call.actor, glossary=_glossary(call, row))
        remove_resource(row)
    return None


@action(wire.SET_TERM_ITEM, permission="glossaries.write")
def set_items(call: Call) -> Result:
    """Adds items; one whose SourceText is there gets the new TargetText."""
    asked = call.read(shapes.SetTerms)
    call.name_fields(_FIELDS)
    glossary = _glossary(call, _find(call, asked))
    if not asked.TermItems:
        raise missing("TermItems")
    given: dict[str, str] = {}
    for place, item in enumerate(asked.TermItems):
        for name, text in (("SourceText", item.SourceText.strip()), ("TargetText", item.TargetText.strip())):
            if not 1 <= len(text.encode()) <= wire.TERM_BYTES:
                raise errors.invalid(f"TermItems.{place}.{name}", f"Needs 1 to {wire.TERM_BYTES} bytes.")
        given[item.SourceText.strip()] = item.TargetText.strip()
    _write(call, glossary, lambda old: [*_without(old, given), *(TermDraft(s, t) for s, t in given.items())])
    return None


@action(wire.DELETE_TERM_ITEM, permission="glossaries.write")
def delete_items(call: Call) -> Result:
    """Removes items by their SourceText; those that are not there are no error."""
    asked = call.read(shapes.DeleteTerms)
    glossary = _glossary(call, _find(call, asked))
    gone = {text.strip(): "" for text in asked.TermItemSourceTexts}
    _write(call, glossary, lambda old: _without(old, gone))
    return None


def _without(terms: list[TermDraft], gone: dict[str, str]) -> list[TermDraft]:
    return [term for term in terms if term.source not in gone]


def _write(call: Call, glossary: Glossary, change: Any) -> None:
    """The next version, one after the other; the same items make none."""
    with transaction.atomic():
        locked = Glossary.objects.select_for_update(no_key=True).get(pk=glossary.pk)
        old = _drafts(locked)
        new = change(old)
        if len(new) > max(wire.TERM_ITEMS, len(old)):
            raise errors.invalid("TermItems", f"A termbase holds {wire.TERM_ITEMS} items at most.")
        if {(t.source, t.target) for t in new} != {(t.source, t.target) for t in old}:
            add_version(actor=call.actor, glossary=locked, terms=new)


def _drafts(glossary: Glossary) -> list[TermDraft]:
    version = newest_version(glossary)
    return [
        TermDraft(term.source, term.target, term.case_sensitive, term.do_not_translate)
        for term in (terms_of(version) if version else ())
    ]


def _find(call: Call, asked: shapes.OfTermbase) -> Resource:
    row = resource_for(call.actor, NAME, KIND, asked.TermbaseId)
    if row.data.get("space") != asked.SpaceName.strip():
        raise errors.not_found("termbase in this space")
    return row


def _of_space(call: Call, space: str) -> list[Resource]:
    rows = resources_for(call.actor, NAME, KIND, limit=MAX_TERMBASES * 5).items
    return [row for row in rows if row.data.get("space") == space]


def _glossary(call: Call, row: Resource) -> Glossary:
    glossary = glossary_for(call.actor, row.subject)
    if glossary.archived_at is not None:
        raise ApiError(errors.GONE, "The termbase was deleted.")
    return glossary


def _show(call: Call, row: Resource) -> dict[str, Any]:
    glossary = glossary_for(call.actor, row.subject)
    version = newest_version(glossary)
    return _shown(row, glossary, terms_of(version) if version else [])


def _shown(row: Resource, glossary: Glossary, terms: list[Term]) -> dict[str, Any]:
    return {
        "Id": row.external_id,
        "Name": glossary.name,
        "Description": row.data.get("description", ""),
        "Scenario": wire.SCENARIO,
        "SourceLanguage": to_theirs(glossary.source_language),
        "TargetLanguage": to_theirs(glossary.target_locale),
        "TermItems": [{"SourceText": term.source, "TargetText": term.target or term.source} for term in terms],
    }


def _check_texts(name: str, description: str) -> None:
    if not 1 <= len(name.strip().encode()) <= wire.TERMBASE_NAME_BYTES:
        raise errors.invalid("Name", f"Needs 1 to {wire.TERMBASE_NAME_BYTES} bytes.")
    if len(description.encode()) > wire.TERMBASE_TEXT_BYTES:
        raise errors.invalid("Description", f"Has {wire.TERMBASE_TEXT_BYTES} bytes at most.")
