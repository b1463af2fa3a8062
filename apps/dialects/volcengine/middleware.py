"""Leads a request for `/` with an Action in its query to the dialect; the bare `/` stays the front page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.dialects.volcengine.dialect import claims


class VolcengineMiddleware:
    """A route cannot look at the query: such a request gets routes of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if claims(request):
            request.urlconf = "apps.dialects.volcengine.urls"
        return self.get_response(request)
