"""Who may see a page: sign-in and organization are checked once, and a service's refusal becomes an answer in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from apps.core.errors import INVALID, NOT_FOUND, ApiError
from apps.web.messages import sentence
from apps.web.views import errors

if TYPE_CHECKING:
    from apps.accounts.actor import Actor
    from apps.accounts.models import Organization, User
    from apps.web.middleware import Tenant

P = ParamSpec("P")


class PageRequest(HttpRequest):
    """A request of a signed-in member; the decorators below make sure of it."""

    tenant: Tenant
    htmx: HtmxDetails


def person_of(request: PageRequest) -> User:
    """The signed-in person."""
    return cast("User", request.user)


def actor_of(request: PageRequest) -> Actor:
    """The actor of a member page. Raises ApiError 404 outside an organization."""
    actor = request.tenant.actor
    if actor is None:
        raise ApiError(NOT_FOUND)
    return actor


def organization_of(request: PageRequest) -> Organization:
    """The organization in force. Raises ApiError 404 without one."""
    if request.tenant.organization is None:
        raise ApiError(NOT_FOUND)
    return request.tenant.organization


def signed_in(
    view: Callable[Concatenate[PageRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Only for people with an account; an organization is not needed."""

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        page = cast(PageRequest, request)
        try:
            return view(page, *args, **kwargs)
        except ApiError as error:
            return refuse(page, error)

    return wrapped


def member_page(
    view: Callable[Concatenate[PageRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Only for members of an organization; people without one are led to making it."""

    @signed_in
    @wraps(view)
    def wrapped(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.tenant.organization is None:
            return redirect("web:organization-new")
        return view(request, *args, **kwargs)

    return wrapped


def refuse(request: PageRequest, error: ApiError) -> HttpResponse:
    """A service said no: 404 and 403 get their page; anything else goes back to where the person was, with the reason."""
    if error.http_status == 404:
        return errors.not_found(request)
    if error.http_status == 403 and request.method == "GET":
        return errors.forbidden(request, error)
    if request.method == "GET":
        return errors.refused(request, error)
    messages.error(request, sentence(error))
    return redirect(came_from(request))


def came_from(request: HttpRequest, fallback: str = "web:jobs") -> str:
    """A safe address to return to: the form's `next`, else the page that sent it, else the jobs."""
    for address in (request.POST.get("next"), request.headers.get("Referer")):
        if address and url_has_allowed_host_and_scheme(
            address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return address
    return reverse(fallback)


def field_errors(error: ApiError) -> dict[str, list[str]]:
    """Errors by field of a refused form; re-raises anything that is not about fields."""
    if error.code != INVALID:
        raise error
    return error.errors or {"": [error.detail]}
