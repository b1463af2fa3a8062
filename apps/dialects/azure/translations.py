"""Translations of Azure's protocol: PUT (with or without the first iteration), GET, list and DELETE."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from apps.core import clock, errors
from apps.core.errors import ApiError
from apps.dialects import resources
from apps.dialects.azure import calls, eventhub, orders, paging, present, store, texts
from apps.dialects.azure.calls import Call
from apps.dialects.azure.dialect import NAME, TRANSLATION
from apps.dialects.models import Resource
from apps.dialects.parsing import read_json
from apps.jobs.services.submit import Submission, submit
from apps.providers.azure import wire
from apps.providers.orders import TranslationOrder

TITLE_LENGTH = 200


def create(request: HttpRequest, translation_id: str) -> HttpResponse:
    """PUT translation. Only a resource is made, unless autoCreateFirstIteration orders the (paid) first iteration with it.

    The same PUT again is answered 200; another one with the same id 409.
    """
    call = calls.enter(request, "jobs.submit")
    calls.check_id(translation_id, "translationId")
    operation = calls.operation_of(request)
    body = read_json(request, wire.TranslationBody)
    mark = calls.fingerprint(operation, body)
    if (there := _again(call, translation_id, mark)) is not None:
        return _answer(call, there, operation, 200)
    given = orders.check_translation(body)
    first = body.first_iteration_input or wire.IterationInput()
    orders.check_iteration(first, "firstIterationInput")
    named = orders.Named("input", "firstIterationInput", given, first)
    data = _kept(body, mark, operation, call.version)
    # What the first iteration could not be ordered with is refused now, not when it is.
    plain = orders.make_order(given, first, named, title=title_of(body))
    orders.check_order(call.actor, plain, named)
    try:
        if given.auto_create_first_iteration:
            kinds = (wire.TRANSLATION_COMPLETION, wire.ITERATION_COMPLETION)
            order = first_order(call, body, first, "firstIterationInput", named, kinds)
            made = _ordered(call, translation_id, operation, order, data, first, named)
        else:
            made = _plain(call, translation_id, operation, data)
    except ApiError as error:
        # Of two equal PUTs at once the second finds what the first one made.
        there = _again(call, translation_id, mark) if error.code == errors.CONFLICT else None
        if there is None:
            raise
        return _answer(call, there, operation, 200)
    return _answer(call, made, operation, 201)


def show(request: HttpRequest, translation_id: str) -> HttpResponse:
    """GET translation with its latest and its latest succeeded iteration."""
    call = calls.enter(request, "jobs.view")
    found = store.translation_for(call.actor, translation_id)
    return call.answer(_body(call, found))


def remove(request: HttpRequest, translation_id: str) -> HttpResponse:
    """DELETE translation: running work is canceled, results are removed. 204 also for one that is not there, as deletes are."""
    call = calls.enter(request, "jobs.manage")
    found = resources.find_resource(call.actor, NAME, TRANSLATION, translation_id)
    if found is not None:
        store.remove_translation(call.actor, found)
    return HttpResponse(status=204)


def index(request: HttpRequest) -> HttpResponse:
    """The list, newest first."""
    call = calls.enter(request, "jobs.view")
    page = paging.read(call)
    rows, following = paging.cut(store.living(call.actor), page)
    made = store.iterations_of(call.actor, rows)
    values = [present.translation(row, made.get(row.pk, [])) for row in rows]
    return call.answer(paging.document(call, "/translations", values, following))


def first_order(
    call: Call,
    body: wire.TranslationBody,
    iteration: wire.IterationInput,
    place: str,
    named: orders.Named,
    kinds: tuple[str, ...] = (wire.ITERATION_COMPLETION,),
) -> TranslationOrder:
    """The order of an iteration that recognizes and translates (fetches a metadata file). Raises ApiError 5.

    `kinds` are the events that its end is.
    """
    assert body.input is not None
    more: dict[str, Any] = {"title": title_of(body), "callback_url": eventhub.callback_url(call.actor, kinds)}
    if iteration.webvtt_file is not None:
        target = body.input.target_locale or ""
        more |= texts.given_subtitle(call.actor, iteration.webvtt_file, target, place)
    return orders.make_order(body.input, iteration, named, **more)


def title_of(body: wire.TranslationBody) -> str:
    """The name of the project that is made."""
    return (body.display_name or "")[:TITLE_LENGTH]


def _ordered(
    call: Call,
    translation_id: str,
    operation: str,
    order: TranslationOrder,
    data: dict[str, Any],
    first: wire.IterationInput,
    named: orders.Named,
) -> Resource:
    made: list[Resource] = []

    def settle(found: Submission) -> None:
        (job,) = found.jobs
        row = _create(found.organization, translation_id, data | {"auto": True}, job.translation)
        given = {"input": wire.dropped_nulls(msgspec.to_builtins(first)), "operation": operation}
        store.create_iteration(found.organization, row, wire.FIRST_ITERATION, job.id, given)
        store.create_operation(found.organization, operation, row, iteration=wire.FIRST_ITERATION, subject=job.id)
        made[:] = [row]

    def run() -> None:
        request_id = getattr(call.request, "request_id", "")
        submit(actor=call.actor, order=order, settle=settle, request_id=request_id, dialect=NAME)

    orders.renamed(run, named)
    return made[0]


def _plain(call: Call, translation_id: str, operation: str, data: dict[str, Any]) -> Resource:
    with transaction.atomic():
        row = _create(call.actor.organization.pk, translation_id, data, "")
        store.create_operation(call.actor.organization.pk, operation, row)
    return row


def _create(organization_id: int, translation_id: str, data: dict[str, Any], subject: str) -> Resource:
    return resources.create_resource(
        organization_id=organization_id,
        dialect=NAME,
        kind=TRANSLATION,
        external_id=translation_id,
        subject=subject,
        data=data,
    )


def _again(call: Call, translation_id: str, mark: str) -> Resource | None:
    """The translation that this very PUT made before. Raises ApiError 4090 when another one made it."""
    there = store.find_translation(call.actor, translation_id)
    if there is not None and there.data["mark"] != mark:
        raise store.taken("translationId", translation_id, "translation")
    return there


def _kept(body: wire.TranslationBody, mark: str, operation: str, version: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "body": wire.dropped_nulls(msgspec.to_builtins(body)),
        "mark": mark,
        "operation": operation,
        "version": version,
    }
    hours = body.properties.time_to_live_in_hours if body.properties is not None else None
    if hours is not None:
        data["expires"] = present.moment(clock.now() + timedelta(hours=hours))
    return data


def _body(call: Call, row: Resource) -> dict[str, Any]:
    return present.translation(row, store.iterations_of(call.actor, [row]).get(row.pk, []))


def _answer(call: Call, row: Resource, operation: str, status: int) -> HttpResponse:
    return call.answer(_body(call, row), status, operation)
