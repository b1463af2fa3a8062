"""POST /lipsync-*: seed 003's three calls over our own admission; the road is apps.api.admission's."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.api.admission import Call, admit
from apps.api.parsing import JSON_TYPES, decode, read_body
from apps.api.schemas.lipsync import BODIES, LipsyncBody, LipsyncSubmitted, guess_model, order_from, sent_name
from apps.core import errors
from apps.core.errors import ApiError
from apps.jobs.services.submit import Submission
from apps.providers.orders import LipsyncModel, LipsyncOrder

_decoders: Final = {model: msgspec.json.Decoder(body) for model, body in BODIES.items()}
# Seed 003 prints no status; its clients look for success in general, and 200 is what all of them take for it.
ADMITTED: Final = 200


def lipsync_view(request: HttpRequest, model: LipsyncModel) -> HttpResponse:
    """Admit the form in the body; any refusal as problem+json, in the order of DESIGN section 4."""
    return admit(request, _CALLS[model])


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
    """The error with the order's field names turned into those that the client sent, in its fields and in its sentence."""
    if error.errors:
        renamed = errors.invalid(errors={sent_name(field): list(texts) for field, texts in error.errors.items()})
        error.errors, error.detail = renamed.errors, renamed.detail
    return error


def _answer(found: Submission) -> LipsyncSubmitted:
    return LipsyncSubmitted(id=found.jobs[0].id, status="processing")


_CALLS: Final = {
    model: Call(read=partial(read_order, model=model), answer=_answer, status=ADMITTED, as_sent=as_sent)
    for model in BODIES
}
