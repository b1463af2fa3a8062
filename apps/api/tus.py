"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload): read, checked and written."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.utils.http import http_date

from apps.core import errors
from apps.core.errors import ApiError
from apps.projects.models import Upload

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,checksum,expiration,termination"
# tus name -> hashlib name. sha1 is the one that every tus client knows; it guards against damage, not against people.
ALGORITHMS: Final[Mapping[str, str]] = {"sha1": "sha1", "sha256": "sha256", "md5": "md5"}
OFFSET_TYPE: Final = "application/offset+octet-stream"
MAX_METADATA: Final = 4096
_DIGITS: Final = 18


def check_version(request: HttpRequest) -> None:
    """Raise ApiError 4120 (412 with Tus-Version) unless the request speaks tus 1.0.0."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise ApiError(
            errors.PRECONDITION,
            "Send Tus-Resumable: 1.0.0; no other version is spoken here.",
            headers={"Tus-Version": VERSION},
        )


def number(request: HttpRequest, name: str) -> int:
    """A header that holds a whole number, zero or more. Raises ApiError 5 naming it."""
    value = request.headers.get(name, "")
    if not value.isascii() or not value.isdigit() or len(value) > _DIGITS:
        raise errors.invalid(name, "A whole number of bytes is needed.")
    return int(value)


def metadata(request: HttpRequest) -> dict[str, str]:
    """Upload-Metadata: comma-separated `key base64(value)` pairs, UTF-8 inside. Raises ApiError 5."""
    header = request.headers.get("Upload-Metadata", "")
    if len(header) > MAX_METADATA:
        raise errors.invalid("Upload-Metadata", f"At most {MAX_METADATA} characters.")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        if not key.isascii() or key in found:
            raise errors.invalid("Upload-Metadata", "Each key must be ASCII and appear once.")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise errors.invalid("Upload-Metadata", f"The value of {key[:40]} is not base64 of UTF-8 text.") from None
        if "\x00" in found[key]:
            raise errors.invalid("Upload-Metadata", f"The value of {key[:40]} holds a null character.")
    return found


def metadata_header(values: Mapping[str, str]) -> str:
    """The header that `metadata` reads; keys that start with an underscore are ours and stay inside."""
    pairs = [
        f"{key} {base64.b64encode(value.encode()).decode()}".strip()
        for key, value in values.items()
        if not key.startswith("_")
    ]
    return ",".join(pairs)


def checksum(request: HttpRequest) -> tuple[str, bytes] | None:
    """Upload-Checksum as (hashlib name, digest), None when absent. Raises ApiError 5."""
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    name, _, value = header.strip().partition(" ")
    algorithm = ALGORITHMS.get(name)
    if algorithm is None:
        raise errors.invalid("Upload-Checksum", f"Known algorithms: {', '.join(ALGORITHMS)}.")
    try:
        return algorithm, base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise errors.invalid("Upload-Checksum", "The digest is not base64.") from None


def body_length(request: HttpRequest) -> int | None:
    """Content-Length, None for a chunked body. Raises ApiError 5 (411) when a body's end cannot be known."""
    if request.headers.get("Content-Length"):
        return number(request, "Content-Length")
    if request.headers.get("Transfer-Encoding", "").lower() == "chunked" and request.META.get("wsgi.input_terminated"):
        return None
    raise ApiError(errors.INVALID, "Content-Length is needed.", http_status=411)


def has_body(request: HttpRequest) -> bool:
    """True for creation-with-upload."""
    return request.headers.get("Content-Type", "").split(";")[0].strip().lower() == OFFSET_TYPE


def headers_of(upload: Upload) -> dict[str, str]:
    """What every answer about an upload carries."""
    headers = {"Upload-Offset": str(upload.offset), "Upload-Expires": _date(upload.expires_at)}
    if upload.asset is not None:
        headers["Kinoglot-Asset"] = upload.asset.public_id
    return headers


def _date(when: datetime) -> str:
    return http_date(when.timestamp())
