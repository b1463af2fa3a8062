"""Still pictures of an order: by their content, never by their name, and within limits before they are decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync.faces import Picture
from apps.engine.lipsync.picture_size import size_of_picture
from apps.engine.task import Limits

WHITE, BLACK = 255, 0
STRIP = 256


def is_picture(path: Path) -> bool:
    """Whether a file begins as a PNG, JPEG or WebP does."""
    with path.open("rb") as stream:
        return size_of_picture(stream) is not None


def read_picture(path: Path, limits: Limits) -> Picture:
    """A PNG, JPEG or WebP as BGR of 8 bits, upright; what is transparent lies on white, of moving pictures the first is taken.

    Raises JobError 10902 (empty, damaged), 10904 (another type), 10905 (too large).
    """
    return _read(path, limits, cv2.IMREAD_COLOR, WHITE, "picture")


def read_mask(path: Path, limits: Limits) -> Picture:
    """A mask as one channel: white where the picture may change, black or transparent where not; raises as read_picture."""
    return _read(path, limits, cv2.IMREAD_GRAYSCALE, BLACK, "mask")


def _read(path: Path, limits: Limits, how: int, behind: int, what: str) -> Picture:
    length = path.stat().st_size
    if length == 0:
        raise JobError(errors.DAMAGED, f"the {what} is empty")
    if limits.max_bytes and length > limits.max_bytes:
        raise JobError(errors.LIMITS, f"the {what} is larger than {limits.max_bytes / 1e9:.1f} GB")
    with path.open("rb") as stream:
        size = size_of_picture(stream)
    if size is None:
        raise JobError(errors.TYPE_REFUSED, f"the {what} must be a PNG, JPEG or WebP")
    most = limits.max_still_pixels
    if most and size[0] * size[1] > most:
        raise JobError(errors.LIMITS, f"the {what} is {size[0]} x {size[1]}; at most {most} pixels are accepted")
    data = np.fromfile(path, np.uint8)
    try:
        shown, whole = (cv2.imdecode(data, flag) if size[0] * size[1] else None for flag in (how, cv2.IMREAD_UNCHANGED))
    except cv2.error as error:
        raise JobError(errors.DAMAGED, f"the {what} is damaged and cannot be read") from error
    if shown is None or whole is None:
        raise JobError(errors.DAMAGED, f"the {what} is damaged and cannot be read")
    return _flat(np.asarray(shown, np.uint8), np.asarray(whole), behind)


def _flat(shown: Picture, whole: NDArray[Any], behind: int) -> Picture:
    """`shown` with its transparent parts over plain white or black; `whole` is the same picture with all its channels."""
    if whole.ndim != 3 or whole.shape[2] != 4 or whole.shape[:2] != shown.shape[:2]:
        return shown
    opaque = 65_535 if whole.dtype == np.uint16 else 255
    for top in range(0, len(shown), STRIP):  # in strips: a large picture of floats would take gigabytes
        strip = shown[top : top + STRIP]
        alpha = whole[top : top + STRIP, :, 3].astype(np.float32) / opaque
        alpha = alpha if strip.ndim == 2 else alpha[:, :, None]
        strip[:] = np.rint(strip * alpha + behind * (1 - alpha))
    return shown
