"""Subtitle files in and out: SRT, WebVTT, ASS and TTML, with speakers kept where the format can."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from apps.core.errors import JobError
from apps.engine.encodings import decode_text
from apps.engine.transcript import Transcript

SubtitleFormat = Literal["srt", "vtt", "ass", "ttml"]
Side = Literal["source", "target", "bilingual"]

CONTENT_TYPES: dict[str, str] = {
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "ass": "text/x-ssa; charset=utf-8",
    "ttml": "application/ttml+xml; charset=utf-8",
}

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_CUE_CHARS = 2_000
MAX_RAW_CHARS = 20_000
"""Of one cue with its markup; the rest is cut before any pattern looks at it."""

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,6}))?"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}(?:\s+.*)?$")
_VOICE = re.compile(r"<v(?:\.[^\s<>.]*)*[ \t]+([^<>]+)>", re.IGNORECASE)
_ACTIVE = re.compile(r"<\s*(script|style|iframe|object)\b.*?(?:<\s*/\s*\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|</?>")
_ASS_OVERRIDE = re.compile(r"\{[^{}]*\\[^{}]*\}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\ufeff\ufffe\uffff]")


class Cue(msgspec.Struct, frozen=True):
    """One subtitle: seconds of the media, plain text with newlines, and who speaks ("" when unknown)."""

    start: float
    end: float
    text: str
    speaker: str = ""


def read(data: bytes, language: str = "auto") -> list[Cue]:
    """Cues of a file in file order, as written (repairs are the caller's). language helps with old encodings.

    Raises JobError 10034 when it is no subtitle file we know, or holds no cue.
    """
    if len(data) > MAX_FILE_BYTES:
        raise JobError(10034, f"the subtitle file is larger than {MAX_FILE_BYTES // 2**20} MB")
    text = decode_text(data, language).replace("\r\n", "\n").replace("\r", "\n")
    head = text.lstrip()[:2000]
    if "[Script Info]" in head or "[V4+ Styles]" in text or "[V4 Styles]" in text:
        cues = _read_by_library(text, "ass")
    elif re.search(r"<(?:\w+:)?tt[\s>]", head):
        cues = _read_ttml(text)
    else:
        cues = _read_blocks(text)
    cues = [cue for cue in cues if cue.text]
    if not cues:
        raise JobError(10034, "the subtitle file holds no subtitle that can be read (SRT, WebVTT, ASS and TTML are)")
    return cues


def write(cues: Iterable[Cue], form: SubtitleFormat, *, language: str = "", title: str = "") -> str:
    """A whole file as text. Times are rounded to milliseconds (ASS: hundredths); language is BCP 47."""
    cues = sorted(cues, key=lambda cue: (cue.start, cue.end))
    if form == "srt":
        return _write_srt(cues)
    if form == "vtt":
        return _write_vtt(cues, language)
    if form == "ass":
        return _write_ass(cues, title)
    return _write_ttml(cues, language, title)


def cues_of(transcript: Transcript, side: Side) -> list[Cue]:
    """One cue per line that has text on this side; bilingual puts the target above the source."""
    cues = []
    for line in transcript.lines:
        parts = {"source": [line.source], "target": [line.target], "bilingual": [line.target, line.source]}[side]
        text = "\n".join(part.strip() for part in parts if part.strip())
        if text:
            cues.append(Cue(line.start, line.end, text, transcript.speaker_label(line.speaker)))
    return cues


def plain(text: str) -> str:
    """Text without markup: tags, ASS overrides, script blocks and control characters are gone, entities are resolved."""
    text = _ACTIVE.sub("", text[:MAX_RAW_CHARS])
    text = _ASS_OVERRIDE.sub("", text)
    text = html.unescape(_TAG.sub("", text)).replace("\u00a0", " ").replace("\r", "\n").replace("\t", " ")
    lines = [re.sub(r" {2,}", " ", _CONTROL.sub("", line)).strip() for line in text.split("\n")]
    return "\n".join(line for line in lines if line)[:MAX_CUE_CHARS]


def timestamp(seconds: float, separator: str = ".") -> str:
    """HH:MM:SS.mmm."""
    milliseconds = max(0, round(seconds * 1000))
    return (
        f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:{milliseconds // 1000 % 60:02}"
        f"{separator}{milliseconds % 1000:03}"
    )


def _read_blocks(text: str) -> list[Cue]:
    """SRT and WebVTT: a timing line, then text up to the next blank line before another timing (or the end)."""
    cues: list[Cue] = []
    lines = text.split("\n")
    timings = [(number, match) for number, line in enumerate(lines) if (match := _TIMING.match(line))]
    for position, (number, match) in enumerate(timings):
        last = timings[position + 1][0] if position + 1 < len(timings) else len(lines)
        body = lines[number + 1 : last]
        # Text ends at the first blank line; what follows it is the next cue's number, a NOTE or a STYLE.
        end = next((i for i, line in enumerate(body) if not line.strip()), None)
        if end is not None:
            body = body[:end]
        elif body and last < len(lines) and body[-1].strip().isdigit():
            body = body[:-1]
        raw = "\n".join(body)[:MAX_RAW_CHARS]
        voice = _VOICE.search(raw)
        groups = match.groups()
        cues.append(Cue(_seconds(groups[:4]), _seconds(groups[4:]), plain(raw), plain(voice.group(1)) if voice else ""))
    return cues


def _seconds(groups: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = groups
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")


def _read_by_library(text: str, form: str) -> list[Cue]:
    import pysubs2

    try:
        parsed = pysubs2.SSAFile.from_string(text, format_=form)
    except (pysubs2.exceptions.Pysubs2Error, SyntaxError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise JobError(10034, f"the subtitle file is not valid {form.upper()}") from error
    return [
        Cue(
            event.start / 1000,
            event.end / 1000,
            plain(event.text.replace(r"\N", "\n").replace(r"\n", "\n")),
            event.name,
        )
        for event in parsed
        if not event.is_comment and not event.is_drawing
    ]


def _read_ttml(text: str) -> list[Cue]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise JobError(10034, "the subtitle file declares XML entities, which are not accepted")
    return _read_by_library(text, "ttml")


def _write_srt(cues: Sequence[Cue]) -> str:
    blocks = [
        f"{number}\n{timestamp(cue.start, ',')} --> {timestamp(cue.end, ',')}\n{cue.text}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(blocks)


def _write_vtt(cues: Sequence[Cue], language: str) -> str:
    blocks = ["WEBVTT" + (f"\nLanguage: {language}" if language else "") + "\n"]
    for number, cue in enumerate(cues, 1):
        text = html.escape(cue.text, quote=False)
        if cue.speaker:
            name = re.sub(r"[<>&\n]", " ", cue.speaker).strip()
            text = f"<v {name}>{text}</v>"
        blocks.append(f"{number}\n{timestamp(cue.start)} --> {timestamp(cue.end)}\n{text}\n")
    return "\n".join(blocks)


def _write_ass(cues: Sequence[Cue], title: str) -> str:
    import pysubs2

    script = pysubs2.SSAFile()
    script.info |= {"Title": " ".join(title.split()), "WrapStyle": "0", "ScaledBorderAndShadow": "yes"}
    for cue in cues:
        script.append(
            pysubs2.SSAEvent(
                start=round(cue.start * 1000),
                end=round(cue.end * 1000),
                # Every kind of line break: one that ASS knows and we do not would begin a section of its own.
                text=r"\N".join(cue.text.replace("{", "(").replace("}", ")").replace("\\", "/").splitlines()),
                name=" ".join(cue.speaker.replace(",", " ").split()),
            )
        )
    return str(script.to_string("ass"))


def _write_ttml(cues: Sequence[Cue], language: str, title: str) -> str:
    agents = {name: f"s{number}" for number, name in enumerate(dict.fromkeys(c.speaker for c in cues if c.speaker), 1)}
    metadata = "".join(
        f'\n      <ttm:agent xml:id="{key}" type="person"><ttm:name type="full">{html.escape(name)}</ttm:name></ttm:agent>'
        for name, key in agents.items()
    )
    body = ""
    for cue in cues:
        agent = f' ttm:agent="{agents[cue.speaker]}"' if cue.speaker else ""
        text = html.escape(cue.text, quote=False).replace("\n", "<br/>")
        body += f'\n      <p begin="{timestamp(cue.start)}" end="{timestamp(cue.end)}"{agent}>{text}</p>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata" '
        f'xml:lang="{html.escape(language)}">\n'
        f"  <head>\n    <metadata>\n      <ttm:title>{html.escape(title)}</ttm:title>{metadata}\n    </metadata>\n  </head>\n"
        f"  <body>\n    <div>{body}\n    </div>\n  </body>\n</tt>\n"
    )
