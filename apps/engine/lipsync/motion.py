"""What a living head does besides speaking: it sways a little, nods with the stress of the speech, and blinks. All by the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.engine.lipsync.faces import CHIN, FOREHEAD, OVAL, Picture, Points
from apps.engine.lipsync.hearing import bell

Floats = NDArray[np.float32]

SWAY = {"x": 0.012, "y": 0.007, "roll": 0.014, "yaw": 0.055, "pitch": 0.028, "near": 0.008}
"""Standard deviation of each movement: x and y in face heights, roll, yaw and pitch in radians, near as a share of the size."""

SLOWEST, FASTEST = 0.12, 0.75  # Hz
NOD = 0.030
"""Radians that the head goes down at the stress of a word."""

LISTENING = 0.6
"""A head that does not speak moves so much of that."""

FIRST_BLINK, LEAST_PAUSE, MEAN_PAUSE = 0.6, 1.6, 3.4  # seconds
SHUTTING, SHUT, OPENING = 0.09, 0.05, 0.15  # seconds

COARSE = 4
"""Displacements are smooth: they are reckoned for every fourth pixel and enlarged."""


@dataclass(frozen=True)
class HeadMotion:
    """One value per picture. x, y in face heights; roll, yaw, pitch in radians; near as a share; lids 0 open .. 1 shut."""

    x: Floats
    y: Floats
    roll: Floats
    yaw: Floats
    pitch: Floats
    near: Floats
    lids: Floats


def head_motion(seed: int, person: int, fps: float, stress: Floats) -> HeadMotion:
    """The movements for as many pictures as `stress` (0..1, how loudly is spoken; zeros for a listener) has.

    The same seed and person (0, 1 ... from the left) always move in the same way; they begin at rest, as the picture shows them.
    """
    rng = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, person, 20_240_229])
    frames = len(stress)
    much = bell(np.where(stress > 0.05, 1.0, LISTENING).astype(np.float32), fps * 0.5)
    start = np.clip(np.arange(frames) / (0.8 * fps), 0.0, 1.0).astype(np.float32)
    begin = start * start * (3 - 2 * start)
    parts = {name: size * begin * much * _drift(rng, frames, fps) for name, size in SWAY.items()}
    beat = bell(stress, 0.16 * fps)
    beat = beat - bell(beat, 0.9 * fps)  # only what stands out
    parts["pitch"] = parts["pitch"] + NOD * begin * np.clip(beat * 2.0, -0.5, 1.0)
    return HeadMotion(
        **{name: values.astype(np.float32) for name, values in parts.items()}, lids=_blinks(rng, frames, fps)
    )


def _drift(rng: np.random.Generator, frames: int, fps: float) -> Floats:
    """A smooth curve of standard deviation 1 out of a few slow waves."""
    pitches = np.exp(rng.uniform(np.log(SLOWEST), np.log(FASTEST), 6))
    phases = rng.uniform(0, 2 * np.pi, 6)
    weights = 1 / np.sqrt(pitches / SLOWEST)
    time = np.arange(frames)[:, None] / fps
    waves = (weights * np.sin(2 * np.pi * pitches * time + phases)).sum(axis=1)
    return np.asarray(waves / np.sqrt((weights**2).sum() / 2), np.float32)


def _blinks(rng: np.random.Generator, frames: int, fps: float) -> Floats:
    """How far the lids are shut: falls fast, rises more slowly."""
    time = (np.arange(frames) + 0.5) / fps
    lids = np.zeros(frames, np.float32)
    at = FIRST_BLINK + float(rng.exponential(1.0))
    while at < frames / fps:
        shape = np.interp(time - at, [0.0, SHUTTING, SHUTTING + SHUT, SHUTTING + SHUT + OPENING], [0.0, 1.0, 1.0, 0.0])
        lids = np.maximum(lids, (shape * shape * (3 - 2 * shape)).astype(np.float32))
        at += LEAST_PAUSE + min(float(rng.exponential(MEAN_PAUSE - LEAST_PAUSE)), 6.0)
    return lids


class HeadWarp:
    """One head of a picture: the movement is whole on the head and fades out around it, so nothing tears."""

    def __init__(self, points: Points, grid: Floats, width: int, height: int) -> None:
        top, bottom = points[FOREHEAD, :2], points[CHIN, :2]
        self._length = float(np.linalg.norm(bottom - top))
        down = (bottom - top) / max(self._length, 1e-6)
        oval = points[list(OVAL), :2]
        half = max(1.0, float(np.ptp(oval @ np.array([down[1], -down[0]])) / 2))
        middle = oval.mean(axis=0) - 0.10 * self._length * down  # the hair belongs to the head
        along, across = (grid - middle) @ down, (grid - middle) @ np.array([down[1], -down[0]])
        radius = np.sqrt((along / (0.78 * self._length)) ** 2 + (across / (1.15 * half)) ** 2)
        self.weight = _fade(radius, 1.0, 2.3) * _border(grid, width, height)
        pivot = bottom + 0.25 * self._length * down  # heads turn on their necks
        self._arm = (grid - pivot).astype(np.float32)
        self._depth = _depth(points, grid, radius, half)

    def shift(self, motion: HeadMotion, frame: int, share: Floats, box: tuple[slice, slice]) -> Floats:
        """Displacement (x, y) in pixels at each node of a part of the grid, `share` of it all."""
        roll, near = float(motion.roll[frame]), float(motion.near[frame])
        yaw, pitch = float(np.sin(motion.yaw[frame])), float(np.sin(motion.pitch[frame]))
        x, y, depth = self._arm[box][..., 0], self._arm[box][..., 1], self._depth[box]
        moved = np.empty((*depth.shape, 2), np.float32)
        moved[..., 0] = share[box] * (float(motion.x[frame]) * self._length - roll * y + near * x + yaw * depth)
        moved[..., 1] = share[box] * (float(motion.y[frame]) * self._length + roll * x + near * y + pitch * depth)
        return moved


class HeadWarps:
    """All heads of one still picture; what is far from them is never touched."""

    def __init__(self, faces: Sequence[Points], shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        columns, rows = -(-width // COARSE) + 1, -(-height // COARSE) + 1
        axes = (np.arange(count, dtype=np.float32) * COARSE for count in (columns, rows))
        grid = np.stack(np.meshgrid(*axes), axis=2)
        self._heads = [HeadWarp(points, grid, width, height) for points in faces]
        weights = np.stack([head.weight for head in self._heads])
        # where the surroundings of two heads meet, each has its part, so that they never add up to a pull
        self._shares = (weights * weights / np.maximum(weights.sum(axis=0), weights.max(axis=0) + 1e-6)).astype(
            np.float32
        )
        reached = weights.max(axis=0) > 1e-3
        row, column = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
        self._box = (slice(int(row[0]), int(row[-1]) + 2), slice(int(column[0]), int(column[-1]) + 2))
        self._left, self._top = int(column[0]) * COARSE, int(row[0]) * COARSE
        self._right = min(width, (int(column[-1]) + 1) * COARSE)
        self._bottom = min(height, (int(row[-1]) + 1) * COARSE)

    def move(self, picture: Picture, motions: Sequence[HeadMotion], frame: int) -> Picture:
        """A new picture with every head moved as its motion says for this frame."""
        parts = zip(self._heads, motions, self._shares, strict=True)
        coarse = np.sum([head.shift(motion, frame, share, self._box) for head, motion, share in parts], axis=0)
        width, height = self._right - self._left, self._bottom - self._top
        scale = np.array([[1 / COARSE, 0, 0], [0, 1 / COARSE, 0]], np.float32)  # node n stands at pixel COARSE * n
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        fine = cv2.warpAffine(coarse, scale, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        x = np.arange(self._left, self._right, dtype=np.float32)[None, :] - fine[..., 0]
        y = np.arange(self._top, self._bottom, dtype=np.float32)[:, None] - fine[..., 1]
        moved = picture.copy()
        moved[self._top : self._bottom, self._left : self._right] = cv2.remap(
            picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return moved


def _fade(radius: NDArray[np.floating], inside: float, outside: float) -> Floats:
    step = np.clip((outside - radius) / (outside - inside), 0.0, 1.0)
    return np.asarray(step * step * (3 - 2 * step), np.float32)


def _border(grid: Floats, width: int, height: int) -> Floats:
    """0 at the edges of the picture, 1 from a twelfth of it on: the edges stay where they are."""
    x, y = grid[..., 0], grid[..., 1]
    edge = np.minimum(np.minimum(x, width - 1 - x) / width, np.minimum(y, height - 1 - y) / height)
    return _fade(1.0 - 12.0 * np.maximum(edge, 0.0), 0.0, 1.0)


def _depth(points: Points, grid: Floats, radius: Floats, half: float) -> Floats:
    """How far each place is in front of the head's axis, in pixels: the landmarks' depth on the face, a dome around it."""
    dome = half * np.maximum(0.0, 1.0 - (radius / 1.5) ** 2)
    reach = 0.10 * half * 2 / COARSE
    rows, columns = grid.shape[:2]
    sums, counts = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    x = np.clip(np.round(points[:, 0] / COARSE).astype(int), 0, columns - 1)
    y = np.clip(np.round(points[:, 1] / COARSE).astype(int), 0, rows - 1)
    face = half - (points[:, 2] - points[:, 2].min()) * 0.8  # the tip of the nose is nearest
    np.add.at(sums, (y, x), face - dome[y, x])
    np.add.at(counts, (y, x), 1.0)
    blurred = [cv2.GaussianBlur(part, (0, 0), max(0.8, reach)) for part in (sums, counts)]
    return np.asarray(dome + blurred[0] / (blurred[1] + 0.02), np.float32)
