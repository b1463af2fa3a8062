"""The inside of a person's mouth: teeth and cavity as the pictures show them, drawn in the person's own colours where they do not."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.engine.lipsync.faces import INNER_LOWER, INNER_UPPER, Floats, Picture, Points

UNITS_WIDE, UNITS_HIGH = 0.62, 0.36
"""Size of the kept picture of the inside, in sizes of the face; its middle is the middle of the closed mouth."""
SKIN = (50, 280, 205, 425, 187, 411, 199, 175, 200, 208, 428)
"""Points on cheeks and chin by whose colour the light of two pictures is compared."""
SEEN_GAP = 0.035
"""From this gap between the lips on (in sizes of the face) a picture shows an inside worth keeping."""


@dataclass(frozen=True)
class Inside:
    """Two pictures of the inside in float BGR: `upper` stays with the skull (upper teeth), `lower` goes with the lower lip.

    `scale` is their pixels per size of the face, `skin` the colour of the skin in the same light, `lower_at` the place of the lower
    lip's inner middle in `lower` (units, from the picture's middle), `drawn` True when no picture showed the inside.
    """

    upper: Floats
    lower: Floats
    scale: float
    skin: Floats
    lower_at: Floats
    drawn: bool


def skin_colour(picture: Picture, points: Points) -> Floats:
    """Mean BGR at the SKIN points that lie on the picture."""
    at = np.round(points[list(SKIN), :2]).astype(int)
    on = (at[:, 0] > 0) & (at[:, 1] > 0) & (at[:, 0] < picture.shape[1] - 1) & (at[:, 1] < picture.shape[0] - 1)
    if not on.any():
        return np.full(3, 128, np.float32)
    patches = [picture[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0) for x, y in at[on]]
    return np.asarray(np.median(np.array(patches), axis=0), np.float32)


def lip_colour(picture: Picture, points: Points) -> Floats:
    """Median BGR of the lower lip."""
    at = np.round((points[[84, 17, 314], :2] + points[[87, 14, 317], :2]) / 2).astype(int)
    at = np.clip(at, 0, [picture.shape[1] - 1, picture.shape[0] - 1])
    return np.asarray(np.median(picture[at[:, 1], at[:, 0]], axis=0), np.float32)


def canvas(scale: float) -> tuple[int, int]:
    """Width and height in pixels of a picture of the inside."""
    return max(8, round(UNITS_WIDE * scale)), max(6, round(UNITS_HIGH * scale))


def to_canvas(scale: float, centre: Floats) -> Floats:
    """2 x 3 matrix from the person's own frame to the pixels of the picture of the inside."""
    wide, high = canvas(scale)
    return np.array([[scale, 0, wide / 2 - scale * centre[0]], [0, scale, high / 2 - scale * centre[1]]], np.float32)


def inside_of(picture: Picture, points: Points, to_frame: Floats, centre: Floats, scale: float) -> Inside:
    """What this picture shows between the lips, carried on to all sides; to_frame maps the person's own frame to the picture.

    The hidden rest is filled from the seen edge and fades to the cavity's dark, so that a wider opening has something to show.
    """
    wide, high = canvas(scale)
    to_person = cv2.invertAffineTransform(to_frame)
    onto = _chain(to_canvas(scale, centre), to_person)
    seen = cv2.warpAffine(picture, onto, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    rim = np.concatenate([points[list(INNER_UPPER), :2], points[list(INNER_LOWER)[::-1], :2]])
    shape = (rim @ onto[:, :2].T + onto[:, 2]).astype(np.float32)
    mask = np.zeros((high, wide), np.uint8)
    cv2.fillPoly(mask, [np.round(shape).astype(np.int32)], 255)
    mask = np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8)), np.uint8)
    dark = cavity_colour(picture, points)
    filled = seen.astype(np.float32)
    if mask.any():
        unknown = np.asarray(255 - mask, np.uint8)
        filled = cv2.inpaint(seen, unknown, 3, cv2.INPAINT_TELEA).astype(np.float32)
        away = cv2.distanceTransform(unknown, cv2.DIST_L2, 3) / max(1.0, 0.035 * scale)
        fade = np.exp(-away)[..., None].astype(np.float32)
        lower = filled * fade + dark * (1 - fade)
        # Above the seen part the teeth go on behind the upper lip; below and beside it there is only the dark.
        rows = np.arange(high, dtype=np.float32)[:, None]
        middle = float(np.flatnonzero(mask.max(axis=1)).mean())
        keep = np.clip((middle - rows) / max(1.0, 0.01 * scale), 0, 1)[..., None]
        keep = keep * (mask.max(axis=0) > 0)[None, :, None]
        upper = lower * (1 - keep) + filled * keep
    else:
        upper = lower = filled
    lower_lip = points[14, :2] @ to_person[:, :2].T + to_person[:, 2]
    return Inside(
        upper=np.asarray(upper, np.float32),
        lower=np.asarray(lower, np.float32),
        scale=scale,
        skin=skin_colour(picture, points),
        lower_at=(lower_lip - centre).astype(np.float32),
        drawn=False,
    )


