"""What a lip-synced file really shows: landmarks on its pictures against its sound, and its pictures against the source's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from apps.engine.lipsync.faces import Face, FaceFinder, lower_face_mask, opening_of
from apps.engine.settings import EngineSettings

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Picture = NDArray[np.uint8]

SILENT_BELOW = 10 ** (-30 / 20)
"""Against the 95th percentile of the sound's level: quieter than this, for QUIET_FRAMES in a row, is silence."""

MOST_LAG = 2

SHUT_SHARE = 0.3
"""Landmarks of the same closed lips differ by a fifth of the range when the head turns or the eyes blink (looked at on a portrait)."""


class Correlation(NamedTuple):
    """Pearson's coefficient at the best lag; lag in frames, above 0 when the mouth comes after the sound."""

    value: float
    lag: int


def load_sound(path: Path, rate: int) -> Floats:
    """The first sound track, mono, at `rate`."""
    resampler = av.AudioResampler("flt", "mono", rate)
    parts: list[Floats] = []
    with av.open(str(path)) as container:
        for frame in [*container.decode(audio=0), None]:
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def load_pictures(path: Path) -> list[Picture]:
    """All pictures of a video in BGR, as shown one after the other."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def exact_sound(path: Path) -> NDArray[np.generic]:
    """The decoded samples of the first sound track as they are, channels by samples: for comparing tracks sample by sample."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def levels(sound: Floats, rate: int, fps: float, frames: int) -> Floats:
    """Root mean square of the sound under each frame."""
    bounds = np.minimum(np.round(np.arange(frames + 1) / fps * rate).astype(int), len(sound))
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(sound, np.float64) ** 2)])
    return np.sqrt((sums[bounds[1:]] - sums[bounds[:-1]]) / np.maximum(1, np.diff(bounds))).astype(np.float32)


def envelope(sound: Floats, rate: int, fps: float, frames: int) -> Floats:
    """The sound's level, smoothed over three frames."""
    return smoothed(levels(sound, rate, fps, frames))


def smoothed(values: Floats) -> Floats:
    """Weights 1, 2, 1 over three values: what both curves of a correlation go through."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4, np.float32)


def speech_correlation(opening: Floats, level: Floats) -> Correlation:
    """The mouth's opening (smoothed here) against an envelope, at the best of the lags up to MOST_LAG frames."""
    curve = smoothed(opening)
    best = Correlation(-1.0, 0)
    for lag in range(-MOST_LAG, MOST_LAG + 1):
        a, b = curve[max(0, lag) : len(curve) + min(0, lag)], level[max(0, -lag) : len(level) + min(0, -lag)]
        value = float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0
        best = max(best, Correlation(value, lag))
    return best


def silent_frames(sound: Floats, rate: int, fps: float, frames: int) -> Flags:
    """Frames in which nothing is said: quiet, and so are both neighbours."""
    level = levels(sound, rate, fps, frames)
    quiet = level < SILENT_BELOW * np.quantile(level, 0.95)
    padded = np.concatenate([[True], quiet, [True]])
    return np.asarray(padded[:-2] & padded[1:-1] & padded[2:])


@dataclass(frozen=True)
class Agreement:
    """How well a mouth's curve fits a sound. closed: share of the silent frames in which the mouth is shut."""

    correlation: float
    lag: int
    closed: float
    silent: int
    rest: float
    widest: float


def agree(opening: Floats, sound: Floats, rate: int, fps: float) -> Agreement:
    """Compares measured openings (of any unit) with the sound of the same time.

    Shut means: within SHUT_SHARE of the way from this mouth's rest (5th percentile) to its widest (95th).
    """
    frames = len(opening)
    found = speech_correlation(opening, envelope(sound, rate, fps, frames))
    silent = silent_frames(sound, rate, fps, frames)
    rest, widest = (float(value) for value in np.quantile(opening, (0.05, 0.95)))
    shut = opening <= rest + SHUT_SHARE * (widest - rest)
    share = float(shut[silent].mean()) if silent.any() else 1.0
    return Agreement(found.value, found.lag, share, int(silent.sum()), rest, widest)


