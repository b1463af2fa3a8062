"""Reading bodies of strangers: content codings undone in small pieces, names of files made harmless."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator
from email.message import Message
from urllib.parse import unquote

import httpx

from apps.core.http.errors import FetchFailed

_PIECE = 256 * 1024
_NAME_LENGTH = 200


class Decoder:
    """Undoes gzip or deflate without ever holding more than one piece of output, whatever the input claims."""

    def __init__(self, headers: httpx.Headers) -> None:
        codings = [c.strip().lower() for c in headers.get("content-encoding", "").split(",") if c.strip()]
        codings = [c for c in codings if c != "identity"]
        if codings not in ([], ["gzip"], ["x-gzip"], ["deflate"]):
            raise FetchFailed("The host sent a content encoding that was not asked for.", retryable=False)
        # 32 + 15: zlib finds out whether the header is gzip's or zlib's.
        self._zlib = zlib.decompressobj(32 + zlib.MAX_WBITS) if codings else None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded pieces of the next raw bytes. Raises FetchFailed for damaged data."""
        if self._zlib is None:
            yield data
            return
        while data:
            try:
                piece = self._zlib.decompress(data, _PIECE)
            except zlib.error:
                raise FetchFailed("The body's content encoding is damaged.", retryable=False) from None
            if piece:
                yield piece
            if self._zlib.eof:
                return
            data = self._zlib.unconsumed_tail

    def finish(self) -> None:
        """Raises FetchFailed when the coded body was cut off."""
        if self._zlib is not None and not self._zlib.eof:
            raise FetchFailed("The body was cut off.")


def declared_length(headers: httpx.Headers) -> int | None:
    """Content-Length when it is there and sound."""
    text = headers.get("content-length", "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def file_name(headers: httpx.Headers, url: httpx.URL) -> str:
    """A harmless name for a fetched file: what the host suggests, else the end of the address, else "download"."""
    suggested = ""
    if disposition := headers.get("content-disposition"):
        message = Message()
        message["Content-Disposition"] = disposition
        try:
            suggested = message.get_filename() or ""
        except (ValueError, LookupError):
            suggested = ""
    for candidate in (suggested, unquote(url.path.rsplit("/", 1)[-1], errors="replace")):
        if name := clean_name(candidate):
            return name
    return "download"


def clean_name(text: str) -> str:
    """The last part of a path, without control characters, direction marks or leading dots; may be empty."""
    text = re.split(r"[/\\]", unicodedata.normalize("NFC", text))[-1]
    text = "".join(char for char in text if unicodedata.category(char)[0] != "C").strip().lstrip(".")
    if len(text.encode()) > _NAME_LENGTH:
        stem, dot, suffix = text.rpartition(".")
        suffix = suffix[:16] if dot else ""
        stem = (stem or text).encode()[: _NAME_LENGTH - 20].decode(errors="ignore")
        text = f"{stem}.{suffix}" if suffix else stem
    return text
