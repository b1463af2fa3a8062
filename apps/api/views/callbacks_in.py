"""POST /callbacks/<provider>/<opaque>: what vendors tell us about their work. Stored raw, answered at once, worked on later."""

from __future__ import annotations

from typing import Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.jobs.services import inbound

CHALLENGE: Final = "callback.challenge"
MAX_CHALLENGE: Final = 200


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def receive(request: HttpRequest, provider: str, opaque: str) -> HttpResponse:
    """200 for what was stored, now or before; 404 for an address that is none of ours; 413 for a body above 1 MiB;
    429 while too many of its callbacks wait.

    A challenge of the address (GET ?challenge=…, or the JSON that our own dialects send) is echoed and not stored.
    """
    if request.method != "POST":
        if inbound.known_address(provider, opaque) is None:
            return HttpResponse(status=404)
        return HttpResponse(request.GET.get("challenge", "")[:MAX_CHALLENGE], content_type="text/plain; charset=utf-8")
    try:
        body = _body(request)
    except (UnreadablePostError, RawPostDataException):
        return HttpResponse(status=400)
    if body is None:
        return HttpResponse(status=413)
    challenge = _challenge(body)
    if challenge is not None:
        known = inbound.known_address(provider, opaque) is not None
        return JsonResponse({"challenge": challenge}) if known else HttpResponse(status=404)
    url = f"{settings.PUBLIC_URL}{request.get_full_path()}"
    try:
        taken = inbound.take_in(provider, opaque, url, dict(request.headers), body)
    except inbound.TooMany:
        return HttpResponse(status=429, headers={"Retry-After": "60"})
    if taken is None:
        return HttpResponse(status=404)
    return JsonResponse({"received": True})


def _body(request: HttpRequest) -> bytes | None:
    """None when it is too large; no more than that is read."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > inbound.MAX_BODY:
        return None
    body = request.read(inbound.MAX_BODY + 1)
    return body if len(body) <= inbound.MAX_BODY else None


class _Challenge(msgspec.Struct):
    type: str = ""
    challenge: str = ""


def _challenge(body: bytes) -> str | None:
    if CHALLENGE.encode() not in body[:4096]:
        return None
    try:
        found = msgspec.json.decode(body, type=_Challenge)
    except msgspec.MsgspecError:
        return None
    return found.challenge[:MAX_CHALLENGE] if found.type == CHALLENGE else None
