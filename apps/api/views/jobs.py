"""Jobs: list, one, cancel, resume, retry, timeline."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from apps.api import present, samples
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation
from apps.api.schemas import jobs as shapes
from apps.core import errors
from apps.jobs import selectors
from apps.jobs.models import Job
from apps.jobs.services.finish import cancel_job
from apps.jobs.services.retry import retry_job
from apps.jobs.services.review import resume_job

_ONE = answer_example("completed", samples.job("completed"))


def show(job: Job) -> HttpResponse:
    """The job object with its artefacts."""
    return json_response(present.job(job, job.artefacts.all()))


class JobListView(ApiView):
    """GET /jobs."""

    permissions = {"GET": "jobs.view"}

    @operation(
        "jobs_list",
        "Jobs, newest first",
        tag="Jobs",
        query=shapes.JobQuery,
        answers={200: shapes.JobPage},
        codes=(errors.INVALID,),
        examples=[answer_example("page", shapes.JobPage(items=[samples.job("completed")], next_cursor=None))],
    )
    def get(self, request: Request) -> HttpResponse:
        """One page of jobs."""
        query = self.query(shapes.JobQuery)
        page = selectors.jobs_for(
            self.actor,
            status=query.status or "",
            model=query.model or "",
            search=query.search,
            cursor=query.cursor,
            limit=query.limit,
        )
        return json_response(
            shapes.JobPage(
                items=[present.job(row, row.artefacts.all()) for row in page.items],
                next_cursor=page.next_cursor or None,
            )
        )


class JobView(ApiView):
    """GET /jobs/{id}."""

    permissions = {"GET": "jobs.view"}

    @operation(
        "jobs_get",
        "One job",
        description=(
            "The job with its artefacts and fresh signed links. A superset of lipsync.studio's job object, so that clients "
            "which poll `status` and read `output` work unchanged."
        ),
        tag="Jobs",
        answers={200: shapes.Job},
        codes=(errors.NOT_FOUND,),
        examples=[_ONE],
    )
    def get(self, request: Request, job_id: str) -> HttpResponse:
        """One job."""
        return show(selectors.job_for(self.actor, job_id))


class _VerbView(ApiView):
    """POST without a body that moves a job."""

    def answer(self, job_id: str) -> HttpResponse:
        """The job as it is afterwards."""
        return show(selectors.job_for(self.actor, job_id))


class JobCancelView(_VerbView):
    """POST /jobs/{id}/cancel."""

    permissions = {"POST": "jobs.manage"}

    @operation(
        "jobs_cancel",
        "Stop a job",
        description="Credits set aside for it are given back. A job that has ended answers 409; one canceled already 200.",
        tag="Jobs",
        answers={200: shapes.Job},
        codes=(errors.NOT_FOUND, errors.CONFLICT),
        examples=[answer_example("canceled", samples.job("canceled"))],
        idempotent=True,
    )
    def post(self, request: Request, job_id: str) -> HttpResponse:
        """Stop it."""
        cancel_job(actor=self.actor, job=selectors.job_for(self.actor, job_id))
        return self.answer(job_id)


class JobResumeView(_VerbView):
    """POST /jobs/{id}/resume."""

    permissions = {"POST": "jobs.resume"}

    @operation(
        "jobs_resume",
        "Go on after the review",
        description="Only for a paused job; the newest transcript revision is used.",
        tag="Jobs",
        answers={200: shapes.Job},
        codes=(errors.NOT_FOUND, errors.CONFLICT),
        examples=[answer_example("resumed", samples.job())],
        idempotent=True,
    )
    def post(self, request: Request, job_id: str) -> HttpResponse:
        """Go on."""
        resume_job(actor=self.actor, job=selectors.job_for(self.actor, job_id))
        return self.answer(job_id)


class JobRetryView(_VerbView):
    """POST /jobs/{id}/retry."""

    permissions = {"POST": "jobs.submit"}

    @operation(
        "jobs_retry",
        "Try a failed job again",
        description="Credits are set aside anew; stages that were finished are not done twice.",
        tag="Jobs",
        answers={200: shapes.Job},
        codes=(
            errors.NOT_FOUND,
            errors.CONFLICT,
            errors.INSUFFICIENT_CREDITS,
            errors.CONCURRENCY,
        ),
        examples=[answer_example("again", samples.job())],
        idempotent=True,
    )
    def post(self, request: Request, job_id: str) -> HttpResponse:
        """Try again."""
        retry_job(actor=self.actor, job=selectors.job_for(self.actor, job_id))
        return self.answer(job_id)


class JobEventsView(ApiView):
    """GET /jobs/{id}/events."""

    permissions = {"GET": "jobs.view"}

    @operation(
        "jobs_events",
        "The job's timeline",
        description=(
            "JSON by default. With `Accept: text/event-stream` the answer is 307 to `/live/jobs/{id}`, which streams the same "
            "events as they happen (`event`) and the progress between them (`progress`); `Last-Event-ID` resumes. The same "
            "credentials are accepted there: let your client follow the redirect."
        ),
        tag="Jobs",
        query=shapes.EventQuery,
        parameters=[
            OpenApiParameter(
                "Accept", OpenApiTypes.STR, OpenApiParameter.HEADER, enum=["application/json", "text/event-stream"]
            )
        ],
        answers={200: shapes.EventList, 307: OpenApiResponse(description="Location is the live stream.")},
        codes=(errors.NOT_FOUND, errors.INVALID),
        examples=[answer_example("timeline", shapes.EventList(items=[samples.EVENT]))],
    )
    def get(self, request: Request, job_id: str) -> HttpResponse:
        """The events, oldest first."""
        job = selectors.job_for(self.actor, job_id)
        if request._request.accepts("text/event-stream") and not request._request.accepts("application/json"):
            return HttpResponse(status=307, headers={"Location": f"/live/jobs/{job.public_id}"})
        query = self.query(shapes.EventQuery)
        rows: Any = selectors.events_for_job(self.actor, job, after=query.after)
        return json_response(shapes.EventList(items=[present.event(row) for row in rows]))
