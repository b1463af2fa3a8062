"""Signed, expiring links to stored files: what /files/<token>/<name> carries, and how it is checked."""

from __future__ import annotations

import math
import time
from typing import Final, Literal
from urllib.parse import quote

import msgspec
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils.encoding import force_bytes, force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

Disposition = Literal["attachment", "inline"]

_SALT: Final = "kinoglot.files"
# Expiry is rounded up to this many seconds, so that one page shown twice gives the same URL and browsers reuse what they have.
_ROUND: Final = 300


class BadLink(Exception):
    """The token is not one of ours, or was changed."""


class LinkExpired(Exception):
    """The token was ours and its time is over."""


class Link(msgspec.Struct, frozen=True, array_like=True):
    """What a token stands for; expires is in Unix seconds."""

    storage_key: str
    file_name: str
    content_type: str
    disposition: Disposition
    expires: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Link)


def make_link(
    storage_key: str,
    file_name: str,
    content_type: str,
    *,
    disposition: Disposition = "attachment",
    seconds: int | None = None,
    absolute: bool = False,
) -> str:
    """Return "/files/<token>/<name>" good for at least `seconds` (default DOWNLOAD_LINK_SECONDS) and at most 5 minutes longer.

    With absolute=True the address starts with PUBLIC_URL. Whoever holds the link may read the file, nothing else.
    """
    lifetime = settings.DOWNLOAD_LINK_SECONDS if seconds is None else seconds
    expires = math.ceil((time.time() + lifetime) / _ROUND) * _ROUND
    payload = urlsafe_base64_encode(_encoder.encode(Link(storage_key, file_name, content_type, disposition, expires)))
    token = Signer(salt=_SALT, sep="~").sign(payload)
    path = f"/files/{token}/{quote(file_name.replace('/', '_') or 'file', safe='')}"
    return f"{settings.PUBLIC_URL}{path}" if absolute else path


def read_link(token: str) -> Link:
    """Return what a token stands for. Raises BadLink or LinkExpired."""
    try:
        payload = Signer(salt=_SALT, sep="~").unsign(token)
        link = _decoder.decode(force_str(urlsafe_base64_decode(force_bytes(payload).decode())))
    except (BadSignature, ValueError) as error:  # msgspec.DecodeError is a ValueError
        raise BadLink(token[:40]) from error
    if link.expires < time.time():
        raise LinkExpired(link.file_name)
    return link
