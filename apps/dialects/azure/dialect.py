"""Azure Video Translation's protocol as served by us: which requests are its, and its error body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects.base import Dialect, json_response, register
from apps.providers.azure import wire

NAME: Final = "azure"
TRANSLATION: Final = "translation"
ITERATION: Final = "iteration"
OPERATION: Final = "operation"
EVENT_HUB: Final = "event-hub"
"""Kinds of our Resources. Iterations hang below their translation; operations are found by id alone, as in the service."""

# Our numbers -> status and error code as the service's gateway and the service itself spell them. The service has no 402:
# a resource without quota is refused with 403.
_BY_CODE: Final[Mapping[int, tuple[int, str]]] = {
    errors.INVALID: (400, "InvalidRequest"),
    errors.CALLBACK_CHALLENGE: (400, "InvalidRequest"),
    errors.UNAUTHENTICATED: (401, "Unauthorized"),
    errors.KEY_REVOKED: (401, "Unauthorized"),
    errors.INSUFFICIENT_CREDITS: (403, "QuotaExceeded"),
    errors.NO_MEMBERSHIP: (403, "Forbidden"),
    errors.NOT_AUTHORIZED: (403, "Forbidden"),
    errors.BUSINESS_PLAN: (403, "Forbidden"),
    errors.REFUSED: (403, "Forbidden"),
    errors.NOT_FOUND: (404, "NotFound"),
    errors.METHOD: (405, "MethodNotAllowed"),
    errors.CONFLICT: (409, "Conflict"),
    errors.GONE: (404, "NotFound"),
    errors.PRECONDITION: (409, "Conflict"),
    errors.TOO_LARGE: (413, "RequestEntityTooLarge"),
    errors.MEDIA_TYPE: (415, "UnsupportedMediaType"),
    errors.CONCURRENCY: (429, "TooManyRequests"),
    errors.RATE: (429, "TooManyRequests"),
    errors.INTERNAL: (500, "InternalServerError"),
    errors.UNAVAILABLE: (503, "ServiceUnavailable"),
}
_INNER: Final[Mapping[int, str]] = {
    errors.INVALID: "InvalidParameter",
    errors.CALLBACK_CHALLENGE: "CallbackChallengeFailed",
    errors.UNAUTHENTICATED: "InvalidSubscriptionKey",
    errors.KEY_REVOKED: "SubscriptionKeyRevoked",
    errors.NO_MEMBERSHIP: "SubscriptionInactive",
    errors.NOT_AUTHORIZED: "PermissionMissing",
    errors.BUSINESS_PLAN: "PlanNotSupported",
    errors.CONCURRENCY: "ConcurrencyLimitReached",
    errors.RATE: "RateLimitReached",
}


def claims(request: HttpRequest) -> bool:
    """Everything below /videotranslation is Azure's."""
    return request.path_info == wire.PREFIX or request.path_info.startswith(f"{wire.PREFIX}/")


def refuse(request: HttpRequest, error: ApiError) -> HttpResponse:
    """{"error": {code, message, target, details, innererror}} with x-ms-error-code; our own number is the innermost code."""
    status, code = _BY_CODE.get(error.code, (error.http_status, "InvalidRequest"))
    body: dict[str, Any] = {"code": code, "message": error.detail}
    if error.errors:
        body["target"] = next(iter(error.errors))
        body["details"] = [
            {"code": "InvalidParameter", "target": name, "message": text}
            for name, texts in error.errors.items()
            for text in texts
        ]
    inner: dict[str, Any] = {"code": str(error.code)}
    body["innererror"] = {"code": _INNER[error.code], "innererror": inner} if error.code in _INNER else inner
    response = json_response({"error": body}, status)
    response["x-ms-error-code"] = code
    if status == 401:
        response["WWW-Authenticate"] = "AzureApiKey"
    return response


AZURE = register(Dialect(name=NAME, claims=claims, refuse=refuse))
