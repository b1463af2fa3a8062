"""Timed, speaker-labelled lines of source and target text, as they travel between stages and into review."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Word(msgspec.Struct, frozen=True):
    """One recognized word; start and end in seconds of the media, confidence 0..1."""

    start: float
    end: float
    text: str
    confidence: float = 1.0


class Speaker(msgspec.Struct, frozen=True):
    """One voice of the source; id is stable ("s1"), label is for people and may be edited.

    pitch is the median fundamental frequency in Hz when it was measured (0 when not): it helps to choose a voice.
    """

    id: str
    label: str
    pitch: float = 0.0


class Line(msgspec.Struct, kw_only=True):
    """One line; id is stable over review and iterations. Times are seconds of the media, start <= end.

    speaker is a Speaker.id or "". voice overrides the speaker's voice. notes are short machine-made remarks
    ("overlaps the line before"), never shown as subtitle text. pivot_english is the recognizer's own English of the line
    (Whisper task "translate"), filled when no text model reaches English from the source language.
    """

    id: str
    start: float
    end: float
    source: str = ""
    target: str = ""
    speaker: str = ""
    words: list[Word] = []
    voice: str | None = None
    pivot_english: str = ""
    notes: list[str] = []


class Transcript(msgspec.Struct, kw_only=True):
    """A whole transcript; duration in seconds of the media. Languages are locales ("en-US"); source may be ""."""

    source_language: str
    target_locale: str
    duration: float
    speakers: list[Speaker] = []
    lines: list[Line] = []

    def to_json(self) -> bytes:
        """Indented UTF-8 JSON; the same transcript always gives the same bytes."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @classmethod
    def from_json(cls, data: bytes | str) -> Transcript:
        """Parses and checks; raises msgspec.ValidationError naming the field that is wrong."""
        return msgspec.json.decode(data, type=cls)

    @classmethod
    def load(cls, path: Path) -> Transcript:
        """Reads a transcript file; raises OSError or msgspec.ValidationError."""
        return cls.from_json(path.read_bytes())

    def speaker_label(self, speaker_id: str) -> str:
        """The label of a speaker, or "" when the id is not in the table."""
        return next((s.label for s in self.speakers if s.id == speaker_id), "")
