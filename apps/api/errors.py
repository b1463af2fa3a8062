"""Turns whatever went wrong in a view into problem+json with a number; what we broke ourselves becomes code 1000."""

from __future__ import annotations

import psycopg
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions

from apps.api.problem import code_for, problem_response
from apps.core import errors
from apps.core.errors import ApiError

log = structlog.get_logger(__name__)


def _flatten(detail: object, path: str = "") -> dict[str, list[str]]:
    """DRF's nested error detail as {"a.0.b": [texts]}."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            found |= _flatten(value, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        found = {}
        for number, item in enumerate(detail):
            found |= _flatten(item, f"{path}.{number}" if path else str(number))
        return found
    texts = [str(item) for item in detail] if isinstance(detail, list) else [str(detail)]
    return {path: texts}


def from_drf(error: exceptions.APIException) -> ApiError:
    """The numbered error for one of DRF's own exceptions."""
    headers: dict[str, str] = {}
    if (seconds := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, int(seconds)))
    if isinstance(error, exceptions.ValidationError):
        return errors.invalid(errors=_flatten(error.detail))
    return ApiError(code_for(error.status_code), str(error.detail), http_status=error.status_code, headers=headers)


def to_api_error(error: Exception, request: HttpRequest) -> ApiError:
    """The numbered error for any exception. What is not foreseen is logged with its traceback and becomes 1000."""
    match error:
        case ApiError():
            return error
        case exceptions.APIException():
            return from_drf(error)
        case Http404():
            return errors.not_found("address" if request.resolver_match is None else "object")
        case PermissionDenied():
            return ApiError(errors.REFUSED)
        case RequestDataTooBig():
            return errors.too_large("The body is larger than allowed.")
        case SuspiciousOperation() | MultiPartParserError():
            return ApiError(errors.INVALID, "The request is malformed.")
        case UnreadablePostError():
            return ApiError(errors.INVALID, "The request body ended early.")
        case OperationalError() | psycopg.OperationalError():  # the hot path speaks to psycopg directly
            log.error("database unavailable", path=request.path, exc_info=error)
            return errors.unavailable("The database is not answering. Try again shortly.")
        case _:
            log.error("request failed", path=request.path, method=request.method, exc_info=error)
            return ApiError(errors.INTERNAL)


def exception_handler(error: Exception, context: dict[str, object]) -> HttpResponse:
    """DRF's hook (settings.REST_FRAMEWORK): never returns None, so no view of the API ends in an HTML error page."""
    request = context["request"]
    django_request = getattr(request, "_request", request)
    assert isinstance(django_request, HttpRequest)
    return problem_response(to_api_error(error, django_request), django_request)
