"""Still pictures: every honest kind is read as people see it, and what cannot be read says why before it costs anything."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from apps.core.errors import JobError
from apps.engine.lipsync.picture_size import size_of_picture
from apps.engine.lipsync.pictures import read_mask, read_picture
from apps.engine.task import Limits

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def drawn() -> Picture:
    """A slope of colours with a white corner at the top left, 96 x 64: no turn of it looks like another."""
    across = np.linspace(20, 220, 96, dtype=np.uint8)
    picture = np.dstack([np.tile(across, (64, 1)), np.full((64, 96), 90, np.uint8), np.tile(across[::-1], (64, 1))])
    picture[:20, :30] = 255
    return np.asarray(picture, np.uint8)


def test_kinds_of_pictures(drawn: Picture, tmp_path: Path) -> None:
    rgb = Image.fromarray(drawn[:, :, ::-1])
    lying = Image.fromarray(np.rot90(drawn[:, :, ::-1]))
    turned = Image.Exif()
    turned[0x112] = 6  # shown after a quarter turn to the right
    deep = cv2.imencode(".png", drawn.astype(np.uint16) * 257)[1].tobytes()
    second = rgb.rotate(180)
    kinds: dict[str, tuple[bytes, float]] = {
        "png": (_saved(rgb, "PNG"), 0),
        "jpeg": (_saved(rgb, "JPEG", quality=95), 4),
        "progressive": (_saved(rgb, "JPEG", quality=95, progressive=True), 4),
        "a phone's, lying on its side": (_saved(lying, "JPEG", quality=95, exif=turned), 4),
        "for print": (_saved(rgb.convert("CMYK"), "JPEG", quality=95), 6),
        "webp": (_saved(rgb, "WEBP", quality=95), 6),
        "webp without loss": (_saved(rgb, "WEBP", lossless=True), 0),
        "moving webp": (_saved(rgb, "WEBP", lossless=True, save_all=True, append_images=[second]), 0),
        "moving png": (_saved(rgb, "PNG", save_all=True, append_images=[second]), 0),
        "16 bits": (deep, 1),
        "256 colours": (_saved(rgb.quantize(256), "PNG"), 8),
    }
    for name, (data, most) in kinds.items():
        path = tmp_path / "picture"
        path.write_bytes(data)
        found = read_picture(path, Limits())
        assert found.shape == drawn.shape and found.dtype == np.uint8, name
        assert np.abs(found.astype(int) - drawn).mean() <= most, name
        stored = Image.open(io.BytesIO(data)).size
        assert size_of_picture(io.BytesIO(data)) == stored, name


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_lies_on_white_and_is_black_in_a_mask(drawn: Picture, kind: str, tmp_path: Path) -> None:
    alpha = np.zeros(drawn.shape[:2], np.uint8)
    alpha[:, 48:] = 255
    path = tmp_path / "cut-out"
    path.write_bytes(_saved(Image.fromarray(np.dstack([drawn[:, :, ::-1], alpha])), kind, lossless=True))
    shown = read_picture(path, Limits())
    assert (shown[:, :48] == 255).all() and np.array_equal(shown[:, 48:], drawn[:, 48:])
    white = np.dstack([np.full_like(drawn, 255), alpha])
    path.write_bytes(_saved(Image.fromarray(white), kind, lossless=True, exact=True))
    mask = read_mask(path, Limits())
    assert (mask[:, :48] == 0).all() and (mask[:, 48:] == 255).all()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claims(width: int, height: int, rows: int = 1) -> bytes:
    """A PNG that claims a size and holds a few rows."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(rows * (3 * min(width, 1000) + 1)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


BAD: dict[str, tuple[int, Callable[[bytes, bytes, bytes], bytes]]] = {
    "empty": (10902, lambda png, jpeg, webp: b""),
    "half a png": (10902, lambda png, jpeg, webp: png[: len(png) // 2]),
    "half a jpeg": (10902, lambda png, jpeg, webp: jpeg[: len(jpeg) // 2]),
    "half a webp": (10902, lambda png, jpeg, webp: webp[: len(webp) // 2]),
    "a damaged png": (10902, lambda png, jpeg, webp: png[:60] + bytes(8) + png[68:]),
    "a png's first bytes": (10902, lambda png, jpeg, webp: png[:12]),
    "a jpeg's first bytes": (10902, lambda png, jpeg, webp: jpeg[:4]),
    "a jpeg of fill bytes": (10902, lambda png, jpeg, webp: jpeg[:2] + b"\xff" * 5000),
    "no width": (10902, lambda png, jpeg, webp: claims(0, 10)),
    "rows are missing": (10902, lambda png, jpeg, webp: claims(300, 300)),
    "900 megapixels in 150 bytes": (10905, lambda png, jpeg, webp: claims(30_000, 30_000)),
    "more than can be counted": (10905, lambda png, jpeg, webp: claims(2**31 - 1, 2**31 - 1)),
    "a gif": (10904, lambda png, jpeg, webp: b"GIF89a" + bytes(40)),
    "a drawing": (10904, lambda png, jpeg, webp: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "a sound": (10904, lambda png, jpeg, webp: b"RIFF\x24\0\0\0WAVEfmt "),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures(name: str, drawn: Picture, tmp_path: Path) -> None:
    code, make = BAD[name]
    rgb = Image.fromarray(drawn[:, :, ::-1])
    path = tmp_path / "face.png"
    path.write_bytes(make(_saved(rgb, "PNG"), _saved(rgb, "JPEG"), _saved(rgb, "WEBP")))
    for read, what in ((read_picture, "the picture"), (read_mask, "the mask")):
        with pytest.raises(JobError) as raised:
            read(path, Limits())
        assert raised.value.code == code
        assert raised.value.reason.startswith(what)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
