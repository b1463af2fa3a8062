"""Shapes of what the installation offers: languages, error codes; and of glossaries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from apps.api.schemas.common import NextCursor


class Language(Struct, frozen=True, kw_only=True):
    """A language by its BCP 47 tag, named in English, in itself and in the caller's language."""

    code: str
    name: str
    autonym: str
    localized_name: str
    direction: str


class Languages(Struct, frozen=True, kw_only=True):
    """What can be spoken in the source and what can be asked for."""

    source: list[Language]
    target: list[Language]


class ErrorCode(Struct, frozen=True, kw_only=True):
    """One number and what it means."""

    code: int
    status: Annotated[int | None, Meta(description="HTTP status of API codes; null for job codes.")]
    title: str
    explanation: str
    retry: Annotated[bool | None, Meta(description="Job codes: may the same order succeed when tried again?")]


class ErrorCodes(Struct, frozen=True, kw_only=True):
    """API codes come with a refused request, job codes in a failed job's `error_code`."""

    api: list[ErrorCode]
    job: list[ErrorCode]


class Term(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One wording rule."""

    source: Annotated[str, Meta(min_length=1, max_length=200)]
    target: Annotated[str, Meta(max_length=200)] = ""
    case_sensitive: bool = False
    do_not_translate: bool = False


class NewGlossary(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list of terms for a language pair; without a target language it serves every target."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    source_language: Annotated[str, Meta(min_length=2, max_length=16)]
    target_locale: Annotated[str, Meta(max_length=16)] = ""
    terms: Annotated[list[Term], Meta(max_length=5000)] = []


class NewTerms(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole list of terms of the next version."""

    terms: Annotated[list[Term], Meta(max_length=5000)]


class GlossarySummary(Struct, frozen=True, kw_only=True):
    """A glossary in lists."""

    id: str
    name: str
    source_language: str
    target_locale: Annotated[str, Meta(description="Empty: for every target.")]
    version: int
    term_count: int
    created_at: datetime


class Glossary(Struct, frozen=True, kw_only=True):
    """A glossary with the terms of its newest version."""

    id: str
    name: str
    source_language: str
    target_locale: Annotated[str, Meta(description="Empty: for every target.")]
    version: int
    terms: list[Term]
    created_at: datetime


class GlossaryPage(Struct, frozen=True, kw_only=True):
    """A page of glossaries, newest first."""

    items: list[GlossarySummary]
    next_cursor: NextCursor
