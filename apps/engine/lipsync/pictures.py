"""Still pictures of an order: by their content, never by their name, and within limits before they are decoded."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync.faces import Picture
from apps.engine.task import Limits

KINDS = {b"\x89PNG\r\n\x1a\n": "png_pipe", b"\xff\xd8\xff": "jpeg_pipe", b"RIFF": "webp_pipe"}
"""First bytes -> demuxer that reads the size without decoding."""
HEAD_BYTES = 16


def is_picture(path: Path) -> bool:
    """Whether a file begins as a PNG, JPEG or WebP does."""
    return bool(_demuxer(path))


def read_picture(path: Path, limits: Limits) -> Picture:
    """A PNG, JPEG or WebP as BGR, upright; raises JobError 10902 (empty, damaged), 10904 (another type), 10905 (too large)."""
    return _read(path, limits, cv2.IMREAD_COLOR, "picture")


def read_mask(path: Path, limits: Limits) -> Picture:
    """A mask as one channel: white where the picture may change, black where it must not; raises as read_picture."""
    return _read(path, limits, cv2.IMREAD_GRAYSCALE, "mask")


def _read(path: Path, limits: Limits, how: int, what: str) -> Picture:
    size = path.stat().st_size
    if size == 0:
        raise JobError(errors.DAMAGED, f"the {what} is empty")
    if limits.max_bytes and size > limits.max_bytes:
        raise JobError(errors.LIMITS, f"the {what} is larger than {limits.max_bytes / 1e9:.1f} GB")
    demuxer = _demuxer(path)
    if not demuxer:
        raise JobError(errors.TYPE_REFUSED, f"the {what} must be a PNG, JPEG or WebP")
    width, height = _size(path, demuxer, what)
    if limits.max_pixels and width * height > limits.max_pixels:
        raise JobError(
            errors.LIMITS, f"the {what} is {width} x {height}; at most {limits.max_pixels} pixels are accepted"
        )
    data = np.fromfile(path, np.uint8)
    try:
        decoded = cv2.imdecode(data, how)
    except cv2.error as error:
        raise JobError(errors.DAMAGED, f"the {what} is damaged and cannot be read") from error
    if decoded is None:
        raise JobError(errors.DAMAGED, f"the {what} is damaged and cannot be read")
    return np.asarray(decoded, np.uint8)


def _demuxer(path: Path) -> str:
    """Name of the demuxer for a picture; "" when the file is none that we take."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    found = next((name for start, name in KINDS.items() if head.startswith(start)), "")
    return "" if found == "webp_pipe" and head[8:12] != b"WEBP" else found


def _size(path: Path, demuxer: str, what: str) -> tuple[int, int]:
    try:
        with av.open(str(path), mode="r", format=demuxer, options={"protocol_whitelist": "file"}) as container:
            context = container.streams.video[0].codec_context
            return context.width, context.height
    except (av.error.FFmpegError, IndexError, EOFError) as error:
        if isinstance(error, MemoryError):
            raise
        raise JobError(errors.DAMAGED, f"the {what} is damaged and cannot be read") from error
