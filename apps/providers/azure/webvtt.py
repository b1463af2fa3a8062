"""Azure's WebVTT files: metadata JSON (one JSON object a cue) and plain subtitles, to and from a Transcript."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from apps.core.errors import JobError
from apps.engine import subtitles
from apps.engine.encodings import decode_text
from apps.engine.given import one_line, pair_targets
from apps.engine.subtitles import Cue, timestamp
from apps.engine.transcript import Line, Speaker, Transcript

_TIMING: Final = re.compile(
    r"^[ \t]*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})[ \t]*-->[ \t]*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3}).*$",
    re.MULTILINE,
)
_DECODER: Final = json.JSONDecoder()
_FEMALE_HZ: Final = 165.0
"""Median pitch that parts most women's voices from most men's."""
MAX_LINES: Final = 20_000


@dataclass(frozen=True)
class Metadata:
    """A metadata file read: the transcript, and what only the vendor needs back.

    `speakers` is globalMetadata.speakers as it came (voices of each speaker); `genders` speaker id -> "Male", "Female", ...
    """

    transcript: Transcript
    speakers: Mapping[str, Any] = field(default_factory=dict)
    genders: Mapping[str, str] = field(default_factory=dict)


def write_metadata(
    transcript: Transcript,
    *,
    speakers: Mapping[str, Any] | None = None,
    genders: Mapping[str, str] | None = None,
    line_id: Callable[[str], str] = str,
) -> str:
    """The transcript as a metadata JSON file; a line's voice goes into its ssmlProperties, speakers into the first cue.

    `line_id` turns our line ids into those of the file.
    """
    told = dict(genders or {}) or {
        speaker.id: gender for speaker in transcript.speakers if (gender := _gender(speaker))
    }
    blocks = ["WEBVTT\n"]
    for place, line in enumerate(transcript.lines):
        document: dict[str, Any] = {}
        if place == 0 and (every := speakers or _plain_speakers(transcript)):
            document["globalMetadata"] = {"speakers": every}
        document["id"] = line_id(line.id)
        if line.speaker in told:
            document["gender"] = told[line.speaker]
        if line.speaker:
            document["speakerId"] = line.speaker
        document["ssmlProperties"] = {"voiceName": line.voice} if line.voice else {}
        document["sourceLocaleText"] = line.source
        document["translatedText"] = line.target
        text = json.dumps(document, ensure_ascii=False, indent=2).replace("-->", "--\\u003e")
        blocks.append(f"{timestamp(line.start)} --> {timestamp(line.end)}\n{text}\n")
    return "\n".join(blocks)


def read_metadata(data: bytes, *, source_language: str, target_locale: str, duration: float = 0.0) -> Metadata:
    """A metadata JSON file. Unknown members are passed over. Raises JobError 10034 naming the cue that cannot be read."""
    if len(data) > subtitles.MAX_FILE_BYTES:
        raise JobError(10034, f"the WebVTT file is larger than {subtitles.MAX_FILE_BYTES // 2**20} MB")
    text = decode_text(data).replace("\r\n", "\n").replace("\r", "\n")
    lines: list[Line] = []
    speakers: dict[str, Any] = {}
    votes: dict[str, Counter[str]] = {}
    place = 0
    while match := _TIMING.search(text, place):
        cue, place = _document(text, match, len(lines) + 1)
        every = _table(_table(cue.get("globalMetadata")).get("speakers"))
        speakers.update(every)
        speaker = _text(cue.get("speakerId"))
        if gender := _text(cue.get("gender")):
            votes.setdefault(speaker, Counter())[gender] += 1
        if len(lines) >= MAX_LINES:
            raise JobError(10034, f"the WebVTT file has more than {MAX_LINES} cues")
        lines.append(
            Line(
                id=_text(cue.get("id")),
                start=_seconds(match.groups()[:4]),
                end=_seconds(match.groups()[4:]),
                source=one_line(_text(cue.get("sourceLocaleText"))),
                target=one_line(_text(cue.get("translatedText"))),
                speaker=speaker,
                voice=_text(_table(cue.get("ssmlProperties")).get("voiceName")) or None,
            )
        )
    if not lines:
        raise JobError(10034, "the WebVTT file holds no cue with metadata")
    _name_lines(lines)
    named = dict.fromkeys([*(line.speaker for line in lines if line.speaker), *speakers])
    end = max(line.end for line in lines)
    transcript = Transcript(
        source_language=source_language,
        target_locale=target_locale,
        duration=max(duration, end),
        speakers=[Speaker(id=name, label=name) for name in named],
        lines=lines,
    )
    return Metadata(transcript, speakers, {name: count.most_common(1)[0][0] for name, count in votes.items() if name})


def merged(edited: Transcript, earlier: Transcript) -> Transcript:
    """An edited metadata file over what we knew: words, pitch and labels of lines and speakers that it kept."""
    lines = {line.id: line for line in earlier.lines}
    speakers = {speaker.id: speaker for speaker in earlier.speakers}
    kept = []
    for line in edited.lines:
        old = lines.get(line.id)
        same = old is not None and old.source == line.source
        words = old.words if old is not None and same and (old.start, old.end) == (line.start, line.end) else []
        voice = line.voice if old is None or line.voice else old.voice
        pivot = old.pivot_english if old is not None and same else ""
        kept.append(msgspec.structs.replace(line, words=words, voice=voice, pivot_english=pivot))
    return Transcript(
        source_language=edited.source_language or earlier.source_language,
        target_locale=earlier.target_locale,
        duration=earlier.duration or edited.duration,
        speakers=[speakers.get(speaker.id, speaker) for speaker in edited.speakers],
        lines=kept,
    )


def with_target_subtitle(data: bytes, earlier: Transcript) -> Transcript:
    """The earlier transcript with the target texts of a plain file, each cue given to the line whose time it meets.

    Raises JobError 10034.
    """
    cues = subtitles.read(data, earlier.target_locale)
    lines = [msgspec.structs.replace(line, target="") for line in earlier.lines]
    if not lines:
        raise JobError(10034, "there is no earlier text that the subtitles could belong to")
    pair_targets(lines, cues)
    return msgspec.structs.replace(earlier, lines=lines)


def write_plain(transcript: Transcript, side: subtitles.Side) -> str:
    """A plain subtitle file of one side, one cue a line, without speakers: the service takes text only."""
    cues = [Cue(cue.start, cue.end, cue.text) for cue in subtitles.cues_of(transcript, side)]
    return subtitles.write(cues, "vtt")


def _document(text: str, timing: re.Match[str], number: int) -> tuple[dict[str, Any], int]:
    """The JSON object below a timing line, and where it ends."""
    start = timing.end()
    while start < len(text) and text[start] in " \t\n":
        start += 1
    try:
        document, end = _DECODER.raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
        raise JobError(10034, f"cue {number} of the WebVTT file holds no JSON that can be read: {reason}") from None
    if not isinstance(document, dict):
        raise JobError(10034, f"cue {number} of the WebVTT file is not a JSON object")
    return document, end


def _name_lines(lines: list[Line]) -> None:
    """Gives lines without an id, or with one that was used before, an id of their own."""
    seen: set[str] = {line.id for line in lines}
    used: set[str] = set()
    number = 0
    for line in lines:
        if not line.id or line.id in used:
            number += 1
            while f"l{number}" in seen:
                number += 1
            line.id = f"l{number}"
            seen.add(line.id)
        used.add(line.id)


def _plain_speakers(transcript: Transcript) -> dict[str, Any]:
    return {speaker.id: {"defaultSsmlProperties": {"voiceKind": "PlatformVoice"}} for speaker in transcript.speakers}


def _gender(speaker: Speaker) -> str:
    if speaker.pitch <= 0:
        return ""
    return "Female" if speaker.pitch >= _FEMALE_HZ else "Male"


def _seconds(parts: tuple[str | Any, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
