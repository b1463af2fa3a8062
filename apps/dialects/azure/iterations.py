"""Iterations of Azure's protocol: PUT, GET and list. The first one is an order, later ones render an edited text again."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects import resources
from apps.dialects.azure import calls, eventhub, orders, paging, present, store, texts
from apps.dialects.azure.calls import Call
from apps.dialects.azure.dialect import ITERATION, NAME
from apps.dialects.azure.translations import first_order
from apps.dialects.models import Resource
from apps.dialects.parsing import convert, read_json
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services import transcripts
from apps.jobs.services.iterations import submit_iteration
from apps.jobs.services.submit import Submission, submit
from apps.projects.models import Translation
from apps.projects.selectors import transcript_for, translation_for
from apps.providers.azure import wire
from apps.providers.orders import TranslationOrder

PLACE = "input"


def create(request: HttpRequest, translation_id: str, iteration_id: str) -> HttpResponse:
    """PUT iteration: the paid job. The same PUT again is answered 200; another one with the same id, or while one runs, 409."""
    call = calls.enter(request, "jobs.submit")
    calls.check_id(translation_id, "translationId")
    calls.check_id(iteration_id, "iterationId")
    operation = calls.operation_of(request)
    body = read_json(request, wire.IterationBody)
    parent = store.translation_for(call.actor, translation_id)
    mark = calls.fingerprint(operation, body)
    if (there := _again(call, parent, iteration_id, mark)) is not None:
        return _answer(call, there, operation, 200)
    given = body.input if body.input is not None else wire.IterationInput()
    orders.check_iteration(given, PLACE)
    data = {"input": wire.dropped_nulls(msgspec.to_builtins(given)), "mark": mark, "operation": operation}
    if body.description:
        data["description"] = body.description
    try:
        _order(call, parent, iteration_id, given, operation, data)
    except ApiError as error:
        there = _again(call, parent, iteration_id, mark) if error.code == errors.CONFLICT else None
        if there is None:
            raise
        return _answer(call, there, operation, 200)
    return _answer(call, _iteration_for(call, parent, iteration_id), operation, 201)


def show(request: HttpRequest, translation_id: str, iteration_id: str) -> HttpResponse:
    """GET iteration."""
    call = calls.enter(request, "jobs.view")
    parent = store.translation_for(call.actor, translation_id)
    return call.answer(_body(call, _iteration_for(call, parent, iteration_id)))


def index(request: HttpRequest, translation_id: str) -> HttpResponse:
    """The list, newest first."""
    call = calls.enter(request, "jobs.view")
    parent = store.translation_for(call.actor, translation_id)
    page = paging.read(call)
    rows, following = paging.cut(Resource.objects.filter(parent=parent, dialect=NAME, kind=ITERATION), page)
    made = {row.pk: job for row, job in store.iterations_of(call.actor, [parent]).get(parent.pk, [])}
    values = [present.iteration((row, made.get(row.pk))) for row in rows]
    path = f"/translations/{parent.external_id}/iterations"
    return call.answer(paging.document(call, path, values, following))


def _order(
    call: Call, parent: Resource, iteration_id: str, given: wire.IterationInput, operation: str, data: dict[str, Any]
) -> None:
    """Starts the job that an iteration is."""
    jobs = [job for _, job in store.iterations_of(call.actor, [parent]).get(parent.pk, []) if job is not None]
    if any(job.status in states.OPEN for job in jobs):
        raise errors.conflict("Another iteration of this translation is still running.")
    body = convert(parent.data["body"], wire.TranslationBody)
    assert body.input is not None, "checked when it was made"
    named = orders.Named("input", PLACE, body.input, given)

    def keep(organization_id: int, job_id: str, translation: str) -> None:
        store.create_iteration(organization_id, parent, iteration_id, job_id, data)
        store.create_operation(organization_id, operation, parent, iteration=iteration_id, subject=job_id)
        resources.change_resource(parent, subject=translation)

    done = any(job.status == states.COMPLETED for job in jobs)
    if not done:
        _submit(call, first_order(call, body, given, PLACE, named), named, keep)
        return
    if given.webvtt_file is None:
        raise errors.invalid(f"{PLACE}.webvttFile", "This field is required from the second iteration on.")
    if given.webvtt_file.kind == wire.SOURCE_SUBTITLE:
        # A new source text is translated anew: an order of its own on the same source.
        project = translation_for(call.actor, parent.subject).project
        order = first_order(call, body, given, PLACE, named)
        source = msgspec.structs.replace(order.source, asset=project.source_asset.public_id, url=None)
        _submit(call, msgspec.structs.replace(order, source=source, project=project.public_id), named, keep)
        return
    _render_again(call, translation_for(call.actor, parent.subject), body, given, named, keep)


def _submit(call: Call, order: TranslationOrder, named: orders.Named, keep: Any) -> None:
    def settle(found: Submission) -> None:
        (job,) = found.jobs
        keep(found.organization, job.id, job.translation)

    def run() -> None:
        request_id = getattr(call.request, "request_id", "")
        submit(actor=call.actor, order=order, settle=settle, request_id=request_id, dialect=NAME)

    orders.renamed(run, named)


def _render_again(
    call: Call,
    translation: Translation,
    body: wire.TranslationBody,
    given: wire.IterationInput,
    named: orders.Named,
    keep: Any,
) -> None:
    """The edited text becomes a revision, and the translation is rendered from it."""
    assert given.webvtt_file is not None and body.input is not None
    newest = transcript_for(translation)
    earlier = transcripts.read_document(msgspec.json.encode(newest.document))
    document = texts.edited(call.actor, given.webvtt_file, earlier, PLACE)

    def settle(job: Job) -> None:
        keep(job.organization_id, job.public_id, translation.public_id)

    def run() -> None:
        saved = newest
        if document != earlier:
            saved = transcripts.edit_transcript(
                actor=call.actor, translation=translation, document=document, expected_revision=newest.revision
            )
        assert body.input is not None
        submit_iteration(
            actor=call.actor,
            translation=translation,
            revision=saved.revision,
            changes=orders.changes_of(body.input, given),
            settle=settle,
            callback_url=eventhub.callback_url(call.actor, (wire.ITERATION_COMPLETION,)),
            dialect=NAME,
            request_id=getattr(call.request, "request_id", ""),
        )

    orders.renamed(run, named)


def _again(call: Call, parent: Resource, iteration_id: str, mark: str) -> Resource | None:
    """The iteration that this very PUT made before. Raises ApiError 4090 when another request made it."""
    there = resources.find_resource(call.actor, NAME, ITERATION, iteration_id, parent)
    if there is not None and there.data.get("mark") != mark:
        raise store.taken("iterationId", iteration_id, "iteration")
    return there


def _iteration_for(call: Call, parent: Resource, iteration_id: str) -> Resource:
    found = resources.find_resource(call.actor, NAME, ITERATION, iteration_id, parent)
    if found is None:
        raise errors.not_found(f"iteration {iteration_id[:64]!r}")
    return found


def _body(call: Call, row: Resource) -> dict[str, Any]:
    assert row.parent is not None
    made = store.iterations_of(call.actor, [row.parent]).get(row.parent.pk, [])
    return present.iteration((row, next((job for found, job in made if found.pk == row.pk), None)))


def _answer(call: Call, row: Resource, operation: str, status: int) -> HttpResponse:
    return call.answer(_body(call, row), status, operation)
