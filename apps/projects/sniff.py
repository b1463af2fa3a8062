"""What a file is, by its first bytes and never by its name: the content type kept with an upload."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 4096
UNKNOWN: Final = "application/octet-stream"
EXTENSIONS: Final = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "video/x-msvideo": "avi",
    "video/mp2t": "ts",
    "video/mpeg": "mpg",
    "video/x-flv": "flv",
    "video/x-ms-asf": "asf",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/aiff": "aiff",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "application/x-subrip": "srt",
    "text/vtt": "vtt",
    "text/x-ssa": "ass",
    "application/ttml+xml": "ttml",
}
IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/webp"})
SUBTITLES: Final = frozenset({"application/x-subrip", "text/vtt", "text/x-ssa", "application/ttml+xml"})
# Files that are surely neither media nor subtitles: refused when the upload ends, before anything parses them.
_FOREIGN: Final = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"PK\x03\x04", "an archive or office document"),
    (b"PK\x05\x06", "an empty archive"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"Rar!", "an archive"),
    (b"7z\xbc\xaf", "an archive"),
    (b"%PDF", "a PDF document"),
    (b"#!/", "a script"),
)
_SRT: Final = re.compile(rb"\d\d:\d\d:\d\d[,.]\d{1,3}\s*-->\s*\d\d:\d\d:\d\d")


def content_type(path: Path) -> str:
    """The type of a local file; "application/octet-stream" when its first bytes say nothing."""
    with path.open("rb") as stream:
        return of_bytes(stream.read(HEAD_BYTES))


def foreign(path: Path) -> str:
    """What the file is in words when it can be neither media nor subtitles ("a PDF document"), else ""."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return "a web page"
    return next((what for magic, what in _FOREIGN if head.startswith(magic)), "")


def of_bytes(head: bytes) -> str:
    """The type that these first bytes of a file tell."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/quicktime" if brand == b"qt  " else "video/mp4"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "video/quicktime"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith((b"RIFF", b"RF64")):
        return {b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(head[8:12], UNKNOWN)
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    for magic, kind in (
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"ID3", "audio/mpeg"),
        (b"FLV\x01", "video/x-flv"),
        (b"0&\xb2u\x8ef\xcf\x11", "video/x-ms-asf"),
        (b"\x00\x00\x01\xba", "video/mpeg"),
        (b"\x00\x00\x01\xb3", "video/mpeg"),
        (b"\x89PNG\r\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
    ):
        if head.startswith(magic):
            return kind
    if len(head) > 188 and head[0] == 0x47 and head[188] == 0x47:
        return "video/mp2t"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06:
        return "audio/mpeg"
    return _text(head)


def _text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode()
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"WEBVTT"):
        return "text/vtt"
    if text.startswith((b"[Script Info]", b"[V4")):
        return "text/x-ssa"
    if text.startswith(b"<") and b"<tt" in text and b"ttml" in text:
        return "application/ttml+xml"
    return "application/x-subrip" if _SRT.search(text) else UNKNOWN
