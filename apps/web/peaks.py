"""Peaks of a job's sound for the seek bar, read from its wav artefact with the standard library alone."""

from __future__ import annotations

import sys
import wave
from array import array
from collections.abc import Iterable
from typing import Final

from django.core.cache import cache

from apps.jobs.models import Artefact
from apps.projects import storage

BUCKETS: Final = 600
_KINDS: Final = ("voice", "audio", "background")
_WEEK: Final = 7 * 24 * 3600


def peaks_for(artefacts: Iterable[Artefact]) -> list[float]:
    """Up to 600 numbers 0..1, loudest first scaled to 1; empty when the job has no wav to read."""
    wavs = {artefact.kind: artefact for artefact in artefacts if artefact.format == "wav"}
    chosen = next((wavs[kind] for kind in _KINDS if kind in wavs), None)
    if chosen is None:
        return []
    key = f"web.peaks.{chosen.sha256 or chosen.public_id}"
    found: list[float] | None = cache.get(key)
    if found is None:
        try:
            with storage.open_key(chosen.storage_key) as stream, wave.open(stream, "rb") as sound:
                found = read_peaks(sound)
        except (OSError, EOFError, wave.Error):
            return []
        cache.set(key, found, _WEEK)
    return found


def read_peaks(sound: wave.Wave_read, buckets: int = BUCKETS) -> list[float]:
    """The loudest sample of each of `buckets` equal parts, scaled so that the loudest of all is 1. Only 16-bit sound."""
    frames = sound.getnframes()
    if sound.getsampwidth() != 2 or not frames:
        return []
    size = max(1, -(-frames // buckets))
    peaks: list[int] = []
    while block := sound.readframes(size):
        samples = array("h", block[: len(block) // 2 * 2])
        if sys.byteorder == "big":
            samples.byteswap()
        peaks.append(max(max(samples), -min(samples), 0) if samples else 0)
    loudest = max(peaks, default=0) or 1
    return [round(peak / loudest, 3) for peak in peaks]
