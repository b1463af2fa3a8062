"""Follows the faces of a video from picture to picture, in shots; tells who speaks; smooths what was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.engine.lipsync.faces import (
    Face,
    FaceFinder,
    Floats,
    Picture,
    Points,
    opening_of,
    size_of,
    yaw_of,
)
from apps.engine.lipsync.lips import Geometry, Lips
from apps.engine.lipsync.mouth import inside_value
from apps.engine.lipsync.types import MIN_FACE_PIXELS

Box = tuple[float, float, float, float]
LOOK_EVERY = 0.8
"""Seconds after which the whole picture is searched for new faces."""
LOOK_WHEN_LOST = 0.25
CUT_DIFFERENCE = 0.33
"""Share of the colours that must be others for a new shot."""
KEPT_PICTURES = 3
SMOOTH_SECONDS = 0.045
REST_SECONDS = 0.45
"""Over this time what a mouth does of its own is averaged to where it rests: longer than a syllable, shorter than a smile."""
ACTIVITY_SECONDS = 0.9
QUIET_FACE = 0.004
"""Movement of the opening (sizes of the face) below which a mouth counts as still."""
LOUDEST_SHARE = 0.55


@dataclass
class Track:
    """One face in one shot: landmarks by picture number, without gaps from `first` on."""

    first: int
    points: list[Points] = field(default_factory=list)
    shown: list[tuple[float, Picture, Points]] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Number of the last picture."""
        return self.first + len(self.points) - 1

    def add(self, picture: Picture, points: Points) -> None:
        """The next picture; pieces of the few that show the inside of the mouth best are kept."""
        self.points.append(points)
        value = inside_value(points)
        if len(self.shown) < KEPT_PICTURES or value > self.shown[-1][0] * 1.05:
            self.shown.append((value, *_piece(picture, points)))
            self.shown.sort(key=lambda item: -item[0])
            del self.shown[KEPT_PICTURES:]

    @property
    def width(self) -> float:
        """Usual width of the face in pixels."""
        return float(np.median([np.ptp(points[:, 0]) for points in self.points]))

    @property
    def yaw(self) -> float:
        """Usual turn of the head to the side in degrees, without sign."""
        return float(np.median([abs(yaw_of(points)) for points in self.points]))

    @cached_property
    def corners(self) -> Floats:
        """Left, top, right and bottom of the landmarks on each picture (pictures, 4); ask for them once the track is whole and smooth."""
        return np.array([np.concatenate([p[:, :2].min(axis=0), p[:, :2].max(axis=0)]) for p in self.points], np.float32)

    def openings(self) -> Floats:
        """The mouth's opening picture by picture."""
        return np.array([opening_of(points) for points in self.points], np.float32)

    def smooth(self, fps: float) -> None:
        """Takes the trembling out of the landmarks; they stay where they are in the mean."""
        stack = np.stack(self.points)
        flat = stack.reshape(len(stack), -1)
        for start in range(0, flat.shape[1], 64):  # a few columns at a time: an hour of landmarks is half a gigabyte
            flat[:, start : start + 64] = blurred(flat[:, start : start + 64], SMOOTH_SECONDS * fps)
        self.points = list(stack)

    def rests(self, geometry: Geometry, fps: float) -> list[Lips]:
        """Where the lips would rest on each picture: as measured, without what moves at the pace of speech."""
        found = [geometry.rest_on(points) for points in self.points]
        parts = []
        for part in range(3):
            stack = np.stack([rest[part] for rest in found]).reshape(len(found), -1)
            usual = geometry.rest[part].reshape(1, -1)
            parts.append(0.65 * blurred(stack, REST_SECONDS * fps) + 0.35 * usual)
        return [Lips(*(part[k].reshape(11, 2).astype(np.float32) for part in parts)) for k in range(len(found))]


