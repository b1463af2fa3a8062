"""Whom an order names: a face by a point of the picture, in a video at a second; there, and in every other shot that shows the same face.

Who is the same in two shots is told by the skin: the brightness over the straightened face, and its colour. Measured on the
sample clips: of three looks each the best two of one person are alike by 0.5 and more, those of two people by 0.05 at the most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync.faces import (
    CHIN,
    FOREHEAD,
    LEFT_EYE,
    MAX_YAW,
    NOSE_TIP,
    RIGHT_EYE,
    Face,
    Floats,
    Picture,
    Points,
)
from apps.engine.lipsync.tracking import Box, Track
from apps.engine.lipsync.types import MIN_FACE_PIXELS, Pick

if TYPE_CHECKING:
    from apps.engine.lipsync.video import Cast

REACH: Final = 0.25
"""A point so far outside of a face's box, in its widths and heights, still means it."""
AROUND: Final = 1.0
"""Seconds around the named one in which the face may be: a new face is found within a second."""
FOLLOWED: Final = 60.0
"""A video is followed at least so long for a face that is named there, also where less of it is made."""
ALIKE: Final = 0.35
COLOUR_SPAN: Final = 10.0
"""So much difference of colour (Lab) weighs as much as having nothing in common."""
PATCH: Final = 48
CORNERS: Final = {
    LEFT_EYE: (0.23, 0.31), 133: (0.4, 0.32), 362: (0.6, 0.32), RIGHT_EYE: (0.77, 0.31), NOSE_TIP: (0.5, 0.56),
    61: (0.33, 0.7), 291: (0.67, 0.7), 199: (0.5, 0.93), FOREHEAD: (0.5, 0.0), CHIN: (0.5, 1.0), 234: (0.09, 0.43), 454: (0.91, 0.43),
}  # fmt: skip
"""Where landmarks lie in a straightened face (shares of its height): the mean of the project's frontal ones."""


class Looks(NamedTuple):
    """A face as it can be compared: brightness of the straightened face (mean 0, deviation 1), mean colour (a and b of Lab)."""

    light: Floats
    colour: Floats


def pick_faces(faces: Sequence[Face], picks: Sequence[Pick], size: tuple[int, int]) -> list[Face]:
    """The faces that picks name on a picture of this size, in the order of the picks.

    Raises JobError 10911 (no face there), 10912 (two picks name the same), 10913 (too small), 10914 (from the side).
    """
    found: list[Face] = []
    for number, pick in enumerate(picks):
        face = min(faces, key=lambda one: _away(one.box, pick, size), default=None)
        if face is None or _away(face.box, pick, size) > 1:
            raise JobError(errors.NO_FACE, f"{_named(number, pick)}: no face was found there")
        if any(face is other for other in found):
            raise JobError(errors.TOO_MANY_FACES, f"{_named(number, pick)}: the same face is named twice")
        _check(number, pick, face.width, abs(face.yaw))
        found.append(face)
    return found


def pictures_needed(picks: Sequence[Pick], total: int, fps: float) -> int:
    """How many pictures have to be followed so that every named face is met, where `total` are made. Raises JobError 10911."""
    far = max(FOLLOWED, total / fps)
    for number, pick in enumerate(picks):
        if pick.at > far:
            raise JobError(errors.NO_FACE, f"{_named(number, pick)}: the video is only followed for {far:.0f} seconds")
    return max([total, *(round(pick.at * fps) + 1 for pick in picks)])


def pick_tracks(cast: Cast, picks: Sequence[Pick], fps: float, size: tuple[int, int]) -> list[Track]:
    """The tracks that picks name, and those of other shots that show the same faces. Raises JobError 10911, 10913, 10914."""
    named: list[Track] = []
    for number, pick in enumerate(picks):
        track = _track_at(cast, pick, fps, size)
        if track is None:
            small = any(_is_near(cast, first, pick, fps) and _away(box, pick, size) <= 1 for first, box in cast.small)
            if small:
                _check(number, pick, 0.0, 0.0)
            raise JobError(errors.NO_FACE, f"{_named(number, pick)}: no face was found there")
        _check(number, pick, track.width, track.yaw)
        if not any(track is other for other in named):
            named.append(track)
    return [track for track in cast.tracks if any(track is one for one in named) or _is_like(track, named, cast.tracks)]


