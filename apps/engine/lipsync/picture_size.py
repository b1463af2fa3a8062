"""Width and height of a PNG, JPEG or WebP out of its first bytes, so that a small file of many pixels is never decoded to be measured.

Sources: RFC 2083 (PNG, IHDR comes first), ITU-T T.81 B.2.2 (JPEG, frame headers), RFC 9649 (WebP, VP8, VP8L and VP8X chunks).
"""

from __future__ import annotations

from typing import BinaryIO

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
HEAD_BYTES = 32
NOT_FRAMES = frozenset({0xC4, 0xC8, 0xCC})
"""Markers from C0 to CF that are no frame header: tables and an extension."""
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""
MAX_SEGMENTS = 10_000


def size_of_picture(stream: BinaryIO) -> tuple[int, int] | None:
    """Width and height in pixels as stored (before any turning by Exif); (0, 0) when the header is damaged, None for another type."""
    head = stream.read(HEAD_BYTES)
    if head.startswith(PNG):
        return _png(head)
    if head.startswith(JPEG):
        stream.seek(2)
        return _jpeg(stream)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    return None


def _png(head: bytes) -> tuple[int, int]:
    if head[12:16] != b"IHDR" or len(head) < 24:
        return 0, 0
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def _jpeg(stream: BinaryIO) -> tuple[int, int]:
    for _ in range(MAX_SEGMENTS):
        byte = stream.read(1)
        while byte and byte != b"\xff":
            byte = stream.read(1)
        while byte == b"\xff":
            byte = stream.read(1)
        if not byte:
            break
        marker = byte[0]
        if marker in ALONE:
            continue
        length = int.from_bytes(stream.read(2))
        if 0xC0 <= marker <= 0xCF and marker not in NOT_FRAMES:
            frame = stream.read(5)
            return (int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3])) if len(frame) == 5 else (0, 0)
        if marker in {0xD9, 0xDA} or length < 2:
            break
        stream.seek(length - 2, 1)
    return 0, 0


def _webp(head: bytes) -> tuple[int, int]:
    kind, body = head[12:16], head[20:]
    if kind == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return 0, 0
