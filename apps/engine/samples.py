"""Small tools over samples: trimming, levels, fades, and laying many pieces on one long track without holding it in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]
SPEECH_RMS = 10 ** (-20 / 20)  # every spoken line is brought to -20 dBFS, so that voices are alike
PEAK = 0.89
BLOCK_SECONDS = 10


def trim(
    samples: Samples, rate: int, *, keep_before: float = 0.01, keep_after: float = 0.05, floor_db: float = -38.0
) -> Samples:
    """Cut silence off both ends: 10 ms windows quieter than `floor_db` below the loudest one count as silence."""
    window = max(1, rate // 100)
    count = len(samples) // window
    if count == 0:
        return samples
    levels = np.sqrt(np.mean(samples[: count * window].reshape(count, window) ** 2, axis=1))
    loud = np.flatnonzero(levels > max(float(levels.max()) * 10 ** (floor_db / 20), 1e-5))
    if not len(loud):
        return samples[:0]
    start = max(0, int(loud[0]) * window - int(keep_before * rate))
    end = min(len(samples), (int(loud[-1]) + 1) * window + int(keep_after * rate))
    return samples[start:end]


def level(samples: Samples, rate: int) -> Samples:
    """Bring the loud parts to SPEECH_RMS without passing PEAK."""
    parts = [part for part in np.array_split(samples, max(1, len(samples) // max(1, rate // 20))) if len(part)]
    powers = np.array([float(np.mean(part**2)) for part in parts])
    if not len(powers) or powers.max() <= 0:
        return samples
    active = float(np.sqrt(powers[powers > powers.max() * 0.01].mean()))
    scaled = samples * np.float32(SPEECH_RMS / active)
    if float(np.abs(scaled).max()) > PEAK:
        # a soft knee above half of PEAK keeps one loud consonant from lowering the whole line
        knee = PEAK / 2
        over = np.abs(scaled) > knee
        scaled[over] = np.sign(scaled[over]) * (
            knee + (PEAK - knee) * np.tanh((np.abs(scaled[over]) - knee) / (PEAK - knee))
        )
    return scaled.astype(np.float32)


def fade(samples: Samples, rate: int, *, fade_in: float = 0.004, fade_out: float = 0.012) -> Samples:
    """Soft edges, so that a piece neither clicks on nor off."""
    out = samples.copy()
    head, tail = min(len(out), int(fade_in * rate)), min(len(out), int(fade_out * rate))
    if head:
        out[:head] *= np.linspace(0, 1, head, dtype=np.float32)
    if tail:
        out[-tail:] *= np.linspace(1, 0, tail, dtype=np.float32)
    return out


def assemble(
    pieces: Sequence[tuple[float, Path]],
    duration: float,
    rate: int,
    target: Path,
    on_block: Callable[[float], None] | None = None,
) -> None:
    """Write a mono 16-bit wav of `duration` seconds with each piece (mono, same rate) added at its second."""
    total = round(duration * rate)
    placed = sorted((max(0, round(start * rate)), path) for start, path in pieces)
    with soundfile.SoundFile(target, "w", samplerate=rate, channels=1, subtype="PCM_16", format="WAV") as out:
        for start, block in _blocks(placed, total, rate * BLOCK_SECONDS):
            out.write(np.clip(block, -1.0, 1.0))
            if on_block:
                on_block((start + len(block)) / rate)


def _blocks(placed: Sequence[tuple[int, Path]], total: int, size: int) -> Iterator[tuple[int, Samples]]:
    waiting = list(placed)
    sounding: list[tuple[int, Samples]] = []
    for start in range(0, total, size):
        end = min(total, start + size)
        while waiting and waiting[0][0] < end:
            at, path = waiting.pop(0)
            sounding.append((at, soundfile.read(path, dtype="float32", always_2d=True)[0][:, 0]))
        block = np.zeros(end - start, np.float32)
        for at, samples in sounding:
            left, right = max(at, start), min(at + len(samples), end)
            if right > left:
                block[left - start : right - start] += samples[left - at : right - at]
        sounding = [(at, samples) for at, samples in sounding if at + len(samples) > end]
        yield start, block
