"""Editing a project's text: utterances by id, whole subtitle files, new and removed utterances; each a new revision."""

from __future__ import annotations

import bisect
import hashlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

from apps.core import errors
from apps.core.errors import JobError
from apps.dialects.volcengine import projects, shapes
from apps.dialects.volcengine.actions import Call, Result, action
from apps.dialects.volcengine.assets import asset_of
from apps.dialects.volcengine.errors import missing
from apps.dialects.volcengine.projects import VOICES
from apps.dialects.volcengine.subtitle_files import cues_of
from apps.dialects.volcengine.text_parts import (
    SOURCE,
    TARGET,
    clip_of,
    line_of,
    utterance_of,
)
from apps.engine import given as given_subtitles
from apps.engine.subtitles import Cue
from apps.engine.transcript import Line, Transcript
from apps.jobs import states
from apps.jobs.services import edit_transcript
from apps.projects.models import Asset
from apps.providers.volcengine_vod import wire

_NAMES = {"lines": "Utterances"}


@action(wire.UPDATE_UTTERANCES, permission="transcripts.edit")
def update_utterances(call: Call) -> Result:
    """By id, or the whole of one or both languages from a file."""
    asked = call.read(shapes.UpdateUtterances)
    field = wire.UPDATE_TYPES.get(asked.UpdateType)
    if field is None:
        raise errors.invalid("UpdateType", f"One of {', '.join(wire.UPDATE_TYPES)}.")
    found = editable(call, asked.SpaceName, asked.ProjectId)
    document = found.document
    if asked.UpdateType == wire.BY_ID:
        if not asked.Utterances:
            raise missing("Utterances")
        notes = projects.notes_of(call, found)
        voices: dict[str, str] = notes.data.get(VOICES) or {}
        for place, change in enumerate(asked.Utterances):
            _change(document, change, f"Utterances.{place}", voices)
        document.lines.sort(key=lambda line: (line.start, line.end))
    else:
        name: str = getattr(asked, field)
        if not name:
            raise missing(field)
        file = asset_of(call.actor, name, kind=Asset.Kind.SUBTITLE, field=field, folder=asked.SpaceName)
        document.lines = _from_file(asked.UpdateType, document, cues_of(file, field=field), field)
    return {"ProjectBaseInfo": save(call, found, document)}


@action("CreateAITranslationUtterance", permission="transcripts.edit")
def create_utterance(call: Call) -> Result:
    """A new line without text; its two sides and their clips."""
    asked = call.read(shapes.CreateUtterance)
    found = editable(call, asked.SpaceName, asked.ProjectId)
    document = found.document
    _check_speaker(document, asked.SpeakerId, "SpeakerId")
    if not 0 <= asked.StartTime < asked.EndTime:
        raise errors.invalid("EndTime", "Needs 0 <= StartTime < EndTime, in milliseconds.")
    identity = found.translation.public_id
    # The same call sent again by the SDK makes the same line.
    seed = call.caller.invocation or call.caller.claim.signature
    line_id = "u" + hashlib.sha256(f"{identity}{seed}".encode()).hexdigest()[:10]
    line = next((line for line in document.lines if line.id == line_id), None)
    if line is None:
        line = Line(
            id=line_id, start=asked.StartTime / 1000, end=asked.EndTime / 1000, speaker=asked.SpeakerId, voice=None
        )
        line.voice = (projects.notes_of(call, found).data.get(VOICES) or {}).get(asked.SpeakerId)
        document.lines.append(line)
        document.lines.sort(key=lambda row: (row.start, row.end))
        save(call, found, document)
    made: dict[str, Any] = {}
    for side, name in ((SOURCE, "Source"), (TARGET, "Target")):
        made[f"{name}Utterance"] = utterance_of(identity, side, line, faces=found.moves_mouths)
        made[f"{name}Clip"] = clip_of(side, line)
    return made


@action("RemoveAITranslationUtterance", permission="transcripts.edit")
def remove_utterance(call: Call) -> Result:
    """Both sides of a line go together."""
    asked = call.read(shapes.OfUtterance)
    found = editable(call, asked.SpaceName, asked.ProjectId)
    document = found.document
    at = line_of(document, asked.UtteranceId)
    if at is None:
        raise errors.not_found("utterance")
    document.lines = [line for line in document.lines if line.id != at[1].id]
    save(call, found, document)
    return None


