"""Middleware of the whole site: a request id on every request, answer and log line; one access line and one count each."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.health import healthz, readyz
from portal.metrics import metrics, observe

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Asked every few seconds by machines that name us by an inside address: answered before ALLOWED_HOSTS, sessions and logs.
PROBES = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
access = structlog.get_logger("kinoglot.access")


class RequestIdMiddleware:
    """Takes a well-formed X-Request-Id from the caller or makes one; binds it to the log context and returns it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(12)
        request.request_id = request_id  # type: ignore[attr-defined]
        # Cleared, not only bound: a thread of the server may still carry what an earlier request left.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if settings.SENTRY_DSN:
            import sentry_sdk

            sentry_sdk.set_tag("request_id", request_id)
        probe = PROBES.get(request.path_info)
        response = probe(request) if probe else self.get_response(request)
        response["X-Request-Id"] = request_id
        seconds = time.perf_counter() - began
        if probe:
            return response
        route = request.resolver_match.route if request.resolver_match else "unmatched"
        observe(request.method if request.method in _METHODS else "OTHER", route, response.status_code, seconds)
        if settings.ACCESS_LOG:
            # The route and not the path where the path itself is a secret (signed links, invitations).
            secret = request.resolver_match is not None and "token" in request.resolver_match.kwargs
            access.info(
                "request",
                method=request.method,
                path=route if secret else request.path,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
            )
        return response


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
