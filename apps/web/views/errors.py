"""Error pages: 403, 404, 500, and a service's refusal of a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext

from apps.core.errors import ApiError


def _page(request: HttpRequest, status: int, heading: str, sentence: str) -> HttpResponse:
    context = {
        "status": status,
        "heading": heading,
        "sentence": sentence,
        "request_id": getattr(request, "request_id", "") if status >= 500 else "",
    }
    return render(request, "web/error.html", context, status=status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: the object is not there, or belongs to somebody else."""
    return _page(
        request,
        404,
        gettext("There is nothing here"),
        gettext("The page was moved, deleted, or never existed. Check the address."),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: signed in, but the role is not enough."""
    return _page(
        request,
        403,
        gettext("This is not open to you"),
        gettext("Your role in this organization does not include this page. An owner can change it under Team."),
    )


def refused(request: HttpRequest, error: ApiError) -> HttpResponse:
    """A page that a service refused for another reason, in that reason's words."""
    return _page(request, error.http_status, gettext("That did not work"), error.detail)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request made no sense."""
    return _page(
        request, 400, gettext("That request made no sense"), gettext("Go back, load the page again and repeat it.")
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 by the CSRF check: mostly an old tab or blocked cookies."""
    return _page(
        request,
        403,
        gettext("The form was too old"),
        gettext("Go back, load the page again and send the form once more. Cookies must be allowed for this site."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault. Drawn without database, session or context processors, which may be what failed."""
    context = {"request_id": getattr(request, "request_id", "")}
    return HttpResponse(loader.get_template("500.html").render(context), status=500)
