"""Keeps the promise of problem+json for /api/ where no view of ours was reached (bad host, size, CSRF, a fault in middleware)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.api.problem import CONTENT_TYPE, code_for, problem_response
from apps.core.errors import ApiError

PREFIX = "/api/"


class ProblemMiddleware:
    """Replaces any other 4xx or 5xx answer under /api/ by the numbered one, keeping its headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or not request.path_info.startswith(PREFIX):
            return response
        if response.headers.get("Content-Type", "").startswith(CONTENT_TYPE) or response.get("Tus-Resumable"):
            return response
        error = ApiError(code_for(response.status_code), http_status=response.status_code)
        problem = problem_response(error, request)
        for name in ("Allow", "Retry-After", "Vary"):
            if name in response:
                problem[name] = response[name]
        return problem
