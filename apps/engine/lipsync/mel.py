"""Speech as lip-sync models of Wav2Lip's kind hear it: a mel spectrogram in decibels, and the piece of it that belongs to a picture.

Bands are Slaney's (linear below 1000 Hz, logarithmic above, each of the same area), as librosa's, which Wav2Lip was trained with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.engine.lipsync.installed import MelForm

Floats = NDArray[np.float32]

CHUNK = 4096
"""Columns that are computed at once: an hour of sound would need gigabytes."""
BREAK_HZ, LINEAR_HZ = 1000.0, 200.0 / 3
LOG_STEP = np.log(6.4) / 27


@dataclass(frozen=True)
class Heard:
    """The spectrogram (bands, columns) of a whole sound."""

    mel: Floats
    form: MelForm

    def at(self, second: float) -> Floats:
        """What a picture at this second hears: `steps` columns from there on, at the end the last ones (bands, steps)."""
        steps, columns = self.form.steps, self.mel.shape[1]
        first = min(int(second * self.form.rate / self.form.hop + 1e-6), columns - steps)
        return self.mel[:, first : first + steps]


def hear(sound: Floats, form: MelForm) -> Heard:
    """The spectrogram of mono samples -1..1 at form.rate; a sound shorter than one piece goes on in silence."""
    least = max(form.transform, form.hop * form.steps)
    padded = np.pad(np.asarray(sound, np.float32), (0, max(0, least - len(sound))))
    emphasized = padded.copy()
    emphasized[1:] -= np.float32(form.emphasis) * padded[:-1]
    around = np.pad(emphasized, form.transform // 2, mode="reflect")
    views = np.lib.stride_tricks.sliding_window_view(around, form.transform)[:: form.hop]
    window, bank = _window(form), filters(form)
    parts = [
        bank @ np.abs(np.fft.rfft(views[start : start + CHUNK] * window, axis=1)).T.astype(np.float32)
        for start in range(0, len(views), CHUNK)
    ]
    return Heard(_levels(np.concatenate(parts, axis=1), form), form)


def filters(form: MelForm) -> Floats:
    """Weights (bands, bins) of the bands' triangles."""
    bins = np.linspace(0, form.rate / 2, form.transform // 2 + 1)
    ends = _to_hz(np.linspace(_to_mel(form.low), _to_mel(form.high), form.bands + 2))
    rise = (bins - ends[:-2, None]) / np.diff(ends)[:-1, None]
    fall = (ends[2:, None] - bins) / np.diff(ends)[1:, None]
    height = 2 / (ends[2:] - ends[:-2])
    return (np.maximum(0, np.minimum(rise, fall)) * height[:, None]).astype(np.float32)


def _levels(bands: Floats, form: MelForm) -> Floats:
    least = 10 ** (form.floor_db / 20)
    decibels = 20 * np.log10(np.maximum(bands, least)) - form.reference_db
    share = (decibels - form.floor_db) / -form.floor_db
    return np.clip(2 * form.most * share - form.most, -form.most, form.most).astype(np.float32)


def _window(form: MelForm) -> Floats:
    """A periodic Hann window in the middle of the transform."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(form.window) / form.window)
    before = (form.transform - form.window) // 2
    return np.pad(hann, (before, form.transform - form.window - before)).astype(np.float32)


def _to_mel(hertz: float) -> float:
    if hertz < BREAK_HZ:
        return hertz / LINEAR_HZ
    return float(BREAK_HZ / LINEAR_HZ + np.log(hertz / BREAK_HZ) / LOG_STEP)


def _to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    turn = BREAK_HZ / LINEAR_HZ
    return np.where(mels < turn, mels * LINEAR_HZ, BREAK_HZ * np.exp(LOG_STEP * (mels - turn)))