def blurred(values: Floats, sigma: float) -> Floats:
    """Each column of (time, n) smoothed by a Gaussian of sigma pictures; the ends go on as they are."""
    if sigma < 0.2 or len(values) < 2:
        return values
    reach = min(len(values) - 1, max(1, round(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    padded = np.concatenate([np.repeat(values[:1], reach, axis=0), values, np.repeat(values[-1:], reach, axis=0)])
    out = np.zeros(values.shape, np.float64)
    for shift, weight in enumerate(weights):
        out += weight * padded[shift : shift + len(values)]
    return out.astype(np.float32)


class Tracker:
    """Takes a video's pictures in order; afterwards `tracks` has every face of every shot, and `small` each that is too small, by the
    picture's number and its box (left, top, right, bottom in pixels).
    """

    def __init__(self, finder: FaceFinder, fps: float) -> None:
        self.tracks: list[Track] = []
        self.cuts: list[int] = []
        self.small: list[tuple[int, Box]] = []
        self._finder = finder
        self._fps = fps
        self._live: list[Track] = []
        self._number = 0
        self._next_look = 0
        self._colours: Floats | None = None

    def take(self, picture: Picture) -> None:
        """The next picture."""
        if self._is_cut(picture):
            self.cuts.append(self._number)
            self._live, self._next_look = [], self._number
        before = len(self._live)
        self._follow(picture)
        if len(self._live) < before:
            self._next_look = min(self._next_look, self._number)
        if self._number >= self._next_look:
            self._look(picture)
            pause = LOOK_EVERY if self._live else LOOK_WHEN_LOST
            self._next_look = self._number + max(1, round(pause * self._fps))
        self._number += 1

    def _follow(self, picture: Picture) -> None:
        still: list[Track] = []
        for track in self._live:
            face = self._finder.follow(picture, track.points[-1])
            if face is None or not _plausible(face, track.points[-1]) or any(_near(face, t.points[-1]) for t in still):
                continue
            track.add(picture, face.points)
            still.append(track)
        self._live = still

    def _look(self, picture: Picture) -> None:
        for face in self._finder.find(picture):
            if face.width < MIN_FACE_PIXELS:
                self.small.append((self._number, face.box))
                continue
            if any(_near(face, track.points[-1]) for track in self._live):
                continue
            track = Track(self._number)
            track.add(picture, face.points)
            self.tracks.append(track)
            self._live.append(track)

    def _is_cut(self, picture: Picture) -> bool:
        tiny = cv2.resize(picture, (64, 36), interpolation=cv2.INTER_AREA)
        counts = cv2.calcHist([tiny], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).reshape(-1) / (64 * 36)
        last, self._colours = self._colours, counts
        return last is not None and 0.5 * float(np.abs(counts - last).sum()) > CUT_DIFFERENCE


def speaking(tracks: list[Track], frames: int, fps: float) -> list[NDArray[np.bool_]]:
    """For each track whether it speaks, one flag per picture of the track.

    A face alone on the picture speaks. Of several at once those whose mouths move speak: at least half as much as the liveliest.
    """
    moving = np.zeros((len(tracks), frames), np.float32)
    there = np.zeros((len(tracks), frames), bool)
    whole = np.zeros(len(tracks), np.float32)
    for row, track in enumerate(tracks):
        openings = track.openings()
        calm = blurred(openings[:, None], 0.5 * ACTIVITY_SECONDS * fps)[:, 0]
        power = blurred(((openings - calm) ** 2)[:, None], ACTIVITY_SECONDS * fps)[:, 0]
        moving[row, track.first : track.last + 1] = np.sqrt(power)
        there[row, track.first : track.last + 1] = True
        whole[row] = float(np.std(openings - calm))
    out = []
    for row, track in enumerate(tracks):
        span = slice(track.first, track.last + 1)
        others = there[:, span].sum(axis=0) > 1
        if not others.any():
            out.append(np.ones(len(track.points), bool))
            continue
        beside = [k for k in range(len(tracks)) if k != row and there[k, span].any()]
        loudest = max(float(whole[k]) for k in beside)
        silent = whole[row] < max(QUIET_FACE, LOUDEST_SHARE * loudest) and whole[row] < loudest
        lively = moving[row, span] >= LOUDEST_SHARE * moving[:, span].max(axis=0)
        out.append(np.where(others, lively & (not silent), True))
    return out


def _plausible(face: Face, last: Points) -> bool:
    """A face does not jump or change its size at once, and its landmarks stay a face."""
    size, before = size_of(face.points), size_of(last)
    jump = float(np.linalg.norm(face.points[:, :2].mean(axis=0) - last[:, :2].mean(axis=0)))
    return 0.7 < size / max(before, 1e-6) < 1.4 and jump < 0.5 * before and face.width >= 0.7 * MIN_FACE_PIXELS


def _near(face: Face, points: Points) -> bool:
    apart = float(np.linalg.norm(face.points[:, :2].mean(axis=0) - points[:, :2].mean(axis=0)))
    return apart < 0.5 * max(face.width, float(np.ptp(points[:, 0])))


def _piece(picture: Picture, points: Points) -> tuple[Picture, Points]:
    """The part of a picture around a face, copied, with the landmarks in it."""
    low = np.maximum(np.floor(points[:, :2].min(axis=0) - 4), 0).astype(int)
    high = np.ceil(points[:, :2].max(axis=0) + 4).astype(int)
    moved = points.copy()
    moved[:, :2] -= low
    return picture[low[1] : high[1], low[0] : high[0]].copy(), moved
