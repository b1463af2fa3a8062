"""A transcript as speakers, utterances, tracks and clips, and their ids: one line of ours is an utterance on either side."""

from __future__ import annotations

from typing import Any

from apps.engine.transcript import Line, Speaker, Transcript

SOURCE = "src"
TARGET = "tgt"


def utterance_id(side: str, line_id: str) -> str:
    """The id of one side of a line."""
    return f"{side}-{line_id}"


def line_of(document: Transcript, utterance: str) -> tuple[str, Line] | None:
    """Side and line of an utterance's id; None when there is no such line."""
    side, _, line_id = utterance.partition("-")
    if side not in (SOURCE, TARGET):
        return None
    found = next((line for line in document.lines if line.id == line_id), None)
    return (side, found) if found is not None else None


def trim_of(line: Line) -> dict[str, int]:
    """Milliseconds."""
    return {"Start": round(line.start * 1000), "End": round(line.end * 1000)}


def utterance_of(project_id: str, side: str, line: Line, *, faces: bool) -> dict[str, Any]:
    """One side of a line; `faces` when the project's mouths follow the dub."""
    return {
        "Id": utterance_id(side, line.id),
        "ProjectId": project_id,
        "BlueprintId": f"{side}-{project_id}",
        "ClipId": f"{side}-clip-{line.id}",
        "SourceId": utterance_id(SOURCE, line.id),
        "SpeakerId": line.speaker,
        "Text": line.source if side == SOURCE else line.target,
        "IsFacialTranslation": faces and side == TARGET,
    }


def clip_of(side: str, line: Line) -> dict[str, Any]:
    """When an utterance is said; single clips have no files of their own."""
    return {
        "Id": f"{side}-clip-{line.id}",
        "TrackId": f"{side}-track-{line.speaker}",
        "Trim": trim_of(line),
        "Volume": 100,
    }


def speaker_of(project_id: str, speaker: Speaker, voice: str) -> dict[str, Any]:
    """One speaker."""
    return {
        "Id": speaker.id,
        "ProjectId": project_id,
        "Name": speaker.label,
        "Voice": voice,
        "CurrentVoice": voice,
    }


def voice_of(document: Transcript, speaker_id: str) -> str:
    """The voice that was chosen for a speaker's lines, "" when the engine chooses."""
    return next((line.voice for line in document.lines if line.speaker == speaker_id and line.voice), None) or ""


def parts_of(project_id: str, document: Transcript, *, faces: bool) -> dict[str, Any]:
    """Everything that GetAITranslationProject can add, by its name there; `faces` when mouths follow the dub."""
    parts: dict[str, Any] = {
        "Speakers": [speaker_of(project_id, speaker, voice_of(document, speaker.id)) for speaker in document.speakers],
        "BackgroundClip": {"Id": f"bg-{project_id}", "ProjectId": project_id, "Language": ""},
    }
    voices = [*(speaker.id for speaker in document.speakers)]
    if any(not line.speaker for line in document.lines):
        voices.append("")
    for side, name in ((SOURCE, "Source"), (TARGET, "Target")):
        parts[f"{name}Utterances"] = [utterance_of(project_id, side, line, faces=faces) for line in document.lines]
        parts[f"{name}Clips"] = [clip_of(side, line) for line in document.lines]
        parts[f"{name}Tracks"] = [
            {"Id": f"{side}-track-{speaker}", "BlueprintId": f"{side}-{project_id}", "SpeakerId": speaker}
            for speaker in voices
        ]
    return parts
