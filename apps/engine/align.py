"""Corrects recognized word times by the sound itself: Whisper stretches words over the pauses beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from apps.engine.transcript import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_SECONDS = 0.02
MIN_PAUSE_FRAMES = 8
"""A pause inside a word's span counts from 0.16 s on: shorter silences are stops within words."""

DIGITAL_SILENCE_DB = -95.0
"""Padding, not a room: it says nothing about the noise floor."""

EXTEND_SECONDS = 0.45
"""How far a word's end may follow speech that goes on after it."""


class Envelope:
    """Which frames of FRAME_SECONDS hold sound clearly above the local background noise."""

    def __init__(self, audio: Path, rate: int = 16_000) -> None:
        import numpy as np
        import soundfile

        size = int(rate * FRAME_SECONDS)
        levels: list[NDArray[np.float32]] = []
        with soundfile.SoundFile(audio) as file:
            for block in file.blocks(size * 3000, dtype="float32"):
                usable = len(block) // size * size
                power = (block[:usable].reshape(-1, size).astype(np.float64) ** 2).mean(axis=1)
                levels.append((10 * np.log10(power + 1e-10)).astype(np.float32))
        level = np.concatenate(levels) if levels else np.zeros(0, np.float32)
        self.active = self._above_noise(level)

    @staticmethod
    def _above_noise(level: NDArray[np.float32]) -> NDArray[np.bool_]:
        """A quarter of the way from the noise floor up to speech (both measured over half a minute), at least 6 dB."""
        import numpy as np

        active = np.zeros(len(level), np.bool_)
        window = int(30 / FRAME_SECONDS)
        for start in range(0, len(level), window):
            part = level[max(0, start - window // 2) : start + window + window // 2]
            heard = part[part > DIGITAL_SILENCE_DB]
            if not len(heard):
                continue
            floor, loud = float(np.percentile(heard, 8)), float(np.percentile(heard, 95))
            active[start : start + window] = level[start : start + window] > floor + max(6.0, 0.28 * (loud - floor))
        return active

    def onset(self, start: float, end: float) -> float:
        """Where the last run of sound inside [start, end] begins, after a pause; start when there is no pause."""
        first, last = int(start / FRAME_SECONDS), min(int(end / FRAME_SECONDS), len(self.active))
        quiet = 0
        for frame in range(last - 1, first - 1, -1):
            quiet = 0 if self.active[frame] else quiet + 1
            if quiet >= MIN_PAUSE_FRAMES and self.active[frame + quiet : last].any():
                return (frame + quiet) * FRAME_SECONDS
        # No pause of full length, but silence right at the beginning (the pause began before the word).
        while first < last and quiet and not self.active[first]:
            first += 1
        return max(start, first * FRAME_SECONDS) if first < last else start

    def offset(self, end: float, limit: float) -> float:
        """Where the sound that is on at `end` stops, at most `limit`."""
        frame, last = int(end / FRAME_SECONDS), min(int(limit / FRAME_SECONDS), len(self.active))
        while frame < last and self.active[frame]:
            frame += 1
        return max(end, min(limit, frame * FRAME_SECONDS))


def plausible_length(text: str) -> float:
    """Seconds that a word takes at most when it is spoken slowly."""
    letters = sum(c.isalnum() for c in text)
    wide = sum(ord(c) > 0x2E80 for c in text)
    return 0.25 + 0.09 * (letters - wide) + 0.3 * wide


def refine(words: list[Word], envelope: Envelope, duration: float) -> list[Word]:
    """Words with starts moved behind pauses and ends moved to where the sound stops; order and number stay."""
    refined: list[Word] = []
    for index, word in enumerate(words):
        start, end = word.start, word.end
        after_pause = (
            index == 0 or word.start - words[index - 1].end > 0.05 or end - start > plausible_length(word.text)
        )
        if after_pause:
            start = min(envelope.onset(start, end), end - 0.02)
        limit = words[index + 1].start if index + 1 < len(words) else duration
        if index + 1 < len(words) and words[index + 1].end - limit > plausible_length(words[index + 1].text):
            limit = max(limit, envelope.onset(limit, words[index + 1].end))
        if limit > end:
            end = envelope.offset(end, min(limit, end + EXTEND_SECONDS))
        start = max(start, refined[-1].end if refined else 0.0)
        end = min(max(end, start + 0.02), max(duration, start + 0.02))
        refined.append(msgspec.structs.replace(word, start=round(start, 3), end=round(end, 3)))
    return refined
