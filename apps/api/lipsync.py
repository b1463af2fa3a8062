"""POST /lipsync-*: seed 003's three calls over our own admission; like POST /translations no DRF on the way (apps/api/submit.py)."""

from __future__ import annotations

from typing import Final

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.accounts.actor import Actor
from apps.accounts.keys import parse_bearer
from apps.api import idempotency
from apps.api.authentication import authenticate
from apps.api.base import json_response
from apps.api.errors import to_api_error
from apps.api.parsing import JSON_TYPES, decode, read_body
from apps.api.problem import problem_response
from apps.api.schemas.lipsync import BODIES, LipsyncBody, LipsyncSubmitted, guess_model, order_from, sent_name
from apps.core import errors
from apps.core.errors import ApiError
from apps.jobs.services.refusals import with_quota
from apps.jobs.services.submit import PERMISSION, Caller, authorize, submit
from apps.plans import quota
from apps.providers.orders import LipsyncModel, LipsyncOrder

_decoders: Final = {model: msgspec.json.Decoder(body) for model, body in BODIES.items()}
# Seed 003 prints no status; its clients look for success in general, and 200 is what all of them take for it.
ADMITTED: Final = 200


def lipsync_view(request: HttpRequest, model: LipsyncModel) -> HttpResponse:
    """Admit the form in the body; any refusal as problem+json, in the order of DESIGN section 4."""
    try:
        header = request.headers.get("Authorization")
        if header is not None:
            return _admit(request, model, parse_bearer(header), None)
        actor = authenticate(request, PERMISSION)
        used = quota.take(actor)
        used.check()
        return _admit(request, model, actor, used)
    except Exception as error:
        return problem_response(to_api_error(error, request), request)


def read_order(request: HttpRequest, model: LipsyncModel) -> LipsyncOrder:
    """The body of a request as an order. Raises ApiError 4150 or 5, with fields named as the client sent them."""
    body: LipsyncBody = read_body(request, BODIES[model], _decoders[model])
    return order_from(model, body)


def read_estimate(request: HttpRequest) -> LipsyncOrder | None:
    """A lip-sync body sent for an estimate, with the name of its form in `model` or without; None when it is none. Raises ApiError 5."""
    if (request.content_type or "").lower() not in JSON_TYPES:
        return None
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(found, dict) or "formState" not in found:
        return None
    model = found.pop("model", None) or guess_model(found["formState"])
    if not isinstance(model, str) or model not in BODIES:
        raise errors.invalid("model", f"Must be one of {', '.join(BODIES)}.")
    return order_from(model, decode(msgspec.json.encode(found), BODIES[model]))


def as_sent(error: ApiError) -> ApiError:
    """The error with the order's field names turned into those that the client sent."""
    error.errors = {sent_name(field): list(reasons) for field, reasons in error.errors.items()}
    return error


def _admit(request: HttpRequest, model: LipsyncModel, caller: Caller, used: quota.Quota | None) -> HttpResponse:
    by_key = not isinstance(caller, Actor)
    try:
        key = idempotency.key_of(request)
        order = read_order(request, model)
    except ApiError as error:
        # Whoever may not ask at all is told that first.
        raise with_quota(error, authorize(caller, count=True) if by_key else used) from None
    try:
        found = submit(
            actor=caller,
            order=order,
            idempotency=(key, idempotency.fingerprint(request, request.body)) if key else None,
            request_id=getattr(request, "request_id", ""),
            count=by_key,
        )
    except ApiError as error:
        raise as_sent(error) from None
    job = found.jobs[0].id
    answer = LipsyncSubmitted(id=job, status="processing")
    response = json_response(answer, ADMITTED, {"Location": f"/api/v1/jobs/{job}"})
    left = found.quota or used
    if left is not None:
        for name, value in left.headers().items():
            response[name] = value
    if found.replayed:
        response["Idempotency-Replayed"] = "true"
    return response
