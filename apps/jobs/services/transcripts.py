"""Edits of a transcript by people: a new revision, checked, and told to whoever looks at the translation."""

from __future__ import annotations

import math

import msgspec

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.engine.transcript import Transcript as Document
from apps.events import log
from apps.projects.models import Transcript, Translation
from apps.projects.services import save_revision

MAX_LINES = 20_000
MAX_TEXT = 5_000


def edit_transcript(
    *, actor: Actor, translation: Translation, document: Document, expected_revision: int
) -> Transcript:
    """Stores an edited transcript as the next revision.

    Raises ApiError 5 for lines that make no sense, 4120 (HTTP 412) when the newest revision is not the expected one.
    """
    require(actor, "transcripts.edit")
    if wrong := problems(document):
        raise errors.invalid(errors=wrong)
    saved = save_revision(
        actor=actor,
        translation=translation,
        document=document,
        origin=Transcript.Origin.EDITED,
        expected_revision=expected_revision,
    )
    log.record(
        type="transcript.edited",
        actor=actor,
        organization_id=translation.organization_id,
        subject=translation,
        data={"revision": saved.revision, "lines": saved.line_count},
    )
    return saved


def read_document(data: bytes) -> Document:
    """A transcript from JSON; raises ApiError 5 naming the place that is wrong."""
    try:
        return Document.from_json(data)
    except msgspec.MsgspecError as error:
        raise errors.invalid("lines", str(error)) from None


def problems(document: Document) -> dict[str, list[str]]:
    """Field -> what is wrong with it: times, ids, lengths."""
    wrong: dict[str, list[str]] = {}
    if len(document.lines) > MAX_LINES:
        wrong["lines"] = [f"More than {MAX_LINES} lines."]
        return wrong
    seen: set[str] = set()
    speakers = {speaker.id for speaker in document.speakers}
    for place, line in enumerate(document.lines):
        name = f"lines.{place}"
        if not (math.isfinite(line.start) and math.isfinite(line.end) and 0 <= line.start <= line.end):
            wrong.setdefault(f"{name}.end", []).append("Needs 0 <= start <= end, in seconds.")
        elif document.duration and line.start > document.duration + 1:
            wrong.setdefault(f"{name}.start", []).append("Begins after the end of the media.")
        if not line.id or line.id in seen:
            wrong.setdefault(f"{name}.id", []).append("Each line needs an id of its own.")
        seen.add(line.id)
        if line.speaker and line.speaker not in speakers:
            wrong.setdefault(f"{name}.speaker", []).append("Not among the speakers.")
        if len(line.source) > MAX_TEXT or len(line.target) > MAX_TEXT:
            wrong.setdefault(f"{name}.target", []).append(f"Longer than {MAX_TEXT} characters.")
        if "\x00" in line.source or "\x00" in line.target:
            wrong.setdefault(f"{name}.target", []).append("Holds a zero byte.")
    return wrong
