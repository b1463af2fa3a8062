"""Shapes of transcripts: the engine's own document with the revision it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from apps.engine.transcript import Transcript as Document

Format = Literal["json", "srt", "vtt", "ass", "ttml"]
Side = Literal["target", "source", "bilingual"]


class TranscriptQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which form of which revision."""

    format: Annotated[Format | None, Meta(description="Goes before Accept.")] = None
    side: Annotated[Side, Meta(description="Only for subtitle formats: whose text.")] = "target"
    revision: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Default: the newest.")] = None


class TranscriptRevision(Struct, frozen=True, kw_only=True):
    """One immutable revision."""

    translation: str
    revision: int
    origin: Literal["recognized", "translated", "edited"]
    created_at: datetime
    document: Document


class TranscriptEdit(Struct, frozen=True, kw_only=True):
    """What PUT takes: the answer of GET with changed lines (other members are ignored)."""

    document: Document