def psnr(first: Picture, second: Picture, where: Flags | None = None) -> float:
    """Peak signal to noise in dB over the pixels of `where`; 99 for no difference."""
    error = (first.astype(np.float32) - second.astype(np.float32)) ** 2
    mean = float((error if where is None else error[where]).mean())
    return 99.0 if mean < 1e-9 else float(min(99.0, 10 * np.log10(255**2 / mean)))


def flicker(pictures: list[Picture], where: list[Flags], still: list[bool]) -> float:
    """Mean change of a pixel of `where` from one picture to the next (0..255), over the pictures that follow a still moment."""
    changes = [
        float(np.abs(pictures[i].astype(np.int16) - pictures[i - 1].astype(np.int16))[where[i] & where[i - 1]].mean())
        for i in range(1, len(pictures))
        if still[i] and still[i - 1] and (where[i] & where[i - 1]).any()
    ]
    return float(np.mean(changes)) if changes else 0.0


@dataclass(frozen=True)
class Seen:
    """A video's pictures and the landmarks found on each, afresh and unsmoothed."""

    pictures: list[Picture]
    points: list[Floats]

    @property
    def openings(self) -> Floats:
        """The gap between the inner lips over the size of the face, picture by picture."""
        return np.array([opening_of(points) for points in self.points], np.float32)

    @property
    def eyes(self) -> Floats:
        """The gap between the lids over the width of the eye, both eyes' mean."""
        pairs = ((159, 145, 33, 133), (386, 374, 362, 263))
        gaps = [[_apart(p, a, b) / _apart(p, c, d) for a, b, c, d in pairs] for p in self.points]
        return np.mean(np.array(gaps, np.float32), axis=1, dtype=np.float32)


def look_at(path: Path, settings: EngineSettings, face: int = 0, pictures: list[Picture] | None = None) -> Seen:
    """Landmarks on every picture of a file (or of `pictures`); `face` counts the two largest faces from the left."""
    shown = load_pictures(path) if pictures is None else pictures
    finder = FaceFinder(settings)
    found: list[Floats] = []
    for picture in shown:
        seen = finder.follow(picture, found[-1]) if found else _of_left(finder.find(picture)[:2], face)
        assert seen is not None, f"no face on picture {len(found)}"
        found.append(seen.points)
    return Seen(shown, found)


def outside_psnr(source: Seen, result: list[Picture]) -> float:
    """The lowest PSNR of any picture against the source's, outside the part of the face that lip sync may change."""
    pairs = zip(source.pictures, source.points, result, strict=False)
    return min(psnr(before, after, lower_face_mask(points, before.shape) == 0) for before, points, after in pairs)


def still_flicker(seen: Seen, still: Flags) -> float:
    """How much the lower face changes from picture to picture where the mouth is to be at rest (0..255)."""
    where = [
        lower_face_mask(points, picture.shape) > 0 for picture, points in zip(seen.pictures, seen.points, strict=True)
    ]
    return flicker(seen.pictures, where, list(still[: len(where)]))


def contact_sheet(seen: Seen, numbers: list[int], target: Path, columns: int = 8, side: int = 220) -> None:
    """Faces of some pictures as one PNG, for people to look at."""
    cells = []
    for number in numbers:
        low, high = seen.points[number][:, :2].min(axis=0), seen.points[number][:, :2].max(axis=0)
        room = 0.2 * (high - low)
        (left, top), (right, bottom) = np.maximum(low - room, 0).astype(int), (high + room).astype(int)
        cells.append(
            cv2.resize(seen.pictures[number][top:bottom, left:right], (side, side), interpolation=cv2.INTER_CUBIC)
        )
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    cv2.imwrite(str(target), np.vstack(rows))


def _of_left(faces: list[Face], number: int) -> Face:
    return sorted(faces, key=lambda face: face.centre[0])[number]


def _apart(points: Floats, a: int, b: int) -> float:
    return max(1e-6, float(np.linalg.norm(points[a, :2] - points[b, :2])))
