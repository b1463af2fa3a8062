"""What every dialect shares: its name, its own error body, and the door of its views (no CSRF, no session, never a page)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects.faults import to_api_error
from apps.plans.quota import Quota

Handler = Callable[..., HttpResponse]
Refuse = Callable[[HttpRequest, ApiError], HttpResponse]
Claims = Callable[[HttpRequest], bool]
_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's protocol as served by us.

    `name` is what Job.dialect and Resource.dialect hold. `claims` says whether a request is addressed to it (by path, or by
    query for Volcengine); what fails before any view is reached is then answered by `refuse`, too: an ApiError in the vendor's
    own words, status and body.
    """

    name: str
    claims: Claims
    refuse: Refuse


DIALECTS: Final[dict[str, Dialect]] = {}


def register(dialect: Dialect) -> Dialect:
    """Makes a dialect known; called once, when its module is imported (apps.py ready)."""
    DIALECTS[dialect.name] = dialect
    return dialect


def dialect_of(request: HttpRequest) -> Dialect | None:
    """The dialect that a request is addressed to."""
    return next((dialect for dialect in DIALECTS.values() if dialect.claims(request)), None)


def door(dialect: Dialect, **handlers: Handler) -> Handler:
    """The view of one address: door(VOZO, POST=create, GET=show). Handlers get the request and the parts of the path.

    Whatever a handler raises is answered in the vendor's shape: ApiError as its number says, anything unforeseen as 1000 with its
    traceback in the log. Another method is 4050 with Allow; no handler at all is 4040. HEAD is answered like GET. Texts are
    English, as the vendors' are.
    """
    allowed = sorted(handlers)

    def view(request: HttpRequest, *args: object, **parts: object) -> HttpResponse:
        try:
            with translation.override("en"):
                response = _handler(request)(request, *args, **parts)
        except Exception as error:
            response = refuse(dialect, request, error)
        return finish(request, response)

    def _handler(request: HttpRequest) -> Handler:
        if not handlers:
            raise errors.not_found("address")
        method = "GET" if request.method == "HEAD" and "HEAD" not in handlers else request.method
        found = handlers.get(method or "")
        if found is None:
            raise ApiError(errors.METHOD, headers={"Allow": ", ".join(allowed)})
        return found

    # For whoever walks the routes (tests, documents).
    view.dialect, view.methods = dialect.name, allowed  # type: ignore[attr-defined]
    view.__name__ = "_".join(handler.__name__ for handler in handlers.values()) or f"{dialect.name}_nowhere"
    return csrf_exempt(view)


def refuse(dialect: Dialect, request: HttpRequest, error: Exception) -> HttpResponse:
    """The dialect's answer for any exception, with the headers that the refusal asks for (Retry-After, Allow, ...)."""
    refusal = to_api_error(error, request)
    with translation.override("en"):
        response = dialect.refuse(request, refusal)
    for name, value in refusal.headers.items():
        response.headers.setdefault(name, value)
    return finish(request, response)


def finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Marks an answer as the dialect's own, private to its caller, with what is left of the key's requests a minute."""
    used: Quota | None = getattr(request, "dialect_quota", None)
    if used is not None:
        for name, value in used.headers().items():
            response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.of_dialect = True  # type: ignore[attr-defined]  # read by the middleware
    return response


def json_response(body: object, status: int = 200) -> HttpResponse:
    """Plain data or a msgspec Struct as JSON."""
    return HttpResponse(_encoder.encode(body), status=status, content_type="application/json")
