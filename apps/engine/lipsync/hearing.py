"""What can be heard in a speech every 10 ms: loudness above the noise, voice, brightness, and how open the vowel sounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE = 16_000
HOP = 160
STEP = HOP / RATE
"""Seconds between two values."""

WINDOW = 640
FFT = 1024
BLOCK = 6000  # windows worked on at once: a minute
EDGES = np.array(
    [
        100,
        200,
        300,
        400,
        500,
        600,
        720,
        850,
        1000,
        1170,
        1350,
        1550,
        1780,
        2030,
        2310,
        2630,
        3000,
        3500,
        4200,
        5200,
        6500,
        7900,
    ]
)
"""Bounds of the bands in Hz, about 150 mel apart."""

CENTRES = np.sqrt(EDGES[:-1] * EDGES[1:])
_LAGS = slice(RATE // 400, RATE // 75)
NOISE_SPAN, NOISE_STEP, NOISE_SHARE, NOISE_BIAS = 8.0, 0.5, 0.1, 1.6
"""The noise of a band is what its quietest tenth in +-4 s reaches, raised to the mean of steady noise."""

ABOVE_NOISE = 2.0
"""Only what is this many times the noise's power counts as speech."""

STILL_SPAN, STILL_SHARE = 1.6, 0.85

SMALLEST = 2e-4
"""Below this level (-74 dBFS) nothing is speech."""


@dataclass(frozen=True)
class Heard:
    """Values every STEP seconds. level: amplitude of the speech, 1 is this speaker's loud vowel; raw: the same before the noise was taken
    away, in sample units; voiced 0..1; bright: share of the energy above 3 kHz; murmur: share below 400 Hz; first and second: where the
    energy lies in the ranges of the two formants, 0 low .. 1 high for this speaker.
    """

    level: Floats
    raw: Floats
    voiced: Floats
    bright: Floats
    murmur: Floats
    first: Floats
    second: Floats

    def __len__(self) -> int:
        return len(self.level)


def listen(sound: Floats) -> Heard:
    """Measures mono sound at 16 kHz. Costs about 3 ms of one core per second of sound."""
    power, voiced = _bands(np.asarray(sound, np.float32))
    smooth = boxed(power, 3)
    clean = np.maximum(smooth - ABOVE_NOISE * _noise(power), 0.0)
    speech = clean[:, 1:-2]  # 200..5200 Hz: hum and hiss are not lips
    amplitude = np.sqrt(speech.sum(axis=1))
    total = clean.sum(axis=1) + 1e-12
    high = clean[:, np.searchsorted(EDGES, 3000) :].sum(axis=1) / total
    low = clean[:, : np.searchsorted(EDGES, 400)].sum(axis=1) / total
    loud = _loudness(amplitude)
    level = np.maximum(amplitude - STILL_SHARE * _still(amplitude), 0.0) / loud
    vowel = (voiced > 0.5) & (level > 0.25)
    return Heard(
        level=level.astype(np.float32),
        raw=np.sqrt(power.sum(axis=1)).astype(np.float32),
        voiced=voiced,
        bright=high.astype(np.float32),
        murmur=low.astype(np.float32),
        first=_place(clean, 250, 1050, vowel),
        second=_place(clean, 950, 2900, vowel),
    )


def _still(amplitude: Floats) -> Floats:
    """The lowest level within STILL_SPAN seconds around each moment: speech shuts again and again, a bed of music does not."""
    half = int(STILL_SPAN / STEP / 2)
    slow = boxed(amplitude, 5)
    padded = np.concatenate([slow[:1].repeat(half), slow, slow[-1:].repeat(half)])
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).min(axis=1)
    return boxed(np.asarray(lowest, np.float32), 31)


