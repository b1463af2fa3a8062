"""Artefacts: the files of a job, one by one or as a zip."""

from __future__ import annotations

from functools import partial

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request

from apps.api import present, samples
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation
from apps.api.schemas import jobs as shapes
from apps.api.zipping import stream_zip
from apps.core import errors
from apps.jobs import selectors
from apps.projects import storage


class ArtefactListView(ApiView):
    """GET /jobs/{id}/artefacts."""

    permissions = {"GET": "jobs.view"}

    @operation(
        "artefacts_list",
        "The files a job made",
        tag="Artefacts",
        answers={200: shapes.ArtefactList},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("files", shapes.ArtefactList(items=[samples.ARTEFACT]))],
    )
    def get(self, request: Request, job_id: str) -> HttpResponse:
        """Every file, the main result first."""
        job = selectors.job_for(self.actor, job_id)
        rows = selectors.artefacts_for(self.actor, job)
        return json_response(shapes.ArtefactList(items=[present.artefact(row, job.public_id) for row in rows]))


class ArtefactView(ApiView):
    """GET /artefacts/{id}."""

    permissions = {"GET": "jobs.view"}

    @operation(
        "artefacts_get",
        "A file",
        description="302 to a signed link that needs no key, expires, and answers Range requests.",
        tag="Artefacts",
        query=shapes.ArtefactQuery,
        answers={302: OpenApiResponse(description="Location is the signed link.")},
        codes=(errors.NOT_FOUND, errors.INVALID),
    )
    def get(self, request: Request, artefact_id: str) -> HttpResponse:
        """To the file."""
        row = selectors.artefact_for(self.actor, artefact_id)
        query = self.query(shapes.ArtefactQuery)
        link = storage.signed_url(row, disposition=query.disposition)
        return HttpResponse(status=302, headers={"Location": link, "Cache-Control": "private, no-store"})


class ArtefactZipView(ApiView):
    """GET /jobs/{id}/artefacts.zip."""

    permissions = {"GET": "jobs.view"}

    @operation(
        "artefacts_zip",
        "All files of a job as one zip",
        description="Streamed as it is made; files are stored without compression.",
        tag="Artefacts",
        answers={(200, "application/zip"): OpenApiTypes.BINARY},
        codes=(errors.NOT_FOUND,),
    )
    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        """The archive."""
        job = selectors.job_for(self.actor, job_id)
        rows = selectors.artefacts_for(self.actor, job)
        if not rows:
            raise errors.not_found("file of this job yet")
        members = [(row.file_name, row.created_at, partial(storage.open_key, row.storage_key)) for row in rows]
        name = f"{job.public_id}.zip"
        return StreamingHttpResponse(
            stream_zip(members),
            content_type="application/zip",
            headers={
                "Content-Disposition": storage.content_disposition("attachment", name),
                "Cache-Control": "private, no-store",
            },
        )
