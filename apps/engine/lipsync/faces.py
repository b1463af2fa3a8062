"""Faces on one picture: a detector and 468 landmarks, both MediaPipe's published weights run by OpenCV.

Points are float32 (468, 3): x and y in pixels of the picture, z in the same unit (smaller is nearer). The numbers of the
lists below are those of MediaPipe's face mesh. "Left" and "right" are those of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.settings import EngineSettings

Picture = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]
Points = Floats

MODEL_FOLDER = "faces"
DETECTOR_FILE = "face_detection_short_range.tflite"
LANDMARKS_FILE = "face_landmark.tflite"

OUTER_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
LEFT_EYE, RIGHT_EYE, NOSE_TIP, NOSE_BASE, CHIN, FOREHEAD = 33, 263, 1, 2, 152, 10
POINTS = 468

DETECTOR_SIZE = 128
LANDMARK_SIZE = 192
MIN_SCORE = 0.6
MIN_PRESENCE = 0.5
ROOM = 1.5
"""How much larger than the face the square is that the landmark model looks at."""
SMALL_TILE = 0.45
NOSE_LENGTH = 0.45
"""How far the tip of the nose stands before the line between the ears, in widths of the face."""
MAX_YAW = 50.0
"""Degrees; beyond it one corner of the mouth is out of sight."""


@dataclass(frozen=True)
class Face:
    """One face on one picture; `score` 0..1 is the model's own surety."""

    points: Points
    score: float

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom in pixels."""
        low, high = self.points[:, :2].min(axis=0), self.points[:, :2].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def width(self) -> float:
        """Pixels between the sides of the face."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Pixels between forehead and chin."""
        return self.box[3] - self.box[1]

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def yaw(self) -> float:
        """Degrees that the head is turned to the side, 0 is frontal."""
        return yaw_of(self.points)


def size_of(points: Points) -> float:
    """A length in pixels that speech and turns of the head hardly change: forehead to the nose's base, times 1.6."""
    return float(np.linalg.norm(points[FOREHEAD, :3] - points[NOSE_BASE, :3])) * 1.6


def opening_of(points: Points) -> float:
    """Mean gap between the inner lips over the face's size; 0 when closed, about 0.2 for a wide open mouth."""
    upper, lower = points[[81, 13, 311], :2], points[[178, 14, 402], :2]
    return float(np.linalg.norm(upper - lower, axis=1).mean()) / max(size_of(points), 1e-6)


def yaw_of(points: Points) -> float:
    """Degrees of the turn to the side: how far the nose's tip has moved from the middle between the sides of the face.

    The model's own depth tells about six tenths of a turn and never more than 50 degrees; places on the picture are true up to there.
    """
    across = points[454, :2] - points[234, :2]
    share = float((points[NOSE_TIP, :2] - points[234, :2]) @ across) / max(float(across @ across), 1e-6)
    return math.degrees(math.atan((share - 0.5) / NOSE_LENGTH))


def lower_face(points: Points, around: float = 0.11) -> Floats:
    """The outline (n, 2) of what a rendered mouth may change: the face below the tip of the nose, and a bit around it.

    `around` is in lengths of the face, from forehead to chin; below the chin there is neck that moves with the jaw.
    """
    down = points[CHIN, :2] - points[FOREHEAD, :2]
    length = max(float(np.linalg.norm(down)), 1e-6)
    down = down / length
    outline = points[list(OVAL), :2].copy()
    short = points[NOSE_TIP, :2] @ down - outline @ down
    outline += np.outer(np.maximum(short, 0), down)
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    away = outline - middle
    far = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    return np.asarray(outline + away / far * around * length, np.float32)


