"""The mouths of a dub: each line's own sound and words become shapes, silence between lines is a shut mouth.

A line is heard by itself: loudness is judged against that line alone, so that another line's edit changes nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from apps.engine.lipsync.frames import SOUND_RATE
from apps.engine.lipsync.speech import mouth_track
from apps.engine.lipsync.types import MouthTrack
from apps.engine.transcript import Word

Floats = NDArray[np.float32]
AROUND = 0.3
"""Seconds before and after a line in which its lips may still move."""
TAPS = 63
SOME_OPENING = 0.05


@dataclass(frozen=True, slots=True)
class DubbedLine:
    """A line as it is said: from `start` to `end` (seconds of the media), the words, nothing else."""

    start: float
    end: float
    text: str


def dub_track(
    voice: Path, lines: Sequence[DubbedLine], language: str, fps: float, count: int, begin: float
) -> MouthTrack:
    """The mouth for `count` pictures at `fps`, the first one shown at second `begin` of the media. `voice` is the dub's voices
    alone: a mono sound file of 16 kHz or a multiple of it. Of lines said at once the wider opening is shown.
    """
    still, shut = np.zeros((3, count), np.float32), np.ones(count, np.bool_)
    track = MouthTrack(fps, still[0], still[1], still[2], shut)
    with soundfile.SoundFile(voice) as sound:
        for line in lines:
            first = max(0, math.floor((line.start - begin - AROUND) * fps))
            last = min(count, math.ceil((line.end - begin + AROUND) * fps))
            if first >= last:
                continue
            # both in whole pictures: the same line at the same place gives the same shapes, whatever stands around it
            start, length = begin + first / fps, (last - first) / fps
            heard = _slower(_heard(sound, start, length, line.start, line.end), sound.samplerate)
            word = Word(max(0.0, line.start - start), min(length, line.end - start), line.text)
            _lay(track, first, mouth_track(heard, fps, last - first, words=[word], language=language))
    return track


def part_of(track: MouthTrack, first: int, last: int) -> MouthTrack:
    """The shapes number `first` to `last` (excluded) as a track of their own."""
    span = slice(first, last)
    return MouthTrack(track.fps, track.open[span], track.width[span], track.round[span], track.closed[span])


def speaks(track: MouthTrack) -> bool:
    """Whether anybody says anything in it."""
    return bool((track.open > SOME_OPENING).any())


def voice_at(voice: Path, start: float, length: float) -> Floats:
    """What of the dub's voices is heard for `length` seconds from second `start` of the media on, at 16 kHz."""
    with soundfile.SoundFile(voice) as sound:
        return _slower(_heard(sound, start, length, start, start + length), sound.samplerate)


def _heard(sound: soundfile.SoundFile, start: float, length: float, low: float, high: float) -> Floats:
    """`length` seconds from second `start` on at the file's own rate; silent before `low` and after `high`."""
    rate = sound.samplerate
    out = np.zeros(round(length * rate), np.float32)
    low, high = max(start, low, 0.0), min(start + length, high)
    begin = round(low * rate)
    if begin < sound.frames and high > low:
        sound.seek(begin)
        samples = sound.read(round((high - low) * rate), dtype="float32", always_2d=True)[:, 0]
        place = begin - round(start * rate)
        samples = samples[: max(0, len(out) - place)]
        out[place : place + len(samples)] = samples
    return out


def _slower(samples: Floats, rate: int) -> Floats:
    """To 16 kHz: what is above its half is taken away first."""
    step, rest = divmod(rate, SOUND_RATE)
    if rest or step < 1:
        raise ValueError(f"{rate} Hz is no multiple of {SOUND_RATE} Hz")
    if step == 1 or not len(samples):
        return samples
    taps = (np.sinc((np.arange(TAPS) - TAPS // 2) * 0.9 / step) * np.hamming(TAPS)).astype(np.float32)
    return np.asarray(np.convolve(samples, taps / taps.sum(), "same")[::step], np.float32)


def _lay(track: MouthTrack, first: int, line: MouthTrack) -> None:
    span = slice(first, first + len(line))
    wider = line.open > track.open[span]
    for whole, part in ((track.open, line.open), (track.width, line.width), (track.round, line.round)):
        whole[span] = np.where(wider, part, whole[span])
    track.closed[span] &= line.closed
