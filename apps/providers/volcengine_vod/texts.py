"""A project's utterances as a transcript, and an edited transcript as changes of utterances. Times of the vendor are milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from apps.engine.subtitles import Cue, write
from apps.engine.transcript import Line, Speaker, Transcript
from apps.providers import volcengine_call as vc

Side = Literal["source", "target"]
ADDITIONS = "Speakers,SourceUtterances,SourceClips,TargetUtterances,TargetClips"
"""What is asked for beside the project itself."""


def transcript_of(info: Mapping[str, Any], side: Side, source_language: str, target_locale: str) -> Transcript:
    """The utterances of one side, in order of time; ids of lines and speakers are the vendor's own.

    With `target` a line also has the source text that it came from (SourceId).
    """
    spoken = {vc.text(row, "Id"): row for row in vc.rows(info, "SourceUtterances")}
    clips = {vc.text(row, "Id"): row for name in ("SourceClips", "TargetClips") for row in vc.rows(info, name)}
    rows = list(spoken.values()) if side == "source" else vc.rows(info, "TargetUtterances")
    lines, clock = [], 0.0
    for row in rows:
        origin = row if side == "source" else spoken.get(vc.text(row, "SourceId"), {})
        times = _times(row, clips) or _times(origin, clips) or (clock, clock)
        clock = times[1]
        lines.append(
            Line(
                id=vc.text(row, "Id"),
                start=times[0],
                end=times[1],
                source=vc.text(origin, "Text").strip(),
                target=vc.text(row, "Text").strip() if side == "target" else "",
                speaker=vc.text(row, "SpeakerId") or vc.text(origin, "SpeakerId"),
            )
        )
    lines = sorted((line for line in lines if line.id), key=lambda line: (line.start, line.end))
    return Transcript(
        source_language=source_language,
        target_locale=target_locale,
        duration=max([vc.number(info, "InputVideo", "DurationSecond") or 0.0, *(line.end for line in lines)]),
        speakers=[
            Speaker(vc.text(row, "Id"), vc.text(row, "Name") or vc.text(row, "Id"))
            for row in vc.rows(info, "Speakers")
            if vc.text(row, "Id")
        ],
        lines=lines,
    )


def edits_of(edited: Transcript, now: Transcript, side: Side) -> list[dict[str, Any]] | None:
    """The utterances that differ from what the project holds now, as UpdateAITranslationUtterances takes them.

    None when lines were added, removed or emptied: no utterance id stands for that, the text goes as a file then.
    """
    before = {line.id: line for line in now.lines}
    if {line.id for line in edited.lines} != set(before) or any(not _text(line, side) for line in edited.lines):
        return None
    known = {speaker.id for speaker in now.speakers}
    changes: list[dict[str, Any]] = []
    for line in edited.lines:
        was = before[line.id]
        change: dict[str, Any] = {}
        if _text(line, side) != _text(was, side):
            change["Text"] = _text(line, side)
        if line.speaker != was.speaker and line.speaker in known:
            change["SpeakerId"] = line.speaker
        if _ms(line) != _ms(was):
            change["Trim"] = dict(zip(("Start", "End"), _ms(line), strict=True))
        if change:
            # Text and speaker always go along, as in the vendor's own example.
            whole = {"Text": _text(line, side)} | ({"SpeakerId": was.speaker} if was.speaker else {})
            changes.append({"Id": line.id, **whole, **change})
    return changes


def subtitle_file(transcript: Transcript, side: Side, *, speakers: bool = True) -> bytes:
    """One side as an SRT file with the vendor's speaker marks (<v name> before the text)."""
    cues = []
    for line in transcript.lines:
        label = transcript.speaker_label(line.speaker) if speakers else ""
        name = " ".join(label.replace("<", " ").replace(">", " ").split())
        if text := _text(line, side):
            cues.append(Cue(line.start, line.end, f"<v {name}>{text}" if name else text))
    return write(cues, "srt").encode()


def _text(line: Line, side: Side) -> str:
    return (line.source if side == "source" else line.target).strip()


def _ms(line: Line) -> tuple[int, int]:
    return round(line.start * 1000), round(line.end * 1000)


def _times(row: Mapping[str, Any], clips: Mapping[str, Mapping[str, Any]]) -> tuple[float, float] | None:
    trim = vc.field(clips.get(vc.text(row, "ClipId")), "Trim")
    start, end = vc.number(trim, "Start"), vc.number(trim, "End")
    if start is None or end is None or end < start or start < 0:
        return None
    return start / 1000, end / 1000
