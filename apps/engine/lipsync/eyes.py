"""Blinking on a still picture: the skin of the upper lid is drawn down over the eye."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.engine.lipsync.faces import Picture, Points

UPPER = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (362, 398, 384, 385, 386, 387, 388, 466, 263))
LOWER = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (362, 382, 381, 380, 374, 373, 390, 249, 263))
BROW = ((46, 53, 52, 65, 55), (285, 295, 282, 283, 276))
"""Outlines from left to right in the picture: upper lid, lower lid, lower edge of the brow; left eye, right eye."""

OPEN_FROM = 0.12
"""An eye less open than this part of its width is taken as shut: it does not blink."""

REACH = 0.92
"""The upper lid goes down so far of the way to the lower one; the lower comes up for the rest."""

SKIN = 0.6
"""So much of the way from lid to brow is the skin that is stretched."""

Floats = NDArray[np.float32]


class Eye:
    """One eye of a still picture, ready to be shut."""

    def __init__(self, picture: Picture, points: Points, side: int) -> None:
        upper, lower, brow = (points[list(table[side]), :2] for table in (UPPER, LOWER, BROW))
        along = upper[-1] - upper[0]
        self._width = float(np.linalg.norm(along))
        self._axis = along / max(self._width, 1e-6)
        self._down = np.array([-self._axis[1], self._axis[0]], np.float32)
        self._origin = upper[0]
        top = brow.min(axis=0).astype(int) - 2
        bottom = np.maximum(upper.max(axis=0), lower.max(axis=0)).astype(int) + 4
        top, bottom = (
            np.minimum(top, upper.min(axis=0).astype(int) - 4),
            np.maximum(bottom, brow.max(axis=0).astype(int)),
        )
        height, width = picture.shape[:2]
        left, high = max(0, int(top[0])), max(0, int(top[1]))
        right, low = min(width, int(bottom[0]) + 1), min(height, int(bottom[1]) + 1)
        self._box = (slice(high, low), slice(left, right))
        self.can_blink = right - left > 4 and low - high > 4 and self._opening(upper, lower) > OPEN_FROM
        if not self.can_blink:
            return
        x, y = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(high, low, dtype=np.float32))
        self._t = (x - self._origin[0]) * self._axis[0] + (y - self._origin[1]) * self._axis[1]
        self._s = (x - self._origin[0]) * self._down[0] + (y - self._origin[1]) * self._down[1]
        self._lid, self._floor, brows = (self._curve(outline) for outline in (upper, lower, brow))
        self._floor = np.maximum(self._floor, self._lid)
        self._crease = self._lid - np.maximum(2.0, SKIN * (self._lid - brows))
        self._corner = np.array([left, high], np.float32)

    def _opening(self, upper: Points, lower: Points) -> float:
        middle = len(upper) // 2
        return float(np.linalg.norm(upper[middle] - lower[middle])) / max(self._width, 1e-6)

    def _curve(self, outline: Points) -> Floats:
        """Height of an outline (along the eye's own vertical) at each pixel of the box."""
        t = (outline - self._origin) @ self._axis
        s = (outline - self._origin) @ self._down
        order = np.argsort(t)
        return np.asarray(np.interp(self._t, t[order], s[order]), np.float32)

    def shut(self, picture: Picture, amount: float) -> None:
        """Draws the lid into `picture` (the still itself or with a painted mouth); amount 0 open .. 1 shut."""
        if amount <= 0.01 or not self.can_blink:
            return
        margin = self._lid + REACH * amount * (self._floor - self._lid)
        stretch = (self._lid - self._crease) / np.maximum(margin - self._crease, 0.5)
        source = np.where(self._s > self._crease, self._crease + (self._s - self._crease) * stretch, self._s)
        box = picture[self._box]
        x = self._origin[0] + self._t * self._axis[0] + source * self._down[0] - self._corner[0]
        y = self._origin[1] + self._t * self._axis[1] + source * self._down[1] - self._corner[1]
        lid = cv2.remap(
            box, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        inside = np.clip(margin - self._s + 0.5, 0.0, 1.0) * np.clip((self._floor - self._lid) / 1.0, 0.0, 1.0)
        alpha = inside[..., None]
        box[:] = np.round(lid * alpha + box * (1.0 - alpha)).astype(np.uint8)


def eyes_of(picture: Picture, points: Points) -> list[Eye]:
    """Both eyes of a face."""
    return [Eye(picture, points, side) for side in (0, 1)]
