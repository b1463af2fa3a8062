"""The artefact list of a job: what each file in out/ is, as out/manifest.json tells it to the portal."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from apps.core.languages import name_in
from apps.core.options import SubtitleStyle
from apps.engine import styled
from apps.engine.captions import lay_out, rows_for_files
from apps.engine.subtitles import CONTENT_TYPES, SubtitleFormat, cues_of, write
from apps.engine.transcript import Transcript

Kind = Literal[
    "video", "audio", "audio_mp3", "subtitle_source", "subtitle_target", "subtitle_bilingual", "transcript", "report",
    "hls", "background", "voice",
]  # fmt: skip
MANIFEST = "manifest.json"
TYPES = {
    "mp4": "video/mp4",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "json": "application/json",
    "zip": "application/zip",
}
FORMATS: tuple[SubtitleFormat, ...] = ("srt", "vtt", "ass", "ttml")


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One artefact: `path` below out/, `language` a locale or "", `main` for what the customer came for, duration in seconds (0: none)."""

    kind: Kind
    path: str
    language: str = ""
    format: str
    label: str
    content_type: str
    main: bool = False
    duration: float = 0.0


class OutputList:
    """Collects the artefacts of a render in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items: list[Output] = []

    def add(
        self, kind: Kind, name: str, label: str, *, language: str = "", main: bool = False, duration: float = 0.0
    ) -> Path:
        """Register a file and say where to write it."""
        form = name.rsplit(".", 1)[-1]
        content_type = TYPES.get(form) or CONTENT_TYPES[form]
        self.items.append(
            Output(
                kind=kind,
                path=name,
                language=language,
                format=form,
                label=label,
                content_type=content_type,
                main=main,
                duration=round(duration, 3),
            )
        )
        return self.folder / name

    def write_manifest(self) -> None:
        """out/manifest.json: a list, main files first."""
        ordered = sorted(self.items, key=lambda item: not item.main)
        (self.folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")


def subtitle_files(
    outputs: OutputList, transcript: Transcript, style: SubtitleStyle, size: tuple[int, int], title: str, *, main: bool
) -> None:
    """Write source, target and bilingual subtitles in every format; the order's format is the main one of the target."""
    source, target = transcript.source_language, transcript.target_locale
    for side, language in (("source", source), ("target", target)):
        cues = lay_out(cues_of(transcript, side), rows_for_files(style, language or "en"))  # type: ignore[arg-type]
        if not cues:
            continue
        for form in FORMATS:
            label = f"Subtitles, {name_in(language, 'en') if language else 'source'} ({form.upper()})"
            chosen = main and side == "target" and form == style.format
            name = f"subtitles.{side}.{language or 'und'}.{form}"
            path = outputs.add(f"subtitle_{side}", name, label, language=language, main=chosen)  # type: ignore[arg-type]
            text = (
                styled.document(cues, style, language, *size, title=title)
                if form == "ass"
                else write(cues, form, language=language, title=title)
            )
            path.write_text(text, encoding="utf-8")
    both = lay_out(cues_of(transcript, "bilingual"), rows_for_files(style, target))
    if both and any(line.source.strip() for line in transcript.lines):
        for form in FORMATS[:2]:
            name = f"subtitles.bilingual.{target}.{form}"
            path = outputs.add("subtitle_bilingual", name, f"Bilingual subtitles ({form.upper()})", language=target)
            path.write_text(write(both, form, language=target, title=title), encoding="utf-8")
