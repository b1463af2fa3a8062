"""Transcripts: read as JSON or subtitles, replaced with If-Match."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.api import samples
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation, request_example
from apps.api.ranges import tag_matches
from apps.api.schemas import transcripts as shapes
from apps.core import errors
from apps.core.errors import ApiError
from apps.engine import subtitles
from apps.engine.transcript import Transcript as Document
from apps.jobs.services import edit_transcript
from apps.projects import selectors, storage
from apps.projects.models import Transcript, Translation

TYPES: Final = {name: kind.partition(";")[0] for name, kind in subtitles.CONTENT_TYPES.items()}
_ALIASES: Final = {"text/srt": "srt", "application/ttml+xml": "ttml", "text/x-ass": "ass", "text/plain": "srt"}
_TAG: Final = re.compile(r'^(?:W/)?"?(\d{1,9})"?$')


def wanted_format(request: HttpRequest, query: shapes.TranscriptQuery) -> str:
    """?format= first, then Accept in its own order, JSON when neither says. Raises ApiError 4060."""
    if query.format is not None:
        return query.format
    known = {"application/json": "json", **{kind: name for name, kind in TYPES.items()}, **_ALIASES}
    best = request.get_preferred_type(list(known))
    if best is None:
        raise ApiError(errors.NOT_ACCEPTABLE, f"Known formats: {', '.join(sorted({*known.values()}))}.")
    return known[best] if request.headers.get("Accept") else "json"


def if_match(request: HttpRequest) -> int | None:
    """The revision in If-Match, None for `*`. Raises ApiError 4280 when absent and 5 when it is no revision."""
    header = request.headers.get("If-Match", "").strip()
    if not header:
        raise ApiError(errors.PRECONDITION_REQUIRED)
    if header == "*":
        return None
    match = _TAG.match(header)
    if match is None:
        raise errors.invalid("If-Match", "The ETag of the revision that you read.")
    return int(match[1])


def show(translation: Translation, row: Transcript, status: int = 200) -> HttpResponse:
    """A revision as JSON with its ETag."""
    body = shapes.TranscriptRevision(
        translation=translation.public_id,
        revision=row.revision,
        origin=row.origin,  # type: ignore[arg-type]
        created_at=row.created_at,
        document=msgspec.convert(row.document, Document),
    )
    return json_response(body, status, {"ETag": f'"{row.revision}"', "Vary": "Accept"})


class TranscriptView(ApiView):
    """GET and PUT /translations/{id}/transcript."""

    permissions = {"GET": "jobs.view", "PUT": "transcripts.edit"}

    @operation(
        "transcripts_get",
        "The transcript as JSON or subtitles",
        description="`?format=` or Accept chooses json, srt, vtt, ass or ttml. ETag is the revision; If-None-Match gives 304.",
        tag="Translations",
        query=shapes.TranscriptQuery,
        answers={
            200: shapes.TranscriptRevision,
            **{(200, kind): OpenApiTypes.STR for kind in TYPES.values()},
            304: None,
        },
        codes=(errors.NOT_FOUND, errors.INVALID, errors.NOT_ACCEPTABLE),
        examples=[answer_example("revision", samples.TRANSCRIPT)],
    )
    def get(self, request: Request, translation_id: str) -> HttpResponse:
        """A revision, the newest unless told."""
        query = self.query(shapes.TranscriptQuery)
        form = wanted_format(request._request, query)
        translation = selectors.translation_for(self.actor, translation_id)
        row = selectors.transcript_for(translation, query.revision)
        etag = f'"{row.revision}"'
        if tag_matches(request.headers.get("If-None-Match", ""), etag):
            return HttpResponse(status=304, headers={"ETag": etag, "Vary": "Accept"})
        if form == "json":
            return show(translation, row)
        document = msgspec.convert(row.document, Document)
        language = document.source_language if query.side == "source" else document.target_locale
        text = subtitles.write(
            subtitles.cues_of(document, query.side),
            form,  # type: ignore[arg-type]
            language=language,
            title=translation.project.name,
        )
        name = f"{translation.project.name or translation.public_id}.{language}.{form}"
        return HttpResponse(
            text,
            content_type=subtitles.CONTENT_TYPES[form],
            headers={
                "ETag": etag,
                "Vary": "Accept",
                "Cache-Control": "private, no-store",
                "X-Content-Type-Options": "nosniff",
                "Content-Disposition": storage.content_disposition("attachment", name),
            },
        )

    @operation(
        "transcripts_put",
        "Replace the transcript by an edited one",
        description=(
            "Makes a new revision. If-Match must be the revision that you read (`*`: whichever is newest); when somebody was "
            "faster the answer is 412 with the newest `revision`. Languages and duration cannot be changed."
        ),
        tag="Translations",
        request=shapes.TranscriptEdit,
        parameters=[OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)],
        answers={200: shapes.TranscriptRevision},
        codes=(
            errors.NOT_FOUND,
            errors.INVALID,
            errors.PRECONDITION,
            errors.PRECONDITION_REQUIRED,
            errors.MEDIA_TYPE,
            errors.TOO_LARGE,
        ),
        examples=[
            request_example("edited", {"document": samples.TRANSCRIPT_JSON["document"]}),
            answer_example("revision", samples.TRANSCRIPT),
        ],
    )
    def put(self, request: Request, translation_id: str) -> HttpResponse:
        """The next revision."""
        translation = selectors.translation_for(self.actor, translation_id)
        expected = if_match(request._request)
        document = self.body(shapes.TranscriptEdit).document
        newest = selectors.transcript_for(translation)
        document.source_language = newest.source_language
        document.target_locale = translation.target_locale
        document.duration = float(newest.document.get("duration", 0.0))
        row = edit_transcript(
            actor=self.actor,
            translation=translation,
            document=document,
            expected_revision=newest.revision if expected is None else expected,
        )
        row.refresh_from_db()
        return show(translation, row)
