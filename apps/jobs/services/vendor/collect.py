"""What a vendor made comes into our storage: fetched at once, checked by size and decode, and the job completed."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
from django.conf import settings

from apps.core.errors import JobError
from apps.core.http import BadStatus, FetchFailed, OutboundError, TimedOut, download
from apps.engine import runner, subtitles
from apps.engine.outputs import TYPES
from apps.engine.task import Limits
from apps.engine.transcript import Line
from apps.engine.transcript import Transcript as Document
from apps.jobs.models import Artefact, Job
from apps.jobs.services import publish
from apps.jobs.services.accounts import policy
from apps.jobs.services.leases import Lease, LeaseLost
from apps.jobs.services.orders import is_lipsync
from apps.projects import storage
from apps.projects.models import Transcript
from apps.projects.services import save_revision
from apps.projects.services.fetch import engine_settings
from apps.providers.conversation import Output, Verdict

EXPIRED: Final = frozenset({401, 403, 404, 410})
"""What a result link answers whose time is over: a new poll gives new links."""
SHORTEST: Final = 0.5
"""Less than this part of the source's length is no translation of it."""
SHORTEST_LIPSYNC: Final = 0.8
"""Less than this part of its sound's length is no render of it: a lip-sync result is as long as what is said in it."""
SOUNDS: Final = frozenset({"audio", "audio_mp3", "background", "voice"})
MAX_OUTPUT: Final = 20 << 30
MAX_TEXT: Final = 64 << 20
"""Bytes of an output that is read whole: subtitles, transcripts, reports."""
MAX_UNPACKED: Final = 4 << 30
"""Bytes that an archive may hold, going by what it says of itself: to check it, all of them are unpacked."""
DOWNLOAD_SECONDS: Final = 3600.0


class LinksExpired(Exception):
    """A result link is dead; the work itself is not."""


class Spoiled(Exception):
    """A file did not arrive whole, or is not what it should be: worth another try."""


def complete(job: Job, lease: Lease, verdict: Verdict) -> None:
    """Stores all outputs, keeps the text as a transcript revision, charges and completes.

    Raises LinksExpired, Spoiled, LeaseLost.
    """
    if not verdict.outputs:
        raise Spoiled("the provider finished and names no result")
    settings.WORK_DIR.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="fetch-", dir=settings.WORK_DIR) as scratch:
        taken = _Taken(job, lease, Path(scratch))
        artefacts = [taken.take(output, place) for place, output in enumerate(verdict.outputs)]
        document = verdict.transcript or taken.document()
    lease.check()
    _choose_main(artefacts)
    # The text that a person reviewed stays the newest one.
    if document is not None and job.translation is not None and job.reviewed_stage != "translate":
        save_revision(actor=None, translation=job.translation, document=document, origin=Transcript.Origin.TRANSLATED)
    measured = job.measured_ms or round((verdict.measured_seconds or 0.0) * 1000)
    timings = {str(name): int(value) for name, value in job.timings.items()}
    if not publish.complete(job, owner=lease.owner, artefacts=artefacts, measured_ms=measured, timings=timings):
        raise LeaseLost(lease.owner)


