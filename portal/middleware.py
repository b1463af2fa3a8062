"""Middleware of the whole site: a request id on every request, answer and log line."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

_GIVEN = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


class RequestIdMiddleware:
    """Takes a well-formed X-Request-Id from the caller or makes one; binds it to the log context and returns it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _GIVEN.match(given) else secrets.token_hex(12)
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response