def lower_face_mask(points: Points, shape: tuple[int, ...]) -> Picture:
    """255 where a rendered mouth may change a picture of this shape."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.ceil(lower_face(points)).astype(np.int32)], 255)
    return mask


class FaceFinder:
    """The two models, loaded; one per thread. Raises JobError 10999 when they are not installed."""

    def __init__(self, settings: EngineSettings) -> None:
        cv2.setNumThreads(settings.cores)
        self._detector = _load(settings, DETECTOR_FILE, cv2.dnn.ENGINE_CLASSIC)
        self._landmarks = _load(settings, LANDMARKS_FILE, cv2.dnn.ENGINE_CLASSIC)
        self._anchors = _anchors()
        self._landmark_names = self._landmarks.getUnconnectedOutLayersNames()
        self._detector_names = self._detector.getUnconnectedOutLayersNames()

    def find(self, picture: Picture) -> list[Face]:
        """Every face of a BGR picture, the largest first."""
        found: list[Face] = []
        for corners in self._candidates(picture):
            face = self._look(picture, *corners)
            if face is not None and not any(_same(face, other) for other in found):
                found.append(face)
        return sorted(found, key=lambda face: face.width * face.height, reverse=True)

    def follow(self, picture: Picture, last: Points) -> Face | None:
        """The face that was at `last` one picture ago; None when it is not there any more."""
        low, high = last[:, :2].min(axis=0), last[:, :2].max(axis=0)
        return self._look(picture, (low + high) / 2, float((high - low).max()) * ROOM, _roll(last[33], last[263]))

    def _look(self, picture: Picture, centre: Floats, side: float, angle: float) -> Face | None:
        """Landmarks inside a turned square."""
        if not 8 <= side < 4 * max(picture.shape[:2]):
            return None
        scale = LANDMARK_SIZE / side
        cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
        half = LANDMARK_SIZE / 2
        matrix = np.array(
            [
                [cos, sin, half - cos * centre[0] - sin * centre[1]],
                [-sin, cos, half + sin * centre[0] - cos * centre[1]],
            ],
            np.float32,
        )
        flags = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        crop = cv2.warpAffine(
            picture, matrix, (LANDMARK_SIZE, LANDMARK_SIZE), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        self._landmarks.setInput(cv2.dnn.blobFromImage(crop, 1 / 255, swapRB=True))
        outputs = self._landmarks.forward(self._landmark_names)
        raw = next(out for out in outputs if out.size == POINTS * 3).reshape(POINTS, 3)
        presence = _sigmoid(float(next(out for out in outputs if out.size == 1).reshape(-1)[0]))
        if presence < MIN_PRESENCE:
            return None
        back = cv2.invertAffineTransform(matrix)
        points = np.empty((POINTS, 3), np.float32)
        points[:, :2] = raw[:, :2] @ back[:, :2].T + back[:, 2]
        points[:, 2] = raw[:, 2] / scale
        return Face(points, presence)

    def _candidates(self, picture: Picture) -> Iterator[tuple[Floats, float, float]]:
        """Centre, side and angle of the square around each detected face, the surest first."""
        found: list[tuple[float, Floats]] = []
        for tile in _tiles(picture.shape[1], picture.shape[0]):
            found += self._detect(picture, *tile)
        found.sort(key=lambda item: -item[0])
        kept: list[Floats] = []
        for _, row in found:
            if any(_overlap(row, other) > 0.3 for other in kept):
                continue
            kept.append(row)
            centre, side = (row[:2] + row[2:4] / 2).astype(np.float32), float(row[2:4].max()) * ROOM
            yield centre, side, _roll(row[4:6], row[6:8])

    def _detect(self, picture: Picture, left: int, top: int, side: int) -> list[tuple[float, Floats]]:
        """(score, [left, top, width, height, six key points]) inside one square of the picture."""
        tile = picture[max(0, top) : top + side, max(0, left) : left + side]
        square = np.zeros((side, side, 3), np.uint8)
        square[max(0, -top) : max(0, -top) + tile.shape[0], max(0, -left) : max(0, -left) + tile.shape[1]] = tile
        small = cv2.resize(square, (DETECTOR_SIZE, DETECTOR_SIZE), interpolation=cv2.INTER_AREA)
        self._detector.setInput(cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5,) * 3, swapRB=True))
        outputs = self._detector.forward(self._detector_names)
        boxes = np.concatenate([out.reshape(-1, 16) for out in outputs if out.shape[-1] == 16])
        scores = np.concatenate([out.reshape(-1) for out in outputs if out.shape[-1] == 1])
        scores = 1 / (1 + np.exp(-np.clip(scores, -50, 50)))
        unit = side / DETECTOR_SIZE
        rows = []
        for index in np.flatnonzero(scores > MIN_SCORE):
            raw, anchor = boxes[index], self._anchors[index] * DETECTOR_SIZE
            row = np.empty(16, np.float32)
            row[4:] = ((raw[4:].reshape(6, 2) + anchor) * unit + (left, top)).reshape(-1)
            row[2:4] = raw[2:4] * unit
            row[:2] = (raw[:2] + anchor) * unit + (left, top) - row[2:4] / 2
            rows.append((float(scores[index]), row))
        return rows


def _load(settings: EngineSettings, name: str, engine: int) -> cv2.dnn.Net:
    path = settings.model_path(MODEL_FOLDER, name)
    if not path.is_file():
        raise JobError(errors.ENGINE_FAULT, "the face models are not installed (manage.py install_models)")
    return cv2.dnn.readNetFromTFLite(str(path), engine)


def _anchors() -> Floats:
    """Centres of the detector's 896 anchors as fractions: 16 x 16 twice, then 8 x 8 six times."""
    rows = [
        ((x + 0.5) / cells, (y + 0.5) / cells)
        for cells, times in ((16, 2), (8, 6))
        for y in range(cells)
        for x in range(cells)
        for _ in range(times)
    ]
    return np.array(rows, np.float32)


def _tiles(width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """Squares to look at: the whole picture, squares of its shorter side, and smaller ones for small faces."""
    longer, shorter = max(width, height), min(width, height)
    yield (width - longer) // 2, (height - longer) // 2, longer
    for side in dict.fromkeys((shorter, round(longer * SMALL_TILE))):
        if side >= longer or side < 32:
            continue
        for top in _starts(height, side):
            for left in _starts(width, side):
                yield left, top, side


def _starts(length: int, side: int) -> list[int]:
    """Where windows of this length begin so that neighbours overlap by a third."""
    if side >= length:
        return [0]
    count = math.ceil((length - side) / (side * 0.66)) + 1
    return [round(number * (length - side) / (count - 1)) for number in range(count)]


def _roll(left: Floats, right: Floats) -> float:
    return math.atan2(float(right[1] - left[1]), float(right[0] - left[0]))


def _overlap(a: Floats, b: Floats) -> float:
    """Shared area over the smaller one's."""
    size = np.minimum(a[:2] + a[2:4], b[:2] + b[2:4]) - np.maximum(a[:2], b[:2])
    if (size <= 0).any():
        return 0.0
    return float(size[0] * size[1] / max(1e-6, min(a[2] * a[3], b[2] * b[3])))


def _same(a: Face, b: Face) -> bool:
    boxes = [np.array([f.box[0], f.box[1], f.width, f.height], np.float32) for f in (a, b)]
    return _overlap(*boxes) > 0.4


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, value))))
