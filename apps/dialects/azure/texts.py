"""WebVTT files of Azure's protocol: those that a caller links to, fetched and read; and the metadata file of a finished iteration."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from apps.accounts.actor import Actor
from apps.core import errors
from apps.core.errors import JobError
from apps.core.http import OutboundError, download
from apps.dialects.outside import quick_policy, waiting_for
from apps.engine import subtitles
from apps.engine.subtitles import Cue
from apps.engine.transcript import Transcript
from apps.jobs.models import Artefact, Job
from apps.jobs.services import derived
from apps.projects.services import create_asset_from_file
from apps.providers.azure import webvtt, wire

METADATA_NAME: Final = "metadata.webvtt.vtt"


def fetch(actor: Actor, file: wire.WebvttFile, place: str) -> bytes:
    """The file behind a caller's link. Raises ApiError 5 naming the url, 4290 while others are being fetched."""
    assert file.url is not None
    with tempfile.TemporaryDirectory(prefix="webvtt-") as scratch:
        target = Path(scratch) / "file.vtt"
        try:
            with waiting_for(actor):
                download(file.url, target, quick_policy(max_bytes=subtitles.MAX_FILE_BYTES))
        except OutboundError as error:
            raise errors.invalid(f"{place}.webvttFile.url", f"Could not be fetched: {error}") from None
        return target.read_bytes()


def edited(actor: Actor, file: wire.WebvttFile, earlier: Transcript, place: str) -> Transcript:
    """The earlier text with what the caller's file makes of it. Raises ApiError 5 naming the file."""
    data = fetch(actor, file, place)
    try:
        if file.kind == wire.TARGET_SUBTITLE:
            return webvtt.with_target_subtitle(data, earlier)
        read = webvtt.read_metadata(
            data,
            source_language=earlier.source_language,
            target_locale=earlier.target_locale,
            duration=earlier.duration,
        )
        return webvtt.merged(read.transcript, earlier)
    except JobError as error:
        raise errors.invalid(f"{place}.webvttFile", f"{error.reason}.") from None


def given_subtitle(actor: Actor, file: wire.WebvttFile, target: str, place: str) -> dict[str, Any]:
    """Fields of an order whose first iteration starts from a text.

    A plain file is fetched with the job. A metadata file holds both languages: it becomes a bilingual file of ours, or one of the
    language that it has. Raises ApiError 5 naming the file.
    """
    if file.kind != wire.METADATA_JSON:
        usage = "final_translated" if file.kind == wire.TARGET_SUBTITLE else "original"
        return {"subtitle_source": "file", "subtitle": {"url": file.url, "usage": usage}}
    try:
        found = webvtt.read_metadata(fetch(actor, file, place), source_language="", target_locale=target).transcript
    except JobError as error:
        raise errors.invalid(f"{place}.webvttFile", f"{error.reason}.") from None
    sources = any(line.source for line in found.lines)
    targets = any(line.target for line in found.lines)
    if not sources and not targets:
        raise errors.invalid(f"{place}.webvttFile", "The file holds no text.")
    usage = "bilingual" if sources and targets else "final_translated" if targets else "original"
    with tempfile.TemporaryDirectory(prefix="webvtt-") as scratch:
        path = Path(scratch) / "text.vtt"
        path.write_text(subtitles.write(_cues(found, usage), "vtt"), encoding="utf-8")
        asset = create_asset_from_file(actor=actor, path=path, file_name="azure-metadata.vtt", kind="subtitle")
    return {"subtitle_source": "file", "subtitle": {"asset": asset.public_id, "usage": usage}}


def metadata_file(job: Job) -> Artefact | None:
    """The metadata file of a completed job, made when it is first asked for; None when there is no text to make it of."""
    for artefact in job.artefacts.all():
        if (artefact.kind, artefact.format) == wire.RESULTS["metadataJsonWebvttFileUrl"]:
            return artefact
    text = derived.text_of(job)
    if text is None:
        return None
    return derived.keep_derived(
        job,
        kind="transcript",
        form="vtt",
        name=METADATA_NAME,
        label="Transcript (WebVTT with metadata)",
        content=webvtt.write_metadata(text).encode(),
        content_type=subtitles.CONTENT_TYPES["vtt"],
    )


def _cues(found: Transcript, usage: str) -> list[Cue]:
    """Cues of the sides that are there; of both, a line without one of them is left out, since nothing tells which it has."""
    cues = []
    for line in found.lines:
        sides = {
            "bilingual": (line.target, line.source),
            "final_translated": (line.target,),
            "original": (line.source,),
        }
        parts = sides[usage]
        if all(parts):
            cues.append(Cue(line.start, line.end, "\n".join(parts), line.speaker))
    return cues
