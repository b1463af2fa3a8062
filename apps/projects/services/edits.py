"""Edits of a transcript by people and programs: checked, then stored as a new revision."""

from __future__ import annotations

import math
from typing import Final

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.engine.transcript import Transcript as Document
from apps.projects.models import Transcript, Translation
from apps.projects.services.transcripts import save_revision

MAX_LINES: Final = 20_000
MAX_TEXT: Final = 5_000
MAX_SPEAKERS: Final = 100


def edit_transcript(
    *, actor: Actor, translation: Translation, document: Document, expected_revision: int | None
) -> Transcript:
    """Store an edited transcript as the next revision; languages and duration stay those of the newest revision.

    Raises ApiError 1503, 4040 (nothing to edit yet), 5 with the wrong fields, 4120 when the newest revision is not
    `expected_revision` (None: whatever it is).
    """
    require(actor, "transcripts.edit")
    newest = Transcript.objects.filter(translation=translation).first()
    if newest is None:
        raise errors.not_found("transcript yet")
    document.target_locale = translation.target_locale
    document.source_language = newest.source_language
    document.duration = float(newest.document.get("duration", document.duration))
    wrong = check_document(document)
    if wrong:
        raise errors.invalid(errors=wrong)
    return save_revision(
        actor=actor,
        translation=translation,
        document=document,
        origin=Transcript.Origin.EDITED,
        expected_revision=expected_revision,
    )


def check_document(document: Document) -> dict[str, list[str]]:
    """What is wrong with it, by field path."""
    wrong: dict[str, list[str]] = {}
    if len(document.lines) > MAX_LINES:
        return {"lines": [f"At most {MAX_LINES} lines."]}
    if len(document.speakers) > MAX_SPEAKERS:
        return {"speakers": [f"At most {MAX_SPEAKERS} speakers."]}
    speakers = {speaker.id for speaker in document.speakers}
    end = document.duration or math.inf
    seen: set[str] = set()
    for number, line in enumerate(document.lines):
        path = f"lines.{number}"
        if not line.id or len(line.id) > 40 or line.id in seen:
            wrong.setdefault(f"{path}.id", []).append("Each line needs an id of its own.")
        seen.add(line.id)
        if not (0 <= line.start <= line.end):
            wrong.setdefault(f"{path}.start", []).append("start must be zero or more and not after end.")
        elif line.end > end + 0.5:
            wrong.setdefault(f"{path}.end", []).append("After the end of the media.")
        if line.speaker and line.speaker not in speakers:
            wrong.setdefault(f"{path}.speaker", []).append("Not among speakers.")
        for name in ("source", "target"):
            if len(getattr(line, name)) > MAX_TEXT:
                wrong.setdefault(f"{path}.{name}", []).append(f"At most {MAX_TEXT} characters.")
        if len(wrong) >= 50:
            break
    return wrong
