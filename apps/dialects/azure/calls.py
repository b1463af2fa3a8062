"""What every call of Azure's protocol brings along: who calls, api-version, ids, query parameters, and the caller's own address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.accounts.actor import Actor
from apps.core import errors
from apps.dialects import auth
from apps.dialects.base import json_response
from apps.providers.azure import wire

KEY_HEADER: Final = "Ocp-Apim-Subscription-Key"
OPERATION_HEADER: Final = "Operation-Id"
_ID_RULE: Final = "3 to 64 letters, digits, '.', '_' or '-', with a letter or digit at both ends."
_encoder: Final = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True)
class Call:
    """A call that may be made."""

    request: HttpRequest
    actor: Actor
    version: str

    def link(self, path: str, **query: str) -> str:
        """An address below the prefix on the scheme and host that the caller used, with the caller's api-version."""
        text = urlencode([*query.items(), ("api-version", self.version)])
        return f"{self.request.scheme}://{self.request.get_host()}{wire.PREFIX}{path}?{text}"

    def answer(self, body: object, status: int = 200, operation: str = "") -> HttpResponse:
        """A document; with `operation` the headers that tell where that operation is watched."""
        response = json_response(body, status)
        if operation:
            response["Operation-Location"] = self.link(f"/operations/{operation}")
            response["Operation-Id"] = operation
        return response


def enter(request: HttpRequest, permission: str) -> Call:
    """Checks 1 to 5 and the rate limit, then the api-version. Raises ApiError 7, 1302, 814, 1503, 1305, 4290 or 5."""
    text = request.headers.get(KEY_HEADER) or auth.key_of_bearer(request)
    actor = auth.actor_of(request, text, permission)
    version = parameter(request, "api-version")
    if version not in wire.API_VERSIONS:
        reason = f"Must be one of {', '.join(wire.API_VERSIONS)}." if version else "This parameter is required."
        raise errors.invalid("api-version", reason)
    return Call(request, actor, version)


def parameter(request: HttpRequest, name: str) -> str:
    """A query parameter, its name in any case (the service's clients write maxPageSize and maxpagesize)."""
    return next((values[-1] for key, values in request.GET.lists() if key.lower() == name and values), "")


def count_parameter(request: HttpRequest, name: str) -> int | None:
    """A query parameter that is a number from 0 up. Raises ApiError 5."""
    text = parameter(request, name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise errors.invalid(name, "Must be a whole number from 0 up.")
    return int(text)


def check_id(text: str, name: str) -> str:
    """An id in the path. Raises ApiError 5."""
    if not wire.is_resource_id(text):
        raise errors.invalid(name, _ID_RULE)
    return text


def operation_of(request: HttpRequest) -> str:
    """The Operation-Id header, which a PUT must have. Raises ApiError 5."""
    text = request.headers.get(OPERATION_HEADER, "")
    if not text:
        raise errors.invalid(OPERATION_HEADER, "This header is required.")
    return check_id(text, OPERATION_HEADER)


def fingerprint(operation: str, body: msgspec.Struct) -> str:
    """What makes two PUTs the same: operation id and what we understood of the body."""
    return hashlib.sha256(operation.encode() + b"\n" + _encoder.encode(body)).hexdigest()
