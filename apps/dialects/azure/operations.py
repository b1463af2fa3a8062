"""GET operation of Azure's protocol: how far a PUT has come."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from apps.core import errors
from apps.dialects.azure import calls, present, store
from apps.dialects.subjects import jobs_of


def show(request: HttpRequest, operation_id: str) -> HttpResponse:
    """The operation's status; 404 for one that is not the caller's."""
    call = calls.enter(request, "jobs.view")
    found = store.operation_for(call.actor, operation_id)
    if found is None:
        raise errors.not_found(f"operation {operation_id[:64]!r}")
    return call.answer(present.operation(found, jobs_of(call.actor, [found]).get(found.subject)))