def _bands(sound: Floats) -> tuple[Floats, Floats]:
    """Power in each band (mean square of the samples) and voicing, one row every HOP samples."""
    count = max(1, -(-len(sound) // HOP))
    padded = np.zeros(count * HOP + WINDOW, np.float32)
    padded[WINDOW // 2 : WINDOW // 2 + len(sound)] = sound
    window = np.hanning(WINDOW).astype(np.float32)
    steady = np.fft.irfft(np.abs(np.fft.rfft(window, FFT)) ** 2)[: FFT // 2]
    steady = np.maximum(steady / steady[0], 1e-3)[_LAGS]
    starts = np.searchsorted(np.fft.rfftfreq(FFT, 1 / RATE), EDGES)
    scale = 2.0 / (FFT * float((window**2).sum()))
    power = np.empty((count, len(CENTRES)), np.float32)
    voiced = np.empty(count, np.float32)
    rows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    for start in range(0, count, BLOCK):
        block = slice(start, min(count, start + BLOCK))
        spectrum = np.abs(np.fft.rfft(rows[block] * window, FFT)).astype(np.float32) ** 2
        sums = np.cumsum(np.pad(spectrum, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
        power[block] = (sums[:, starts[1:]] - sums[:, starts[:-1]]) * scale
        again = np.fft.irfft(spectrum, axis=1)
        voiced[block] = np.max(again[:, _LAGS] / steady, axis=1) / np.maximum(again[:, 0], 1e-9)
    return power, np.clip(voiced, 0.0, 1.0)


def _noise(power: Floats) -> Floats:
    """The steady noise in each band over time."""
    slow = boxed(power, 15)
    span, step = int(NOISE_SPAN / STEP / 2), int(NOISE_STEP / STEP)
    places = np.arange(0, len(slow), step)
    floor = np.stack([np.quantile(slow[max(0, p - span) : p + span + 1 : 3], NOISE_SHARE, axis=0) for p in places])
    index = np.minimum(np.arange(len(slow)) // step, len(places) - 1)
    return np.asarray(NOISE_BIAS * boxed(floor.astype(np.float32), 3)[index], np.float32)


def _loudness(amplitude: Floats) -> Floats:
    """What counts as loud at each moment: follows a speaker who comes nearer, but not from word to word."""
    heard = amplitude[amplitude > SMALLEST]
    if len(heard) < 5:
        return np.full(len(amplitude), np.inf, np.float32)
    whole = float(np.quantile(heard[heard > 0.1 * np.quantile(heard, 0.98)], 0.9))
    span, step = int(6.0 / STEP), int(1.0 / STEP)
    local = np.array([_loud(amplitude[max(0, p - span) : p + span + 1]) for p in range(0, len(amplitude), step)])
    local = np.clip(local, 0.3 * whole, 1.6 * whole)
    places = np.arange(0, len(amplitude), step)
    return np.asarray(np.interp(np.arange(len(amplitude)), places, np.sqrt(local * whole)), np.float32)


def _loud(amplitude: Floats) -> float:
    """The 0.9 quantile of what is not silence."""
    top = float(np.quantile(amplitude, 0.98))
    heard = amplitude[amplitude > 0.1 * top]
    return float(np.quantile(heard, 0.9)) if len(heard) else 0.0


def _place(clean: Floats, low: float, high: float, vowel: NDArray[np.bool_]) -> Floats:
    """Where in low..high Hz the energy lies, 0..1 between this speaker's own tenth and ninetieth percentile; 0.5 where nothing is said."""
    inside = (low <= CENTRES) & (high >= CENTRES)
    weight = boxed(np.sqrt(clean[:, inside]), 3)
    where = (weight * np.log(CENTRES[inside])).sum(axis=1) / (weight.sum(axis=1) + 1e-9)
    if vowel.sum() < 10:
        return np.full(len(clean), 0.5, np.float32)
    bottom, top = np.quantile(where[vowel], (0.1, 0.9))
    placed = np.clip((where - bottom) / max(float(top - bottom), 0.08), 0.0, 1.0)
    return np.where(weight.sum(axis=1) > 1e-5, placed, 0.5).astype(np.float32)


def boxed(values: Floats, width: int) -> Floats:
    """Moving average over `width` rows (odd), ends repeated."""
    half = width // 2
    padded = np.concatenate([values[:1].repeat(half, 0), values, values[-1:].repeat(half, 0)]).astype(np.float64)
    sums = np.concatenate([np.zeros_like(padded[:1]), np.cumsum(padded, axis=0)])
    return np.asarray((sums[width:] - sums[:-width]) / width, np.float32)


def bell(values: Floats, sigma: float) -> Floats:
    """Smoothed by a Gaussian of `sigma` rows, ends repeated."""
    half = max(1, int(3 * sigma + 0.5))
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / max(sigma, 1e-3)) ** 2)
    padded = np.concatenate([values[:1].repeat(half), values, values[-1:].repeat(half)])
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), "valid"), np.float32)
