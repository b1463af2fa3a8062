"""/files/<token>/<name>: signed, expiring downloads from a local storage folder, with Range so that seeking works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date
from django.utils.translation import gettext

from apps.api.ranges import ByteRange, Unsatisfiable, parse_range, range_still_valid, tag_matches
from apps.projects import storage
from apps.projects.links import BadLink, Link, LinkExpired, read_link

CHUNK: Final = 256 * 1024
# What a browser may be told about a customer's file. Everything else is octets to save: never a page, a script or a style.
SAFE_TYPES: Final = frozenset({
    "application/json", "application/ttml+xml", "application/vnd.apple.mpegurl", "application/x-subrip", "application/zip",
    "application/gzip", "image/jpeg", "image/png", "image/webp", "text/plain", "text/vtt", "text/x-ssa",
})  # fmt: skip
INLINE_TYPES: Final = frozenset({"application/json", "application/vnd.apple.mpegurl", "image/jpeg", "image/png", "image/webp",
                                 "text/plain", "text/vtt"})  # fmt: skip
# Whatever the bytes are, nothing in them may run or load anything.
CONTENT_POLICY: Final = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox"


def _type_of(link: Link) -> tuple[str, bool]:
    """Content-Type to send, and whether it may be shown in place."""
    kind = link.content_type.partition(";")[0].strip().lower()
    if kind.startswith(("video/", "audio/")):
        return kind, True
    if kind not in SAFE_TYPES:
        return "application/octet-stream", False
    text = kind.startswith("text/") or kind in {"application/x-subrip", "application/ttml+xml"}
    return f"{kind}; charset=utf-8" if text else kind, kind in INLINE_TYPES


class _Part:
    """So many bytes of an open file in pieces; closes the file however the answer ends, also when nothing was read."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._file.read(min(CHUNK, self._left)) if self._left else b""
        if not piece:
            self.close()
            raise StopIteration
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        """Django calls it when the answer is done or the client is gone."""
        self._left = 0
        self._file.close()


def download(request: HttpRequest, token: str, name: str = "") -> HttpResponseBase:
    """Serve the file that the token names; the name in the path is only for people and save dialogs."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    try:
        link = read_link(token)
    except BadLink:
        raise Http404 from None
    except LinkExpired:
        text = gettext("This link has expired. Open the job again to get a fresh one.")
        return HttpResponse(text, status=410, content_type="text/plain; charset=utf-8")
    path = storage.local_path(link.storage_key)
    if path is None or not path.is_file():
        raise Http404
    return _answer(request, link, path)


def _answer(request: HttpRequest, link: Link, path: Path) -> HttpResponseBase:
    status = path.stat()
    etag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    headers = {
        "ETag": etag,
        "Last-Modified": http_date(status.st_mtime),
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={max(0, link.expires - int(time.time()))}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": CONTENT_POLICY,
    }
    if tag_matches(request.headers.get("If-None-Match", ""), etag):
        return HttpResponse(status=304, headers=headers)
    part: ByteRange | None = None
    if request.method == "GET" and range_still_valid(request.headers.get("If-Range", ""), etag, status.st_mtime):
        try:
            part = parse_range(request.headers.get("Range", ""), status.st_size)
        except Unsatisfiable:
            return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{status.st_size}"})
    kind, inline = _type_of(link)
    disposition = link.disposition if inline else "attachment"
    headers["Content-Type"] = kind
    headers["Content-Disposition"] = storage.content_disposition(disposition, link.file_name)
    length = part.length if part else status.st_size
    headers["Content-Length"] = str(length)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{status.st_size}"
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    file = path.open("rb")
    if part is not None:
        file.seek(part.first)
    return StreamingHttpResponse(_Part(file, length), status=206 if part else 200, headers=headers)
