"""Speakers and voices: names, the voice of all lines of a speaker, and the preset voices that a language has."""

from __future__ import annotations

from typing import Any, Final

from apps.core import errors, languages
from apps.dialects.resources import change_resource
from apps.dialects.volcengine import edits, projects, shapes
from apps.dialects.volcengine.actions import Call, Result, action
from apps.dialects.volcengine.languages import from_theirs
from apps.dialects.volcengine.projects import VOICES
from apps.dialects.volcengine.text_parts import speaker_of
from apps.engine.transcript import Speaker, Transcript
from apps.engine.voices import is_voice, voice_set
from apps.projects.services.fetch import engine_settings

MAX_SPEAKERS: Final = 100
_USER: Final = "UserSpeech"


@action("ListAITranslationSpeech", reads=True)
def list_speech(call: Call) -> Result:
    """The preset voices of a language; nobody has voices of their own here."""
    asked = call.read(shapes.ListSpeech)
    wanted = {name.strip() for name in asked.SpeechTypeFilter.split(",") if name.strip()}
    locale = _target(asked.Language, "Language")
    voices = voice_set(engine_settings(), locale)
    presets: list[dict[str, Any]] = []
    if voices is not None:
        for gender, names in (("female", voices.female), ("male", voices.male)):
            presets += [_speech(name, gender, asked.Language) for name in names]
    return {
        "PresetSpeeches": [] if wanted == {_USER} else presets,
        "UserSpeeches": [],
    }


@action("CreateAITranslationSpeaker", permission="transcripts.edit")
def create_speaker(call: Call) -> Result:
    """A further speaker, to whom utterances can then be given."""
    asked = call.read(shapes.CreateSpeaker)
    found = edits.editable(call, asked.SpaceName, asked.ProjectId)
    document = found.document
    name = _free_name(document, asked.SpeakerName, "SpeakerName")
    _check_voice(document, asked.Voice, "Voice")
    if len(document.speakers) >= MAX_SPEAKERS:
        raise errors.invalid("SpeakerName", f"There are {MAX_SPEAKERS} speakers already.")
    taken = {speaker.id for speaker in document.speakers}
    number = next(number for number in range(1, MAX_SPEAKERS + 2) if f"s{number}" not in taken)
    speaker = Speaker(id=f"s{number}", label=name)
    document.speakers.append(speaker)
    info = edits.save(call, found, document)
    _remember(call, found, {speaker.id: asked.Voice})
    return {"ProjectBaseInfo": info, "Speaker": speaker_of(found.translation.public_id, speaker, asked.Voice)}


@action("UpdateAITranslationSpeakers", permission="transcripts.edit")
def update_speakers(call: Call) -> Result:
    """New names; a new voice is that of all their lines from the next rendering on."""
    asked = call.read(shapes.UpdateSpeakers)
    found = edits.editable(call, asked.SpaceName, asked.ProjectId)
    document = found.document
    chosen: dict[str, str] = {}
    for place, change in enumerate(asked.Speakers):
        field = f"Speakers.{place}"
        at = next((n for n, speaker in enumerate(document.speakers) if speaker.id == change.Id), None)
        if at is None:
            raise errors.invalid(f"{field}.Id", f"There is no speaker {change.Id[:40]!r}.")
        old = document.speakers[at]
        if change.SpeakerName is not None and change.SpeakerName != old.label:
            name = _free_name(document, change.SpeakerName, f"{field}.SpeakerName")
            document.speakers[at] = Speaker(id=old.id, label=name, pitch=old.pitch)
        if change.Voice:
            _check_voice(document, change.Voice, f"{field}.Voice")
            chosen[old.id] = change.Voice
            for line in document.lines:
                if line.speaker == old.id:
                    line.voice = change.Voice
    info = edits.save(call, found, document)
    if chosen:
        _remember(call, found, chosen)
    return {"ProjectBaseInfo": info}


def _speech(name: str, gender: str, language: str) -> dict[str, Any]:
    return {"Id": name, "Name": name, "Voice": name, "Gender": gender, "Language": language, "AudioUrl": ""}


def _target(language: str, field: str) -> str:
    try:
        return languages.match_target(from_theirs(language))
    except languages.UnknownLanguage as error:
        raise errors.invalid(field, str(error)) from None


def _free_name(document: Transcript, name: str, field: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 30:
        raise errors.invalid(field, "Needs 1 to 30 characters.")
    if name in {speaker.label for speaker in document.speakers}:
        raise errors.invalid(field, "Another speaker has this name.")
    return name


def _check_voice(document: Transcript, voice: str, field: str) -> None:
    settings = engine_settings()
    voices = voice_set(settings, document.target_locale)
    if voices is None or not is_voice(settings, voices, voice):
        raise errors.invalid(field, f"There is no voice {voice[:40]!r} for this language; ask ListAITranslationSpeech.")


def _remember(call: Call, found: projects.Found, chosen: dict[str, str]) -> None:
    notes = projects.notes_of(call, found)
    change_resource(notes, data={**notes.data, VOICES: {**(notes.data.get(VOICES) or {}), **chosen}})
