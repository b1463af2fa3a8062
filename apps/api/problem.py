"""problem+json (RFC 9457): the one shape of every error under /api/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from apps.core import errors
from apps.core.errors import ApiError

CONTENT_TYPE: Final = "application/problem+json"
_encoder = msgspec.json.Encoder()

# HTTP statuses that Django or DRF answer with by themselves, and our number for each.
_BY_STATUS: Final[Mapping[int, int]] = {
    400: errors.INVALID,
    401: errors.UNAUTHENTICATED,
    402: errors.INSUFFICIENT_CREDITS,
    403: errors.REFUSED,
    404: errors.NOT_FOUND,
    405: errors.METHOD,
    406: errors.NOT_ACCEPTABLE,
    409: errors.CONFLICT,
    410: errors.GONE,
    412: errors.PRECONDITION,
    413: errors.TOO_LARGE,
    415: errors.MEDIA_TYPE,
    428: errors.PRECONDITION_REQUIRED,
    429: errors.RATE,
    503: errors.UNAVAILABLE,
}


def code_for(status: int) -> int:
    """Our number for an HTTP status that came without one: 5 for other 4xx, 1000 for other 5xx."""
    return _BY_STATUS.get(status, errors.INTERNAL if status >= 500 else errors.INVALID)


def problem_body(error: ApiError, request: HttpRequest) -> dict[str, Any]:
    """The members of the answer; title and detail are in the caller's language where a translation exists."""
    body: dict[str, Any] = {
        "type": f"{settings.PUBLIC_URL}/api/v1/errors#{error.code}",
        "title": gettext(error.title),
        "status": error.http_status,
        "code": error.code,
        "detail": gettext(error.detail),
        "errors": {field: [gettext(text) for text in texts] for field, texts in error.errors.items()},
        "request_id": getattr(request, "request_id", ""),
    }
    for name, value in error.extra.items():
        body.setdefault(name, value)
    return body


def problem_response(error: ApiError, request: HttpRequest) -> HttpResponse:
    """The answer for an error, with its headers; 401 also says how to authenticate."""
    response = HttpResponse(
        _encoder.encode(problem_body(error, request)),
        status=error.http_status,
        content_type=CONTENT_TYPE,
        headers=error.headers,
    )
    if error.http_status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="kinoglot"'
    response["Cache-Control"] = "no-store"
    return response
