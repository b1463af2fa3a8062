"""From the result of an iteration to Outputs: the files as linked, and the subtitle formats that Azure does not write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from apps.core.errors import PROVIDER_FAILED, JobError
from apps.engine.captions import lay_out, rows_for_files
from apps.engine.subtitles import cues_of, write
from apps.engine.transcript import Transcript
from apps.providers.azure import wire
from apps.providers.azure.mapping import is_audio
from apps.providers.conversation import Output, Work

_OURS: Final = ("srt", "ttml")


def links_of(iteration: Mapping[str, Any]) -> dict[str, str]:
    """The result's links that lead somewhere; unknown members and nulls are passed over."""
    result = iteration.get("result")
    found = result if isinstance(result, dict) else {}
    return {
        name: link
        for name in wire.RESULTS
        if isinstance(link := found.get(name), str) and link.startswith(("https://", "http://"))
    }


def outputs(work: Work, links: Mapping[str, str], transcript: Transcript | None) -> tuple[Output, ...]:
    """What the job made. Raises JobError 10908 when the film (or the sound, for a source without picture) is not among it."""
    audio = is_audio(work.order, work.source_url) if work.source_url else "translatedVideoFileUrl" not in links
    main = "translatedAudioFileUrl" if audio else "translatedVideoFileUrl"
    if main not in links:
        raise JobError(PROVIDER_FAILED, f"Azure's result lacks {main}")
    made = []
    for name, link in links.items():
        kind, form = wire.RESULTS[name]
        if name == "metadataJsonWebvttFileUrl":
            continue  # read already: it is the transcript
        if kind == "audio":
            form = "mp3" if urlsplit(link).path.lower().endswith(".mp3") else form
            kind = "audio_mp3" if form == "mp3" and not audio else kind
        made.append(Output(kind, form, url=link, language=_language(work, kind), main=name == main))
    if transcript is not None:
        made += _written(work, transcript, {(output.kind, output.format) for output in made})
    return tuple(made)


def _written(work: Work, transcript: Transcript, there: set[tuple[str, str]]) -> list[Output]:
    """Subtitles of both sides in the formats that are not there, and the transcript itself."""
    made = []
    for side in ("source", "target"):
        kind, language = f"subtitle_{side}", _language(work, f"subtitle_{side}")
        cues = lay_out(cues_of(transcript, side), rows_for_files(work.order.subtitle_style, language or "en"))
        for form in (*_OURS, "vtt"):
            if cues and (kind, form) not in there:
                text = write(cues, form, language=language)
                made.append(Output(kind, form, body=text.encode(), language=language))
    made.append(Output("transcript", "json", body=transcript.to_json(), language=work.target_locale))
    return made


def _language(work: Work, kind: str) -> str:
    if kind == "subtitle_source":
        return "" if work.order.source_language == "auto" else work.order.source_language
    return "" if kind == "report" else work.target_locale
