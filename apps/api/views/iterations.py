"""Iterations: render a finished translation again from its edited transcript; what that would cost; all of a translation."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from apps.api import present, samples
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation, request_example
from apps.api.schemas import iterations as shapes
from apps.api.schemas.common import PageQuery
from apps.api.schemas.jobs import Job as JobShape
from apps.api.schemas.jobs import JobPage
from apps.core import errors
from apps.core.money import to_text
from apps.jobs import selectors
from apps.jobs.services.iterations import IterationChanges, IterationEstimate, estimate_iteration, submit_iteration
from apps.projects.selectors import translation_for

_EDITED: Final[dict[str, Any]] = {"revision": 3}
_STYLED: Final[dict[str, Any]] = {
    "subtitle_style": {"burn_in": True, "font_size": 44},
    "callback_url": "https://hooks.example.com/kinoglot",
}
_CODES: Final = (errors.NOT_FOUND, errors.INVALID, errors.CONFLICT, errors.MEDIA_TYPE, errors.TOO_LARGE)


def changes_of(body: shapes.IterationOrder) -> IterationChanges:
    """The part of the body that changes the order."""
    return IterationChanges(**{name: getattr(body, name) for name in IterationChanges.__struct_fields__})


def show_estimate(found: IterationEstimate) -> shapes.IterationEstimate:
    """With amounts in credits."""
    work = found.rework
    return shapes.IterationEstimate(
        base_job=work.base.public_id,
        base_revision=work.base_revision,
        revision=work.revision,
        changed_lines=list(work.changes.spoken),
        changed_seconds=work.changes.spoken_ms / 1000,
        silent_changes=len(work.changes.text) + len(work.changes.removed),
        options=list(work.options),
        unchanged=work.nothing,
        lines=present.estimate_lines(found.lines),
        total=to_text(found.total),
        wallet=present.wallet_change(found.pool, found.available, found.total),
    )


class IterationListView(ApiView):
    """GET and POST /translations/{id}/iterations."""

    permissions = {"GET": "jobs.view", "POST": "jobs.submit"}

    @operation(
        "iterations_list",
        "Iterations of a translation, newest first",
        description="Every job of the translation, the first one included, with its results.",
        tag="Translations",
        query=PageQuery,
        answers={200: JobPage},
        codes=(errors.NOT_FOUND, errors.INVALID),
        examples=[answer_example("page", JobPage(items=[samples.job("completed")], next_cursor=None))],
    )
    def get(self, request: Request, translation_id: str) -> HttpResponse:
        """One page of its jobs."""
        query = self.query(PageQuery)
        translation = translation_for(self.actor, translation_id)
        page = selectors.jobs_for(self.actor, translation=translation.public_id, cursor=query.cursor, limit=query.limit)
        items = [present.job(row, row.artefacts.all()) for row in page.items]
        return json_response(JobPage(items=items, next_cursor=page.next_cursor or None))

    @operation(
        "iterations_create",
        "Render a translation again from its edited transcript",
        description=(
            "A new job on a finished translation: nothing is recognized or translated again, only lines that changed since the "
            "newest completed job are spoken, and only their seconds are charged; another look of the subtitles or another volume "
            "costs nothing. Save the edited text first (PUT /translations/{id}/transcript). 409 while a job of the translation is "
            "open, or when there is no finished one with a transcript. Otherwise checked like POST /translations."
        ),
        tag="Translations",
        request=shapes.IterationOrder,
        answers={202: JobShape},
        codes=(*_CODES, errors.CALLBACK_CHALLENGE, errors.CONCURRENCY, errors.INSUFFICIENT_CREDITS),
        examples=[
            request_example("a revision", _EDITED),
            request_example("another look", _STYLED),
            answer_example("admitted", samples.job(), 202),
        ],
        idempotent=True,
    )
    def post(self, request: Request, translation_id: str) -> HttpResponse:
        """The next iteration."""
        translation = translation_for(self.actor, translation_id)
        body = self.body(shapes.IterationOrder)
        job = submit_iteration(
            actor=self.actor,
            translation=translation,
            revision=body.revision,
            changes=changes_of(body),
            callback_url=body.callback_url,
        )
        return json_response(present.job(selectors.job_for(self.actor, job.public_id), ()), 202)


class IterationEstimateView(ApiView):
    """POST /translations/{id}/iterations/estimate."""

    permissions = {"POST": "jobs.submit"}

    @operation(
        "iterations_estimate",
        "What an iteration would change and cost",
        description="Takes the body of POST /translations/{id}/iterations; nothing is ordered or set aside.",
        tag="Translations",
        request=shapes.IterationOrder,
        answers={200: shapes.IterationEstimate},
        codes=_CODES,
        examples=[
            request_example("a revision", _EDITED),
            answer_example("two lines", samples.ITERATION_ESTIMATE),
        ],
        idempotent=True,
    )
    def post(self, request: Request, translation_id: str) -> HttpResponse:
        """Lines and price."""
        translation = translation_for(self.actor, translation_id)
        body = self.body(shapes.IterationOrder)
        found = estimate_iteration(
            actor=self.actor, translation=translation, revision=body.revision, changes=changes_of(body)
        )
        return json_response(show_estimate(found))