def looks_of(picture: Picture, points: Points) -> Looks:
    """How a face looks, whatever its size and tilt."""
    matrix = _straightening(points[list(CORNERS), :2])
    flags = cv2.INTER_AREA if abs(matrix[0, 0]) < 0.5 else cv2.INTER_LINEAR
    patch = cv2.warpAffine(picture, matrix, (PATCH, PATCH), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    lab = cv2.cvtColor(patch, cv2.COLOR_BGR2LAB).astype(np.float32)
    light = lab[:, :, 0].reshape(-1)
    return Looks((light - light.mean()) / max(float(light.std()), 1e-3), lab[:, :, 1:].reshape(-1, 2).mean(axis=0))


def _straightening(corners: Floats) -> Floats:
    """The turn, scale and shift (2 x 3) that bring landmarks closest to CORNERS on the patch; both as complex numbers, by least squares."""
    straight = np.array(list(CORNERS.values())) * (PATCH - 4) + 2
    here, there = corners @ [1, 1j], straight @ [1, 1j]
    around = here - here.mean()
    turn = np.vdot(around, there - there.mean()) / max(float(np.vdot(around, around).real), 1e-6)
    shift = there.mean() - turn * here.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float32)


def likeness(one: Sequence[Looks], other: Sequence[Looks]) -> float:
    """How much the best two of two sets of looks have in common: 1 everything, 0 or less nothing."""
    return max(
        (
            float((a.light * b.light).mean()) - float(np.linalg.norm(a.colour - b.colour)) / COLOUR_SPAN
            for a in one
            for b in other
        ),
        default=-1.0,
    )


def _is_like(track: Track, named: Sequence[Track], tracks: Sequence[Track]) -> bool:
    """Whether a track shows one of the named faces. Whoever is seen beside a named face is somebody else, and may be more alike."""
    looks = _looks(track)
    mine = max((likeness(looks, _looks(one)) for one in named if not _together(track, one)), default=-1.0)
    if mine < ALIKE:
        return False
    others = [one for one in tracks if one is not track and not any(one is each for each in named)]
    beside = [one for one in others if any(_together(one, each) for each in named) and not _together(one, track)]
    return mine > max((likeness(looks, _looks(one)) for one in beside), default=-1.0)


def _looks(track: Track) -> list[Looks]:
    return [looks_of(picture, points) for _, picture, points in track.shown]


def _together(one: Track, other: Track) -> bool:
    return one.first <= other.last and other.first <= one.last


def _track_at(cast: Cast, pick: Pick, fps: float, size: tuple[int, int]) -> Track | None:
    """The track that is at the pick's place at its second, or nearest to it in time."""
    wanted = round(pick.at * fps)
    best: tuple[int, float, Track] | None = None
    for track in cast.tracks:
        number = min(max(wanted, track.first), track.last)
        points = track.points[number - track.first]
        away = _away(Face(points, 1.0).box, pick, size)
        if away <= 1 and _is_near(cast, number, pick, fps):
            best = min([(abs(number - wanted), away, track), *([best] if best else [])], key=lambda found: found[:2])
    return best[2] if best else None


def _is_near(cast: Cast, number: int, pick: Pick, fps: float) -> bool:
    """Whether a picture is close to the pick's second, with no cut between them."""
    wanted = round(pick.at * fps)
    low, high = min(number, wanted), max(number, wanted)
    return high - low <= AROUND * fps and not any(low < cut <= high for cut in cast.cuts)


def _away(box: Box, pick: Pick, size: tuple[int, int]) -> float:
    """How far a pick is from the middle of a box: 1 at its border and REACH beyond."""
    left, top, right, bottom = box
    x, y = pick.x * size[0] - (left + right) / 2, pick.y * size[1] - (top + bottom) / 2
    reach = 0.5 + REACH
    return max(abs(x) / max(1e-6, (right - left) * reach), abs(y) / max(1e-6, (bottom - top) * reach))


def _check(number: int, pick: Pick, width: float, yaw: float) -> None:
    if width < MIN_FACE_PIXELS:
        least = f"it must be at least {MIN_FACE_PIXELS:.0f} pixels wide in the result"
        raise JobError(errors.FACE_TOO_SMALL, f"{_named(number, pick)}: the face is too small, {least}")
    if yaw > MAX_YAW:
        raise JobError(errors.FACE_IN_PROFILE, f"{_named(number, pick)}: the face is seen from the side")


def _named(number: int, pick: Pick) -> str:
    """A pick as its order says it."""
    at = f", at {pick.at:g} s" if pick.at else ""
    return f"faces.{number} (x {pick.x:.3g}, y {pick.y:.3g}{at})"
