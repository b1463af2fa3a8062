"""The OpenAPI document and the page that shows it; all of the page's files are static and ours."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from apps.api.ranges import tag_matches


@cache
def _document() -> tuple[bytes, str]:
    """The document is the same for everyone and changes only with the code: made once a process (0.3 s)."""
    generator: Any = SchemaGenerator
    schema = generator().get_schema(request=None, public=True)
    body = msgspec.json.encode(schema)
    return body, f'"{sha256(body).hexdigest()[:32]}"'


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """GET /openapi.json."""
    body, etag = _document()
    headers = {"ETag": etag, "Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
    if tag_matches(request.headers.get("If-None-Match", ""), etag):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(body, content_type="application/vnd.oai.openapi+json; charset=utf-8", headers=headers)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """GET /docs: Swagger UI."""
    return render(request, "api/docs.html")
