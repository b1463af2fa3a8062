"""POST /v1/media/translate and GET /v1/media/translate/<task_id>: only translated, all rules are the services'."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from apps.accounts.keys import ParsedKey
from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects import auth, resources
from apps.dialects.base import json_response
from apps.dialects.parsing import read_json
from apps.dialects.subjects import job_of
from apps.dialects.vozo import answers, orders
from apps.dialects.vozo.dialect import NAME, TASK, unknown_task
from apps.jobs.services.refusals import with_quota
from apps.jobs.services.submit import Submission, authorize, submit
from apps.providers.vozo import wire

_NOT_HONOURED: Final = "Not available here, the task goes on without it."


def create(request: HttpRequest) -> HttpResponse:
    """Orders a translation; answers with the task's id, and with `warnings` when a wish could not be honoured."""
    key = auth.key_of(auth.key_of_bearer(request))
    try:
        asked = read_json(request, wire.CreateTask)
        orders.to_order(asked)
    except ApiError as error:
        # Whoever may not ask at all is told that first.
        raise orders.in_their_words(with_quota(error, authorize(key, count=True))) from None
    found, passed_over = _submit(request, key, asked)
    request.dialect_quota = found.quota  # type: ignore[attr-defined]
    body: dict[str, Any] = {"task_id": found.jobs[0].id}
    if passed_over:
        body["warnings"] = [f"{name}: {_NOT_HONOURED}" for name in passed_over]
    return json_response(body)


def show(request: HttpRequest, task_id: str) -> HttpResponse:
    """Where a task stands; an id that is not one of the caller's is code 5."""
    actor = auth.actor_of(request, auth.key_of_bearer(request), "jobs.view")
    try:
        task = resources.resource_for(actor, NAME, TASK, task_id)
        job = job_of(actor, task)
    except ApiError as error:
        raise unknown_task() if error.code == errors.NOT_FOUND else error from None
    return json_response(answers.status_of(job, task.data))


def _submit(request: HttpRequest, key: ParsedKey, asked: wire.CreateTask) -> tuple[Submission, list[str]]:
    """Submits as asked; when only wishes are refused, again without them."""
    passed_over: set[str] = set()
    while True:
        data = {"project_mode": asked.project_mode or "none", "passed_over": sorted(passed_over)}

        def settle(found: Submission, data: dict[str, Any] = data) -> None:
            task = found.jobs[0].id
            resources.create_resource(
                organization_id=found.organization, dialect=NAME, kind=TASK, external_id=task, subject=task, data=data
            )

        try:
            found = submit(
                actor=key,
                order=orders.to_order(asked),
                settle=settle,
                request_id=getattr(request, "request_id", ""),
                count=not passed_over,
                dialect=NAME,
            )
            return found, sorted(passed_over)
        except ApiError as error:
            weaker = orders.without(asked, error.errors) if error.code == errors.INVALID else None
            if weaker is None:
                raise orders.in_their_words(error) from None
            asked, given_up = weaker
            passed_over.update(given_up)
