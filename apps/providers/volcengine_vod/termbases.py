"""Glossaries as termbases: one termbase for each pinned version and language pair, found again by its name, limits checked before.

A termbase's name is made from all that is in it, so that it never needs to change: the same version is the same termbase for
every job, another version is another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.core import errors
from apps.core.errors import JobError
from apps.providers.conversation import PinnedGlossary, Work
from apps.providers.volcengine_vod import wire

PREFIX: Final = "kg-"
_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Termbase:
    """A termbase as it should be at the vendor."""

    name: str
    description: str
    source: str
    target: str
    items: tuple[tuple[str, str], ...]

    def create(self, space: str) -> dict[str, str]:
        """The body of CreateAITermbase."""
        return {
            "SpaceName": space,
            "Name": self.name,
            "Description": self.description,
            "Scenario": wire.SCENARIO,
            "SourceLanguage": self.source,
            "TargetLanguage": self.target,
        }

    def set_items(self, space: str, termbase_id: str) -> dict[str, Any]:
        """The body of SetAITermItem: every item is added, or written over by its source text."""
        items = [{"SourceText": source, "TargetText": target} for source, target in self.items]
        return {"SpaceName": space, "TermbaseId": termbase_id, "TermItems": items}


def termbases_of(work: Work) -> dict[str, Termbase]:
    """Name -> termbase of every pinned glossary that has terms for this language."""
    source, target = wire.language_of(work.order.source_language), wire.language_of(work.target_locale)
    made = (_termbase(glossary, source, target) for glossary in work.glossaries)
    return {termbase.name: termbase for termbase in made if termbase.items}


def check(glossaries: Iterable[PinnedGlossary]) -> None:
    """Raises JobError 10908 naming every term that the vendor's limits do not let through; nothing was sent yet."""
    wrong: list[str] = []
    for glossary in glossaries:
        pairs = items_of(glossary)
        for source, target in pairs:
            for side in dict.fromkeys((source, target)):
                size = len(side.encode())
                if size > wire.TERM_BYTES:
                    wrong.append(f'"{side}" ({glossary.name}) has {size} bytes, {wire.TERM_BYTES} at most')
        beyond = [source for source, _ in pairs[wire.TERM_ITEMS :]]
        if beyond:
            named = ", ".join(f'"{source}"' for source in beyond[:_MOST_NAMED])
            more = f" and {len(beyond) - _MOST_NAMED} more" if len(beyond) > _MOST_NAMED else ""
            wrong.append(
                f"{glossary.name} has {len(pairs)} terms, {wire.TERM_ITEMS} at most: too many are {named}{more}"
            )
    if wrong:
        more = f"; and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
        reason = "; ".join(wrong[:_MOST_NAMED])
        raise JobError(errors.PROVIDER_FAILED, f"Volcengine does not take these glossary terms: {reason}{more}")


def items_of(glossary: PinnedGlossary) -> list[tuple[str, str]]:
    """(source text, target text) of a glossary; what must not be translated is its own translation."""
    pairs = {
        term.source.strip(): (term.source if term.do_not_translate else term.target).strip() for term in glossary.terms
    }
    return [(source, target) for source, target in pairs.items() if source and target]


def remarks(glossaries: Iterable[PinnedGlossary]) -> tuple[str, ...]:
    """What the vendor cannot honour of the terms, in words."""
    if any(term.case_sensitive for glossary in glossaries for term in glossary.terms):
        return ("Volcengine applies glossary terms whatever their case.",)
    return ()


def known(listed: Iterable[Mapping[str, Any]], wanted: Mapping[str, Termbase]) -> dict[str, str]:
    """Name -> id of the wanted termbases, "" for one that is not at the vendor."""
    found = {str(row.get("Name") or ""): str(row.get("Id") or "") for row in listed}
    return {name: found.get(name, "") for name in sorted(wanted)}


def _termbase(glossary: PinnedGlossary, source: str, target: str) -> Termbase:
    items = tuple(items_of(glossary))
    facts = json.dumps([glossary.id, glossary.version, source, target, items], ensure_ascii=False)
    name = PREFIX + hashlib.sha256(facts.encode()).hexdigest()[:20]
    words = f"{glossary.id} v{glossary.version} {glossary.name}".encode()[: wire.TERMBASE_TEXT_BYTES]
    return Termbase(name, words.decode("utf-8", "ignore"), source, target, items)
