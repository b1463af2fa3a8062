"""POST /translations, the hot path: no DRF on the way, msgspec in and out, one prepared call of admit_job for everything."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.accounts.actor import Actor
from apps.accounts.keys import parse_bearer
from apps.api import idempotency
from apps.api.authentication import authenticate
from apps.api.base import json_response
from apps.api.errors import to_api_error
from apps.api.parsing import read_body
from apps.api.problem import problem_response
from apps.api.schemas import jobs as job_shapes
from apps.api.schemas.translations import Submitted, SubmittedTranslation
from apps.core.errors import ApiError
from apps.core.money import to_text
from apps.jobs.services.refusals import with_quota
from apps.jobs.services.submit import PERMISSION, Admitted, Caller, Submission, authorize, submit
from apps.plans import quota
from apps.providers.orders import TranslationOrder

_decoder: Final = msgspec.json.Decoder(TranslationOrder)
_QUEUED: Final = job_shapes.Progress(fraction=0.0, done=0, total=0, unit="")
# What the order did is done at a worker's pace: 202, and Location is where to look.
ACCEPTED: Final = 202


def submit_view(request: HttpRequest) -> HttpResponse:
    """Admit the order in the body; any refusal as problem+json, in the order of DESIGN section 4."""
    try:
        return _submit(request)
    except Exception as error:
        return problem_response(to_api_error(error, request), request)


def _submit(request: HttpRequest) -> HttpResponse:
    header = request.headers.get("Authorization")
    if header is not None:
        # Checks 1-5 and the rate limit of a key happen inside admit_job, in the same round trip as the rest.
        return _admit(request, parse_bearer(header), None)
    actor = authenticate(request, PERMISSION)
    used = quota.take(actor)
    used.check()
    return _admit(request, actor, used)


def _admit(request: HttpRequest, caller: Caller, used: quota.Quota | None) -> HttpResponse:
    by_key = not isinstance(caller, Actor)
    try:
        key = idempotency.key_of(request)
        order = read_body(request, TranslationOrder, _decoder)
    except ApiError as error:
        # Whoever may not ask at all is told that first.
        raise with_quota(error, authorize(caller, count=True) if by_key else used) from None
    found = submit(
        actor=caller,
        order=order,
        idempotency=(key, idempotency.fingerprint(request, request.body)) if key else None,
        request_id=getattr(request, "request_id", ""),
        count=by_key,
    )
    response = json_response(_present(found), ACCEPTED, {"Location": f"/api/v1/jobs/{found.jobs[0].id}"})
    left = found.quota or used
    if left is not None:
        for name, value in left.headers().items():
            response[name] = value
    if found.replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def _present(found: Submission) -> Submitted:
    created = datetime.fromisoformat(found.created_at)
    return Submitted(
        id=found.jobs[0].id,
        status="processing",
        project=found.project,
        asset=found.asset,
        translations=[
            SubmittedTranslation(id=row.translation, target_locale=row.target_locale, job=row.id) for row in found.jobs
        ],
        jobs=[_job(row, created) for row in found.jobs],
    )


def _job(row: Admitted, created: datetime) -> job_shapes.Job:
    return job_shapes.Job(
        id=row.id,
        model="translate",
        status="processing",
        output=None,
        error="",
        executionTime=None,
        timings=None,
        stage="queued",
        progress=_QUEUED,
        error_code=None,
        translation=row.translation,
        iteration=row.iteration,
        provider="",
        target_locale=row.target_locale,
        artefacts=[],
        estimate=to_text(row.estimate),
        held=to_text(row.held),
        charged="0.0",
        created_at=created,
        started_at=None,
        finished_at=None,
        review_url=None,
    )
