"""ApiView: what every view of the API shares: actor, permission, rate limit, idempotency, JSON by msgspec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.actor import Actor
from apps.api import idempotency
from apps.api.parsing import read_body, read_query
from apps.plans import quota

T = TypeVar("T")
encoder = msgspec.json.Encoder()


def json_response(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A struct (or plain data) as JSON; private to the caller."""
    response = HttpResponse(encoder.encode(body), status=status, content_type="application/json", headers=headers)
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


class _Replayed(Exception):
    """The stored answer of an Idempotency-Key; leaves the view early."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response


class _OwnNegotiation(BaseContentNegotiation):
    """Views answer in JSON, or look at Accept themselves: an unusual Accept header is no reason to fail."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Never asked in practice: bodies are read by `ApiView.body`."""
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """JSON."""
        return next(iter(renderers)), "application/json"


class ApiView(APIView):
    """Base of the API's views.

    `permissions` names the permission of each HTTP method (accounts.permissions); a method without one only needs an
    actor. Authentication raises 7, 1302, 814, 1503 and 1305 in that order before the view runs.
    """

    permissions: ClassVar[Mapping[str, str]] = {}
    renderer_classes = [JSONRenderer]
    content_negotiation_class = _OwnNegotiation
    permission_classes = []
    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options"]
    actor: Actor

    def permission_for(self, method: str) -> str | None:
        """Permission that a method needs; HEAD needs what GET does."""
        return self.permissions.get("GET" if method == "HEAD" else method)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Actor, then rate limit, then Idempotency-Key."""
        self._claim: idempotency.Claim | None = None
        self._quota: quota.Quota | None = None
        super().initial(request, *args, **kwargs)
        if request.method == "OPTIONS" or not self.get_authenticators():
            return
        assert isinstance(request.auth, Actor)
        self.actor = request.auth
        self._quota = quota.take(self.actor)
        self._quota.check()
        if request.method == "POST" and (key := idempotency.key_of(request._request)):
            claimed = idempotency.claim(self.actor, key, self.request_fingerprint(request._request))
            if isinstance(claimed, HttpResponse):
                raise _Replayed(claimed)
            self._claim = claimed

    def perform_authentication(self, request: Request) -> None:
        """OPTIONS describes the address and needs no credentials."""
        if request.method != "OPTIONS":
            super().perform_authentication(request)

    def request_fingerprint(self, request: HttpRequest) -> bytes:
        """What makes two requests the same; uploads replace it, since their bodies are streams."""
        return idempotency.fingerprint(request, request.body)

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """A stored answer, or problem+json."""
        if isinstance(exc, _Replayed):
            return exc.response
        response: HttpResponseBase = super().handle_exception(exc)
        return response

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Stores the answer under its Idempotency-Key and adds the RateLimit headers."""
        if getattr(self, "_claim", None) is not None:
            assert self._claim is not None
            idempotency.settle(self._claim, response)
        if getattr(self, "_quota", None) is not None:
            assert self._quota is not None
            for name, value in self._quota.headers().items():
                response.headers.setdefault(name, value)
        final: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        return final

    def body(self, shape: type[T]) -> T:
        """The JSON body."""
        return read_body(self.request._request, shape)

    def query(self, shape: type[T]) -> T:
        """The query string."""
        return read_query(self.request._request.GET, shape)


class OpenView(ApiView):
    """A view for everyone, key or not."""

    authentication_classes = []
