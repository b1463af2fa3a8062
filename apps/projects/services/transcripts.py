"""Transcript revisions: immutable, numbered from 1 within a translation."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import transaction

from apps.accounts.actor import Actor
from apps.core import errors
from apps.engine.transcript import Transcript as Document
from apps.projects.models import Transcript, Translation


def save_revision(
    *,
    actor: Actor | None,
    translation: Translation,
    document: Document,
    origin: str,
    expected_revision: int | None = None,
) -> Transcript:
    """Stores a new revision; the same content as the newest one of the same origin is not stored twice.

    With expected_revision raises ApiError 412 when the newest revision is another one (If-Match of the API).
    """
    body: dict[str, Any] = msgspec.to_builtins(document)
    with transaction.atomic():
        Translation.objects.select_for_update().get(pk=translation.pk)  # numbers are given out one after the other
        newest = Transcript.objects.filter(translation=translation).first()
        number = newest.revision if newest else 0
        if expected_revision is not None and expected_revision != number:
            raise errors.precondition(
                f"The transcript is at revision {number}, not {expected_revision}.", revision=number
            )
        if newest is not None and newest.origin == origin and newest.document == body:
            return newest
        return Transcript.objects.create(
            translation=translation,
            revision=number + 1,
            origin=origin,
            source_language=document.source_language,
            document=body,
            line_count=len(document.lines),
            actor=actor.as_json() if actor else {"kind": "system", "id": "", "label": "system"},
        )
