"""`/?Action=…&Version=…`: finds the action, checks the signature, and wraps the result as its version does."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects.base import door, json_response
from apps.dialects.volcengine.actions import ACTIONS, FLAT_VERSION, NOT_SERVED, Action, Call
from apps.dialects.volcengine.dialect import SERVICES, VOLCENGINE, metadata
from apps.dialects.volcengine.errors import NO_ACTION, Refusal, fault_of, missing
from apps.dialects.volcengine.signed import Caller, authenticate

for _module in ("edits", "media", "project_views", "speakers", "submitting", "termbases", "translate"):
    import_module(f"apps.dialects.volcengine.{_module}")  # each puts its actions into the table
_FORM: Final = "application/x-www-form-urlencoded"
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the SDKs try again; nothing was done then."""


def serve(request: HttpRequest) -> HttpResponse:
    """Answers one action. Raises ApiError; the door turns it into the error body."""
    found = _find(request)
    caller = authenticate(request, service=SERVICES[found.version], permission=found.permission, reads=found.reads)
    try:
        result = found.handler(Call(request, caller, _parameters(request)))
    except Exception as error:
        _release(caller, error, SERVICES[found.version])
        raise
    about = metadata(request)
    if found.version == FLAT_VERSION:
        return json_response({**(result or {}), "ResponseMetadata": about | {"Error": None}})
    return json_response({"ResponseMetadata": about} | ({} if result is None else {"Result": result}))


def _find(request: HttpRequest) -> Action:
    name, version = request.GET.get("Action", ""), request.GET.get("Version", "")
    for what, given in (("Action", name), ("Version", version)):
        if not given:
            raise missing(what)
    found = ACTIONS.get((name, version))
    if found is None:
        why = NOT_SERVED.get((name, version))
        raise Refusal(NO_ACTION, f"{name[:80]} for version {version[:20]}" + (f": {why}" if why else ""))
    return found


def _parameters(request: HttpRequest) -> dict[str, Any]:
    """Query, form and JSON body as one; the body wins. Action, Version and the signature's own parameters are left out."""
    found: dict[str, Any] = {
        name: value
        for name, value in request.GET.items()
        if name not in ("Action", "Version") and not name.startswith("X-")
    }
    if not request.body:
        return found
    if (request.content_type or "").lower() == _FORM:
        try:
            found |= dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=500))
        except ValueError:
            raise errors.invalid("body", "Not a form.") from None
        return found
    try:
        body = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise errors.invalid("body", "Not a JSON document.") from None
    if not isinstance(body, dict):
        raise errors.invalid("body", "Needs a JSON object.")
    try:
        cleaned: dict[str, Any] = _without_nulls(body)
    except RecursionError:
        raise errors.invalid("body", "Nested too deep.") from None
    return found | cleaned


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _release(caller: Caller, error: Exception, service: str) -> None:
    status = fault_of(error, service).status if isinstance(error, ApiError) else 500
    if status in _AGAIN:
        caller.release()


front = door(VOLCENGINE, GET=serve, POST=serve)