def editable(call: Call, space: str, project_id: str) -> projects.Found:
    """A project whose text may be edited: paused, or finished. Raises ApiError 4040 or 4090."""
    found = projects.find(call, space, project_id)
    if found.job.status not in (states.PAUSED, states.COMPLETED):
        raise errors.conflict("Subtitles can be edited while the project is suspended, or when it is finished.")
    return found


def save(call: Call, found: projects.Found, document: Transcript) -> dict[str, Any]:
    """The next revision, unless somebody else was faster (4120); ProjectBaseInfo with the new version."""
    assert found.row is not None
    call.name_fields(_NAMES)
    row = edit_transcript(
        actor=call.actor, translation=found.translation, document=document, expected_revision=found.row.revision
    )
    return {"ProjectId": found.translation.public_id, "ProjectVersion": projects.version_of(found.job, row)}


def _change(document: Transcript, change: shapes.Utterance, field: str, voices: dict[str, str]) -> None:
    at = line_of(document, change.Id)
    if at is None:
        raise errors.invalid(f"{field}.Id", f"There is no utterance {change.Id[:40]!r}.")
    side, line = at
    if change.Volume is not None and change.Volume != 100:
        raise errors.invalid(f"{field}.Volume", "The volume of single utterances cannot be changed; only 100.")
    if change.Text is not None:
        if side == SOURCE:
            line.source = change.Text
        else:
            line.target = change.Text
    if change.SpeakerId is not None and change.SpeakerId != line.speaker:
        _check_speaker(document, change.SpeakerId, f"{field}.SpeakerId")
        line.speaker, line.voice = change.SpeakerId, voices.get(change.SpeakerId)
    if change.Trim is not None:
        start = line.start if change.Trim.Start is None else change.Trim.Start / 1000
        end = line.end if change.Trim.End is None else change.Trim.End / 1000
        if not 0 <= start < end:
            raise errors.invalid(f"{field}.Trim", "Needs 0 <= Start < End, in milliseconds.")
        line.start, line.end = start, end


def _check_speaker(document: Transcript, speaker: str, field: str) -> None:
    if speaker and speaker not in {row.id for row in document.speakers}:
        raise errors.invalid(field, f"There is no speaker {speaker[:40]!r}.")


def _from_file(kind: str, document: Transcript, cues: list[Cue], field: str) -> list[Line]:
    """Lines with the file's times; what it does not tell (the other language, speakers) is taken from the lines it meets."""
    try:
        if kind == wire.TWO_SIDED_FILE:
            spoken, written = given_subtitles.split_bilingual(cues, document.target_locale)
            lines, _ = _lines(spoken, document)
            given_subtitles.pair_targets(lines, written)
            return _with_speakers(lines, document)
        lines, _ = _lines(cues, document)
    except JobError as error:
        raise errors.invalid(field, f"{error.reason[:1].upper()}{error.reason[1:]}.") from None
    text: Callable[[Line], str] = (lambda row: row.target) if kind == wire.INPUT_FILE else (lambda row: row.source)
    other = [Cue(line.start, line.end, text(line)) for line in document.lines if text(line)]
    given_subtitles.pair_targets(lines, other)
    if kind == wire.OUTPUT_FILE:
        for line in lines:
            line.source, line.target = line.target, line.source
    return _with_speakers(lines, document)


def _lines(cues: list[Cue], document: Transcript) -> tuple[list[Line], list[str]]:
    duration = document.duration or math.inf
    return given_subtitles.lines_from_cues(cues, duration, by_sentence=False, max_lines=20_000)


def _with_speakers(lines: list[Line], document: Transcript) -> list[Line]:
    known = sorted(document.lines, key=lambda row: row.start)
    starts = [row.start for row in known]
    for line in lines:
        # Only near ones: a file may have as many lines as the project, and the caller waits.
        place = bisect.bisect_left(starts, line.start)
        near = known[max(0, place - given_subtitles.NEAR_LINES) : place + given_subtitles.NEAR_LINES]
        old = max(near, key=partial(_overlap, line), default=None)
        if old is not None:
            line.speaker, line.voice = old.speaker, old.voice
    return lines


def _overlap(line: Line, row: Line) -> float:
    return min(line.end, row.end) - max(line.start, row.start)
