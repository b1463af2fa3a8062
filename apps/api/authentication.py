"""Who calls the API: a Bearer key, or the browser session's person in the organization of that session (with CSRF)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.accounts.services import authenticate_bearer
from apps.core import errors
from apps.core.errors import ApiError

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase


class _Csrf(CsrfViewMiddleware):
    """Django's own check, asked directly: answers with a reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _no_view(request: HttpRequest) -> HttpResponseBase:
    raise NotImplementedError("only given to the CSRF check, never called")


def check_csrf(request: HttpRequest) -> None:
    """Raise ApiError 4030 unless a cookie-authenticated request carries its CSRF token (reads need none)."""
    check = _Csrf(_no_view)
    check.process_request(request)
    reason = check.process_view(request, _no_view, (), {})
    if reason:
        raise ApiError(errors.REFUSED, f"CSRF check failed: {reason}")


def authenticate(request: HttpRequest, permission: str | None) -> Actor:
    """The actor of a request, allowed to do `permission`.

    Raises ApiError in the order of DESIGN section 4: 7, 1302, 814, 1503, 1305 for keys; 7, 4030, 814, 1503 for sessions.
    """
    request_id: str = getattr(request, "request_id", "")
    header = request.headers.get("Authorization")
    if header is not None:
        return authenticate_bearer(header, permission=permission, request_id=request_id)
    if not request.user.is_authenticated:
        raise ApiError(errors.UNAUTHENTICATED)
    check_csrf(request)
    actor: Actor | None = request.tenant.actor  # type: ignore[attr-defined]
    if actor is None:
        raise ApiError(errors.NO_MEMBERSHIP)
    if permission is not None:
        require(actor, permission)
    return actor


class ActorAuthentication(BaseAuthentication):
    """DRF's side of `authenticate`: request.auth is the Actor."""

    def authenticate(self, request: Request) -> tuple[Any, Actor]:
        """Person (or key) and actor. Raises ApiError; anonymous calls are refused unless the view says it is open."""
        view = (request.parser_context or {}).get("view")
        permission = view.permission_for(request.method or "") if view is not None else None
        actor = authenticate(request._request, permission)
        return actor.user or actor.api_key, actor

    def authenticate_header(self, request: Request) -> str:
        """Value of WWW-Authenticate on a 401."""
        return 'Bearer realm="kinoglot"'
