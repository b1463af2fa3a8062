"""Lips as geometry: where a person's lips rest, and where they are for a mouth shape. Nothing here touches a picture.

Coordinates are the person's own frame: origin at the base of the nose, x along the eyes, y down, unit the size of the face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from apps.engine.lipsync.faces import (
    INNER_LOWER,
    INNER_UPPER,
    LEFT_EYE,
    NOSE_BASE,
    OUTER_LOWER,
    OUTER_UPPER,
    RIGHT_EYE,
    Floats,
    Points,
    opening_of,
    size_of,
    yaw_of,
)
from apps.engine.lipsync.types import MouthShape

ANCHORS = (33, 133, 362, 263, 70, 300, 107, 336, 109, 338, 10, 127, 356, 168, 6, 2, 98, 327)
"""Points that speech does not move, without the tip of the nose, whose depth would mislead when the head turns."""
UPPER_SHARE = 0.22
"""Part of an opening by which the upper lip rises; the lower lip and the jaw do the rest."""
MIN_GAP, MAX_GAP, USUAL_GAP = 0.075, 0.125, 0.095
MOST_SEEN = 1000
"""Of a long video so many pictures tell the person's geometry."""
_ALONG = np.linspace(0, np.pi, 11)
PROFILE = np.sin(_ALONG).astype(np.float32) ** 0.75
"""How far the lips part at each of the eleven points from corner to corner."""


class Lips(NamedTuple):
    """Lips at rest: the line where they meet (11, 2), and each lip's outer edge seen from there."""

    line: Floats
    up: Floats
    low: Floats


class LipEdges(NamedTuple):
    """Four edges of eleven points each, from the left corner to the right one."""

    outer_upper: Floats
    inner_upper: Floats
    inner_lower: Floats
    outer_lower: Floats

    def mapped(self, matrix: Floats) -> LipEdges:
        """The same through a 2 x 3 matrix."""
        return LipEdges(*((edge @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32) for edge in self))

    @property
    def gap(self) -> float:
        """Distance of the inner edges in the middle."""
        return float(np.linalg.norm(self.inner_lower[5] - self.inner_upper[5]))


def edges_of(points: Points) -> LipEdges:
    """The lips as they are on a picture."""
    lists = (OUTER_UPPER, INNER_UPPER, INNER_LOWER, OUTER_LOWER)
    return LipEdges(*(points[list(rows), :2].astype(np.float32) for rows in lists))


def rest_of(edges: LipEdges) -> Lips:
    """How these lips would rest when the jaw closes."""
    line = edges.inner_upper + UPPER_SHARE * (edges.inner_lower - edges.inner_upper)
    line[[0, 10]] = (edges.inner_upper[[0, 10]] + edges.inner_lower[[0, 10]]) / 2
    return Lips(line, edges.outer_upper - edges.inner_upper, edges.outer_lower - edges.inner_lower)


def shaped(rest: Lips, shape: MouthShape, gap: float) -> LipEdges:
    """The lips for a mouth shape; gap is this person's opening at open = 1 in sizes of the face."""
    opening = max(0.0, min(1.0, shape.open))
    rounded = max(0.0, min(1.0, shape.round))
    spread = max(-1.0, min(1.0, shape.width))
    centre = rest.line[[0, 10]].mean(axis=0)
    factor = (1 + 0.09 * max(spread, 0) + 0.08 * min(spread, 0)) * (1 - 0.17 * rounded) * (1 - 0.05 * opening)
    line = rest.line.copy()
    line[:, 0] = centre[0] + (line[:, 0] - centre[0]) * factor
    parted = PROFILE * gap * opening * (1 + 0.1 * rounded)
    share = UPPER_SHARE + 0.08 * rounded
    upper, lower = line.copy(), line.copy()
    upper[:, 1] -= parted * share
    lower[:, 1] += parted * (1 - share)
    thick = 1 + 0.16 * rounded - 0.06 * max(spread, 0)
    return LipEdges(upper + rest.up * thick, upper, lower, lower + rest.low * thick * (1 - 0.06 * opening))


@dataclass(frozen=True)
class Geometry:
    """One person's face: the anchor points in the own frame, the lips at rest, and the widest opening (sizes of the face)."""

    anchors: Floats
    rest: Lips
    gap: float

    @classmethod
    def of(cls, seen: list[Points]) -> Geometry:
        """From all pictures of the person; the straightest one gives the frame."""
        seen = seen[:: max(1, len(seen) // MOST_SEEN)]
        straight = min(seen, key=lambda points: abs(yaw_of(points)))
        own = _own_frame(straight)
        anchors = (straight[list(ANCHORS), :2] @ own[:, :2].T + own[:, 2]).astype(np.float32)
        geometry = cls(anchors, rest_of(edges_of(straight)), USUAL_GAP)
        rests = [geometry.rest_on(points) for points in seen]
        openings = np.array([opening_of(points) for points in seen])
        calm = np.flatnonzero(openings <= np.quantile(openings, 0.4))
        median = Lips(*(np.median([rests[k][part] for k in calm], axis=0).astype(np.float32) for part in range(3)))
        gap = USUAL_GAP if len(seen) < 25 else float(np.clip(1.25 * np.quantile(openings, 0.97), MIN_GAP, MAX_GAP))
        return cls(anchors, median, gap)

    def pose(self, points: Points) -> Floats:
        """2 x 3 matrix from the person's own frame to a picture."""
        ones = np.ones((len(self.anchors), 1), np.float32)
        found, *_ = np.linalg.lstsq(np.hstack([self.anchors, ones]), points[list(ANCHORS), :2], rcond=None)
        return found.T.astype(np.float32)

    def rest_on(self, points: Points) -> Lips:
        """The lips at rest as this one picture shows them, in the own frame."""
        return rest_of(edges_of(points).mapped(inverse(self.pose(points))))


def _own_frame(points: Points) -> Floats:
    """2 x 3 matrix from a picture to the frame of the face on it."""
    across = points[RIGHT_EYE, :2] - points[LEFT_EYE, :2]
    x = across / max(float(np.linalg.norm(across)), 1e-6) / max(size_of(points), 1e-6)
    turn = np.array([[x[0], x[1]], [-x[1], x[0]]], np.float32)
    return np.hstack([turn, -(turn @ points[NOSE_BASE, :2])[:, None]]).astype(np.float32)


def inverse(matrix: Floats) -> Floats:
    """The way back of a 2 x 3 matrix."""
    back = np.linalg.inv(matrix[:, :2])
    return np.hstack([back, -(back @ matrix[:, 2])[:, None]]).astype(np.float32)
