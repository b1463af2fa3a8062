"""Volcengine's protocol as served by us: which requests are its, and the metadata that every answer carries."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.core.errors import ApiError
from apps.dialects.base import Dialect, json_response, register
from apps.dialects.volcengine.errors import error_body, fault_of

NAME = "volcengine"
TRANSLATE = "translate"
VOD = "vod"
SERVICES = {"2020-06-01": TRANSLATE, "2025-03-01": TRANSLATE, "2025-01-01": VOD, "2020-08-01": VOD}
"""Version -> service, as far as they are served here."""
REGION = "cn-north-1"


def claims(request: HttpRequest) -> bool:
    """The root with an Action in its query (a presigned URL has one, too); the bare root is the site's front page."""
    return request.path_info == "/" and "Action" in request.GET


def metadata(request: HttpRequest) -> dict[str, Any]:
    """ResponseMetadata; RequestId is the X-Request-Id of the answer, so that both find the same lines of our log."""
    version = request.GET.get("Version", "")
    return {
        "RequestId": str(getattr(request, "request_id", "")),
        "Action": request.GET.get("Action", ""),
        "Version": version,
        "Service": SERVICES.get(version, ""),
        "Region": str(getattr(request, "volcengine_region", REGION)),
    }


def refuse(request: HttpRequest, error: ApiError) -> HttpResponse:
    """ResponseMetadata with an Error in it."""
    service = SERVICES.get(request.GET.get("Version", ""), "")
    names = getattr(request, "volcengine_names", None)
    body = {"ResponseMetadata": metadata(request) | {"Error": error_body(error, service, names)}}
    return json_response(body, fault_of(error, service).status)


VOLCENGINE = register(Dialect(name=NAME, claims=claims, refuse=refuse))
