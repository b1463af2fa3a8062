"""Keeps a dialect's promise where no view of ours was reached (bad host, a fault in middleware): its own error body, never a page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.dialects.base import dialect_of, refuse
from apps.dialects.faults import from_status


class DialectMiddleware:
    """Replaces a 4xx or 5xx answer to a dialect's request that the dialect did not give itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or getattr(response, "of_dialect", False):
            return response
        dialect = dialect_of(request)
        return response if dialect is None else refuse(dialect, request, from_status(response.status_code))
