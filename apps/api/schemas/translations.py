"""Shapes of translations and of what POST /translations answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from apps.api.schemas.common import NextCursor, PageQuery
from apps.api.schemas.jobs import Job


class Translation(Struct, frozen=True, kw_only=True):
    """One project in one target language."""

    id: str
    project: str
    name: str
    asset: str
    source_language: Annotated[str, Meta(description='BCP 47, or "auto" until it was recognized.')]
    target_locale: str
    latest_job: Annotated[str | None, Meta(description="Id of the newest job.")]
    revision: Annotated[int, Meta(description="Newest transcript revision; 0 before there is one.")]
    created_at: datetime


class TranslationPage(Struct, frozen=True, kw_only=True):
    """A page of translations, newest first."""

    items: list[Translation]
    next_cursor: NextCursor


class TranslationQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters of the translation list."""

    project: Annotated[str, Meta(max_length=32, description="Only translations of this project.")] = ""


class SubmittedTranslation(Struct, frozen=True, kw_only=True):
    """A translation that was made, or gets another iteration."""

    id: str
    target_locale: str
    job: str


class Submitted(Struct, frozen=True, kw_only=True):
    """The translation and the job of each target language, by language tag.

    `id` and `status` are those of the first job, where seed 003's clients look for them.
    """

    id: str
    status: str
    project: str
    asset: str
    translations: list[SubmittedTranslation]
    jobs: list[Job]