class _Taken:
    """The files of one job, one after the other."""

    def __init__(self, job: Job, lease: Lease, scratch: Path) -> None:
        self._job = job
        self._lease = lease
        self._scratch = scratch
        self._names: Counter[str] = Counter()
        self._cues: dict[str, list[subtitles.Cue]] = {}

    def take(self, output: Output, place: int) -> Artefact:
        """Fetches, checks and stores a file; an unsaved row."""
        self._lease.check()
        name = self._name(output)
        path = self._fetch(output, self._scratch / name)
        seconds = self._check(output, path)
        form = output.format.lower()
        kind = TYPES.get(form) or subtitles.CONTENT_TYPES.get(form) or "application/octet-stream"
        saved = storage.save_file(path, publish.storage_key(self._job, name), kind)
        path.unlink()
        return Artefact(
            organization=self._job.organization,
            job=self._job,
            kind=output.kind,
            format=form,
            language=output.language,
            file_name=publish.file_name(self._job, name),
            storage_key=saved.key,
            content_type=kind,
            size=saved.size,
            sha256=saved.sha256,
            duration_ms=round(seconds * 1000) or None,
            is_main=output.main,
            position=place,
        )

    def document(self) -> Document | None:
        """A transcript out of the subtitles, for a vendor that gives no other text."""
        targets = self._cues.get("subtitle_target")
        if not targets:
            return None
        sources = self._cues.get("subtitle_source", [])
        paired = len(sources) == len(targets)
        lines = [
            Line(id=f"l{n}", start=cue.start, end=cue.end, target=cue.text, source=sources[n].text if paired else "")
            for n, cue in enumerate(targets)
        ]
        return Document(
            source_language=str(self._job.order.get("source_language") or "").replace("auto", ""),
            target_locale=self._job.target_locale,
            duration=(self._job.measured_ms or 0) / 1000,
            lines=lines,
        )

    def _name(self, output: Output) -> str:
        language = f".{output.language}" if output.language and output.language != self._job.target_locale else ""
        stem = f"{output.kind}{language}"
        self._names[f"{stem}.{output.format}"] += 1
        number = self._names[f"{stem}.{output.format}"]
        return f"{stem}{f'-{number}' if number > 1 else ''}.{output.format.lower()}"

    def _fetch(self, output: Output, path: Path) -> Path:
        if not output.url:
            path.write_bytes(output.body)
            return path
        try:
            download(
                output.url,
                path,
                replace(policy(DOWNLOAD_SECONDS, max_bytes=_most(output)), max_redirects=5),
                should_stop=lambda: self._lease.lost,
                headers=output.headers,
            )
        except BadStatus as error:
            raise (LinksExpired if error.status in EXPIRED else Spoiled)(f"{output.kind}: {error}") from None
        except (FetchFailed, TimedOut) as error:
            raise Spoiled(f"{output.kind}: {error}") from None
        except OutboundError as error:
            self._lease.check()
            raise Spoiled(f"{output.kind}: {error}") from None
        return path

    def _check(self, output: Output, path: Path) -> float:
        """The length in seconds of a sound file that was decoded (0: it has none). Raises Spoiled."""
        if path.stat().st_size == 0:
            raise Spoiled(f"the {output.kind} file is empty")
        try:
            if output.kind == "video" or output.kind in SOUNDS:
                return self._probe(output, path)
            if output.kind.startswith("subtitle_"):
                self._cues.setdefault(output.kind, subtitles.read(path.read_bytes(), output.language or "auto"))
            elif output.format == "json":
                msgspec.json.decode(path.read_bytes())
            elif output.format == "zip":
                _check_archive(path, output.kind)
        except JobError as error:
            raise Spoiled(f"the {output.kind} file cannot be used: {error.reason}") from None
        except (msgspec.MsgspecError, zipfile.BadZipFile) as error:
            raise Spoiled(f"the {output.kind} file is damaged: {error}") from None
        return 0.0

    def _probe(self, output: Output, path: Path) -> float:
        limits = Limits(max_seconds=0, max_bytes=0)
        found: dict[str, Any] = runner.probe(path, engine_settings(), limits, lambda: self._lease.lost)
        self._lease.check()
        if output.kind == "video" and not found.get("video"):
            raise Spoiled("the video file has no picture")
        if output.kind in SOUNDS and not found.get("audio"):
            raise Spoiled(f"the {output.kind} file has no sound")
        lipsync = is_lipsync(self._job)
        if lipsync and output.kind == "video" and not found.get("audio"):
            raise Spoiled("the video file has no sound")
        seconds = float(found.get("duration") or 0.0)
        shortest = SHORTEST_LIPSYNC if lipsync else SHORTEST
        if output.kind == "video" and seconds * 1000 < shortest * (self._job.measured_ms or 0):
            raise Spoiled(f"the video is cut short: {seconds:.1f} seconds")
        return seconds


def _most(output: Output) -> int:
    """Bytes that a file may have. Whoever brings an account of their own is the vendor, too."""
    heavy = output.kind == "video" or output.kind in SOUNDS or output.format == "zip"
    return MAX_OUTPUT if heavy else MAX_TEXT


def _check_archive(path: Path, kind: str) -> None:
    """Raises Spoiled unless the archive can be unpacked, or BadZipFile."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
            raise Spoiled(f"the {kind} archive is too large when unpacked")
        try:
            damaged = archive.testzip()
        except (RuntimeError, NotImplementedError, EOFError, zlib.error):  # locked, of an unknown method, or cut off
            damaged = "all of it"
    if damaged is not None:
        raise Spoiled(f"the {kind} archive is damaged")


def _choose_main(artefacts: list[Artefact]) -> None:
    """Exactly one is what the customer came for: the first that is marked, else the first video, sound or file."""
    order = ("video", "audio", "audio_mp3", "subtitle_target", "subtitle_bilingual")
    rank = {kind: place for place, kind in enumerate(order)}
    best = min(artefacts, key=lambda found: (not found.is_main, rank.get(found.kind, len(order)), found.position))
    for artefact in artefacts:
        artefact.is_main = artefact is best
