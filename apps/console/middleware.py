"""The console speaks English, whatever language its reader chose for the pages (docs/pages.md)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

PREFIX = "/console/"


class ConsoleLanguageMiddleware:
    """Half of the console's words are Django's and would be translated, ours are not: one language is better than a mixture."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        with translation.override("en"):
            request.LANGUAGE_CODE = "en"
            return self.get_response(request)
