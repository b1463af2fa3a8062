"""The road of every POST that orders jobs: no DRF on the way, msgspec in and out, one prepared call of admit_job for everything.

Each call brings only how its body is read and what it answers (`Call`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.accounts.actor import Actor
from apps.accounts.keys import parse_bearer
from apps.api import idempotency
from apps.api.authentication import authenticate
from apps.api.base import json_response
from apps.api.errors import to_api_error
from apps.api.problem import problem_response
from apps.core.errors import ApiError
from apps.jobs.services.refusals import with_quota
from apps.jobs.services.submit import PERMISSION, Caller, Submission, authorize, submit
from apps.plans import quota
from apps.providers.orders import Order


def unchanged(error: ApiError) -> ApiError:
    """The error of a call whose fields are named as the order's are."""
    return error


@dataclass(frozen=True, slots=True)
class Call:
    """What one of the calls has for itself.

    `read` raises ApiError 4150 or 5 with fields named as the client sent them; `as_sent` renames those of a refused order. `status`
    is that of an admitted order.
    """

    read: Callable[[HttpRequest], Order]
    answer: Callable[[Submission], msgspec.Struct]
    status: int
    as_sent: Callable[[ApiError], ApiError] = unchanged


def admit(request: HttpRequest, call: Call) -> HttpResponse:
    """Admit the order in the body; any refusal as problem+json, in the order of DESIGN section 4."""
    try:
        header = request.headers.get("Authorization")
        if header is not None:
            # Checks 1-5 and the rate limit of a key happen inside admit_job, in the same round trip as the rest.
            return _admit(request, call, parse_bearer(header), None)
        actor = authenticate(request, PERMISSION)
        used = quota.take(actor)
        used.check()
        return _admit(request, call, actor, used)
    except Exception as error:
        return problem_response(to_api_error(error, request), request)


def _admit(request: HttpRequest, call: Call, caller: Caller, used: quota.Quota | None) -> HttpResponse:
    by_key = not isinstance(caller, Actor)
    try:
        key = idempotency.key_of(request)
        order = call.read(request)
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
        raise call.as_sent(error) from None
    response = json_response(call.answer(found), call.status, {"Location": f"/api/v1/jobs/{found.jobs[0].id}"})
    left = found.quota or used
    if left is not None:
        for name, value in left.headers().items():
            response[name] = value
    if found.replayed:
        response["Idempotency-Replayed"] = "true"
    return response