def cavity_colour(picture: Picture, points: Points) -> Floats:
    """The dark of the open mouth: the person's lips in deep shadow."""
    return (lip_colour(picture, points) * 0.22 + np.array([2, 1, 6], np.float32)).astype(np.float32)


def drawn_inside(picture: Picture, points: Points, centre: Floats, scale: float, mouth_width: float) -> Inside:
    """Teeth and cavity for a person whose mouth was never seen open; mouth_width in sizes of the face."""
    wide, high = canvas(scale)
    skin, lips, dark = skin_colour(picture, points), lip_colour(picture, points), cavity_colour(picture, points)
    x = (np.arange(wide, dtype=np.float32) - wide / 2) / scale
    y = (np.arange(high, dtype=np.float32) - high / 2) / scale
    across, down = np.meshgrid(x, y)
    side = np.clip(np.abs(across) / (0.5 * mouth_width), 0, 1)
    upper = np.broadcast_to(dark, (high, wide, 3)).astype(np.float32)
    light = float(skin @ np.array([0.114, 0.587, 0.299], np.float32))
    tint = 0.55 * np.array([0.86, 0.95, 1.0], np.float32) + 0.45 * skin / max(
        light, 1.0
    )  # ivory in the light of the scene
    teeth = tint * min(215.0, light * 0.92)
    edge = 0.022 * (1 - 0.55 * side**2)  # lower edge of the upper teeth, an arch
    shape = _soft_step((edge - down) / 0.006) * _soft_step((0.86 - side) / 0.12)
    gaps = 1 - 0.10 * np.exp(-((np.abs((across / 0.026) % 1 - 0.5) - 0.5) ** 2) / 0.008)
    shade = (1 - 0.45 * side**2) * gaps * (0.80 + 0.2 * np.clip((down + 0.01) / 0.03, 0, 1))
    upper = upper * (1 - shape[..., None]) + teeth * shade[..., None] * shape[..., None]
    tongue = _soft_step((down + 0.012 - 0.02 * side**2) / 0.014) * (1 - side**2)
    red = lips * 0.55
    lower = dark * (1 - tongue[..., None]) + red * tongue[..., None]
    return Inside(
        upper=upper.astype(np.float32),
        lower=lower.astype(np.float32),
        scale=scale,
        skin=skin,
        lower_at=np.array([0.0, 0.02], np.float32),
        drawn=True,
    )


def _soft_step(value: Floats) -> Floats:
    inside = np.clip(value * 0.5 + 0.5, 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside), np.float32)


def _chain(second: Floats, first: NDArray[np.generic]) -> Floats:
    """One 2 x 3 matrix that does `first`, then `second`."""
    full = np.vstack([np.asarray(first, np.float32), [0, 0, 1]])
    return np.asarray(second @ full, np.float32)
