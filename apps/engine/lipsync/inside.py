"""Lays the inside of the mouth between painted lips: teeth that stay with the skull, the floor that goes with the lower lip."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from apps.engine.lipsync import blend
from apps.engine.lipsync.colours import Inside
from apps.engine.lipsync.faces import Floats, Picture
from apps.engine.lipsync.lips import Geometry, LipEdges, inverse

LINE_GAP = 0.014
"""Below this opening (sizes of the face) the shadow of touching lips is drawn where the picture's own lips were apart."""
LINE_STRENGTH = 0.45
SEEN_GAP = 0.002


class Opening(NamedTuple):
    """Lips as they are painted: in the person's own frame, on the picture, and the own opening that was there before."""

    goal: LipEdges
    aim: LipEdges
    pose: Floats
    size: float
    own_gap: float


def lay(part: Picture, box: blend.Box, opening: Opening, kept: Inside, geometry: Geometry, light: Floats) -> None:
    """Paints into `part`, the box's piece of the picture, what is seen between the lips; `light` is a factor per colour."""
    goal, aim, size = opening.goal, opening.aim, opening.size
    gap = goal.gap
    rim = np.concatenate([aim.inner_upper, aim.inner_lower[::-1]])
    hole = _within(blend.box_around(rim, 3 + 0.02 * size, (box.bottom, box.right)), box)
    if hole.width < 3 or hole.height < 2:
        return
    under = part[hole.top - box.top : hole.bottom - box.top, hole.left - box.left : hole.right - box.left]
    if gap < LINE_GAP:
        line = (aim.inner_upper + aim.inner_lower) / 2
        strength = LINE_STRENGTH * min(1.0, opening.own_gap / 0.02) * (1 - gap / LINE_GAP)
        under[:] = _darkened(under, line, hole, strength, max(1.0, 0.009 * size))
    if gap > SEEN_GAP:
        alpha = blend.polygon(rim, hole, max(0.45, 0.0035 * size)) * min(1.0, gap / 0.01)
        under[:] = blend.over(under, _seen(opening, kept, geometry, hole) * light, alpha)


def _seen(opening: Opening, kept: Inside, geometry: Geometry, hole: blend.Box) -> Floats:
    """The inside as it lies behind these lips."""
    goal = opening.goal
    centre = geometry.rest.line[[0, 10]].mean(axis=0)
    x, y = _own_coordinates(opening.pose, hole)
    sunk = float(goal.inner_lower[5, 1] - centre[1] - kept.lower_at[1])
    upper = _sample(kept, kept.upper, x - centre[0], y - centre[1])
    lower = _sample(kept, kept.lower, x - centre[0], y - centre[1] - sunk)
    top = np.interp(x, goal.inner_upper[:, 0], goal.inner_upper[:, 1])
    bottom = np.interp(x, goal.inner_lower[:, 0], goal.inner_lower[:, 1])
    depth = (y - top) / np.maximum(bottom - top, 1e-4)
    weight = np.clip((depth - 0.4) / 0.35, 0, 1)[..., None]
    deep = 0.4 if kept.drawn else 0.15  # what was filmed has its own shadows
    shadow = 1 - deep + deep * np.clip((y - top) / 0.018, 0, 1)
    edge = np.minimum(x - goal.inner_upper[0, 0], goal.inner_upper[-1, 0] - x)
    corner = 1 - deep + deep * np.clip(edge / 0.05, 0, 1)
    return np.asarray((upper * (1 - weight) + lower * weight) * (shadow * corner)[..., None], np.float32)


def _within(part: blend.Box, box: blend.Box) -> blend.Box:
    return blend.Box(
        max(part.left, box.left), max(part.top, box.top), min(part.right, box.right), min(part.bottom, box.bottom)
    )


def _own_coordinates(pose: Floats, box: blend.Box) -> tuple[Floats, Floats]:
    """x and y in the person's own frame for each pixel of a box."""
    back = inverse(pose)
    x = np.arange(box.left, box.right, dtype=np.float32)[None, :]
    y = np.arange(box.top, box.bottom, dtype=np.float32)[:, None]
    return back[0, 0] * x + back[0, 1] * y + back[0, 2], back[1, 0] * x + back[1, 1] * y + back[1, 2]


def _sample(kept: Inside, drawing: Floats, x: Floats, y: Floats) -> Floats:
    """The kept picture at places seen from its middle."""
    high, wide = drawing.shape[:2]
    columns = (wide / 2 + kept.scale * x).astype(np.float32)
    rows = (high / 2 + kept.scale * y).astype(np.float32)
    return np.asarray(cv2.remap(drawing, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _darkened(under: Picture, line: Floats, hole: blend.Box, strength: float, width: float) -> Picture:
    """Closed lips touch in a fine shadow; an opened source does not have it."""
    mask = np.zeros(under.shape[:2], np.uint8)
    fine = np.round((line[1:-1] - (hole.left, hole.top)) * 16).astype(np.int32)
    cv2.polylines(mask, [fine], False, 255, thickness=max(1, round(width)), lineType=cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.6, 0.5 * width)).astype(np.float32) / 255
    return np.asarray(np.clip(under * (1 - strength * soft[..., None]), 0, 255), np.uint8)
