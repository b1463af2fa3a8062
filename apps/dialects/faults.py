"""Any exception as a numbered refusal, for doors that answer in other shapes than problem+json."""

from __future__ import annotations

import psycopg
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from apps.core import errors
from apps.core.errors import ApiError

log = structlog.get_logger(__name__)

# Statuses that Django answers with by itself, before any view of ours is reached.
_BY_STATUS = {
    400: errors.INVALID,
    403: errors.REFUSED,
    404: errors.NOT_FOUND,
    405: errors.METHOD,
    413: errors.TOO_LARGE,
    429: errors.RATE,
    503: errors.UNAVAILABLE,
}


def from_status(status: int) -> ApiError:
    """The refusal for an HTTP status that came without a number: 5 for other 4xx, 1000 for other 5xx."""
    code = _BY_STATUS.get(status, errors.INTERNAL if status >= 500 else errors.INVALID)
    return ApiError(code, http_status=status)


def to_api_error(error: Exception, request: HttpRequest) -> ApiError:
    """The refusal for any exception; what nobody foresaw is logged with its traceback and becomes 1000."""
    match error:
        case ApiError():
            return error
        case Http404():
            return errors.not_found()
        case PermissionDenied():
            return ApiError(errors.REFUSED)
        case RequestDataTooBig():
            return errors.too_large("The body is larger than allowed.")
        case SuspiciousOperation() | MultiPartParserError():
            return ApiError(errors.INVALID, "The request is malformed.")
        case UnreadablePostError():
            return ApiError(errors.INVALID, "The request body ended early.")
        case OperationalError() | psycopg.OperationalError():  # admission speaks to psycopg directly
            log.error("database unavailable", path=request.path, exc_info=error)
            return errors.unavailable("The database is not answering. Try again shortly.")
        case _:
            log.error("request failed", path=request.path, method=request.method, exc_info=error)
            return ApiError(errors.INTERNAL)
