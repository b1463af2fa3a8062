"""SubmitAudio and QueryAudio (seed 004), both versions: subtitles only, with each sentence's milliseconds."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from apps.core import errors
from apps.core.ids import is_id
from apps.dialects.volcengine.actions import FLAT_VERSION, WRAPPED_VERSION, Call, Result, action
from apps.dialects.volcengine.dialect import NAME
from apps.dialects.volcengine.submitting import once
from apps.engine.transcript import Transcript as Document
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.selectors import job_for, transcript_for
from apps.jobs.services.submit import submit
from apps.providers.orders import Source, TranslationOrder
from apps.providers.volcengine_translate import wire

_FIELDS: Final = {
    "source": "Uri",
    "source_language": "SourceLanguage",
    "target_locales": "TargetLanguage",
    "steps": "TargetLanguage",
}


class SubmitAudio(msgspec.Struct):
    """What is asked for."""

    SourceLanguage: str
    TargetLanguage: str
    Uri: str


class QueryAudio(msgspec.Struct):
    """Which task."""

    TaskId: str


@action(wire.SUBMIT, FLAT_VERSION, WRAPPED_VERSION, permission="jobs.submit")
def submit_audio(call: Call) -> Result:
    """One job; its id is the TaskId."""
    asked = call.read(SubmitAudio)
    call.name_fields(_FIELDS)
    if not 8 <= len(asked.Uri) <= 4096:
        raise errors.invalid("Uri", "Needs a link of 8 to 4096 characters.")
    order = TranslationOrder(
        source=Source(url=asked.Uri),
        source_language=wire.LOCALES.get(asked.SourceLanguage, asked.SourceLanguage or "?"),
        target_locales=[wire.LOCALES.get(asked.TargetLanguage, asked.TargetLanguage)],
        steps=["subtitles"],
        export_type="subtitles",
    )
    made = submit(actor=call.actor, order=order, idempotency=once(call), request_id=call.actor.request_id, dialect=NAME)
    return {"TaskId": made.jobs[0].id}


@action(wire.QUERY, FLAT_VERSION, WRAPPED_VERSION, reads=True)
def query_audio(call: Call) -> Result:
    """`created` until the end, as their document says; then the sentences, or what failed."""
    task = call.read(QueryAudio).TaskId
    if not is_id(task, "job"):
        raise errors.not_found("task")
    job = job_for(call.actor, task)
    if job.status in states.OPEN:
        return {"Status": wire.CREATED, "Subtitles": []}
    if job.status != states.COMPLETED:
        return {"Status": wire.status_of_error(job.error_code), "Subtitles": []}
    return {"Status": wire.SUCCESS, "Subtitles": _sentences(call, job)}


def _sentences(call: Call, job: Job) -> list[dict[str, Any]]:
    assert job.translation is not None
    row = transcript_for(call.actor, job.translation)
    document = msgspec.convert(row.document, Document)
    return [
        {
            "StartTime": round(line.start * 1000),
            "EndTime": round(line.end * 1000),
            "Text": line.source,
            "Translation": line.target,
        }
        for line in document.lines
    ]
