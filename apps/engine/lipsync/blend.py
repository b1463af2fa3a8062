"""Smooth deformation of a part of a picture, and laying one picture over another with soft edges."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from apps.engine.lipsync.faces import Floats, Picture

SMOOTHING = 1e-3
"""Of the thin plate: how little the control points are missed so that the plate stays calm between them."""


class Box(NamedTuple):
    """A part of a picture in whole pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def cut(self, picture: Picture) -> Picture:
        """The part itself (a view)."""
        return picture[self.top : self.bottom, self.left : self.right]


def box_around(points: Floats, room: float, shape: tuple[int, ...]) -> Box:
    """The box of some points with room around it, inside a picture of this shape (it may be empty)."""
    low, high = points.min(axis=0) - room, points.max(axis=0) + room
    left, top = np.floor(low).astype(int)
    right, bottom = np.ceil(high).astype(int) + 1
    left, top = min(max(left, 0), shape[1]), min(max(top, 0), shape[0])
    return Box(left, top, max(left, min(right, shape[1])), max(top, min(bottom, shape[0])))


def _kernel(a: Floats, b: Floats) -> Floats:
    """r^2 log r^2 between two lists of points."""
    squares = np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1)[None, :] - 2 * (a @ b.T)
    squares = np.maximum(squares, 1e-9)
    return np.asarray(squares * np.log(squares), np.float32)


def plate(at: Floats, moves: Floats, where: Floats) -> Floats:
    """Moves (n, 2) given at points (n, 2), carried on to other points (m, 2) by a thin plate."""
    count = len(at)
    system = np.zeros((count + 3, count + 3), np.float32)
    system[:count, :count] = _kernel(at, at)
    system[:count, :count] += SMOOTHING * np.eye(count, dtype=np.float32)
    system[:count, count] = 1
    system[:count, count + 1 :] = at
    system[count:, :count] = system[:count, count:].T
    right = np.zeros((count + 3, 2), np.float32)
    right[:count] = moves
    weights = np.linalg.solve(system, right).astype(np.float32)
    return np.asarray(_kernel(where, at) @ weights[:count] + weights[count] + where @ weights[count + 1 :], np.float32)


class Grid:
    """A coarse grid over a box; fields are computed on it and brought to full size."""

    def __init__(self, box: Box, step: float) -> None:
        self.box = box
        self.columns = max(4, round(box.width / step))
        self.rows = max(4, round(box.height / step))
        x = box.left + (np.arange(self.columns) + 0.5) * box.width / self.columns - 0.5
        y = box.top + (np.arange(self.rows) + 0.5) * box.height / self.rows - 0.5
        across, down = np.meshgrid(x, y)
        self.nodes: Floats = np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32)

    def window(self, outline: Floats) -> Floats:
        """1 well inside an outline, 0 outside of it, soft between, at the nodes (n, 1)."""
        scale = np.array([self.columns / self.box.width, self.rows / self.box.height], np.float32)
        fine = np.round(((outline - (self.box.left, self.box.top)) * scale - 0.5) * 16).astype(np.int32)
        mask = np.zeros((self.rows, self.columns), np.uint8)
        cv2.fillPoly(mask, [fine], 255, lineType=cv2.LINE_AA, shift=4)
        mask[[0, -1]] = 0
        mask[:, [0, -1]] = 0
        inner = cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=2, borderValue=0)
        soft = cv2.blur(inner, (3, 3), borderType=cv2.BORDER_REPLICATE).astype(np.float32) / 255
        return np.minimum(soft, mask.astype(np.float32) / 255).reshape(-1, 1)

    def full(self, values: Floats) -> Floats:
        """Values at the nodes (n, channels) as a picture of the box."""
        small = values.reshape(self.rows, self.columns, -1)
        return np.asarray(
            cv2.resize(small, (self.box.width, self.box.height), interpolation=cv2.INTER_LINEAR), np.float32
        )


def polygon(points: Floats, box: Box, soft: float = 0.0) -> Floats:
    """0..1 mask of a polygon inside a box, with anti-aliased edges and a blur of `soft` pixels."""
    mask = np.zeros((box.height, box.width), np.uint8)
    fine = np.round((points - (box.left, box.top)) * 16).astype(np.int32)
    cv2.fillPoly(mask, [fine], 255, lineType=cv2.LINE_AA, shift=4)
    out = mask.astype(np.float32) / 255
    return out if soft <= 0 else np.asarray(cv2.GaussianBlur(out, (0, 0), soft), np.float32)


def moved(picture: Picture, box: Box, field: Floats) -> Picture:
    """The box of a picture, each pixel taken from where it is plus `field` (height, width, 2)."""
    x = np.arange(box.left, box.right, dtype=np.float32)[None, :] + field[..., 0]
    y = np.arange(box.top, box.bottom, dtype=np.float32)[:, None] + field[..., 1]
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def over(under: Picture, top: Floats | Picture, alpha: Floats) -> Picture:
    """`top` over `under`, alpha 0..1 per pixel."""
    weight = alpha[..., None]
    mixed = np.multiply(under, 1 - weight) + np.multiply(top, weight) + 0.5
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)
