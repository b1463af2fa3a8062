"""POST /translations, the hot path: its body and its answer; the road is apps.api.admission's."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.api.admission import Call, admit
from apps.api.parsing import read_body
from apps.api.schemas import jobs as job_shapes
from apps.api.schemas.translations import Submitted, SubmittedTranslation
from apps.core.money import to_text
from apps.jobs.services.submit import Admitted, Submission
from apps.providers.orders import TranslationOrder

_decoder: Final = msgspec.json.Decoder(TranslationOrder)
_QUEUED: Final = job_shapes.Progress(fraction=0.0, done=0, total=0, unit="")
# What the order did is done at a worker's pace: 202, and Location is where to look.
ACCEPTED: Final = 202


def submit_view(request: HttpRequest) -> HttpResponse:
    """Admit the order in the body; any refusal as problem+json, in the order of DESIGN section 4."""
    return admit(request, _CALL)


def _read(request: HttpRequest) -> TranslationOrder:
    return read_body(request, TranslationOrder, _decoder)


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


_CALL: Final = Call(read=_read, answer=_present, status=ACCEPTED)
