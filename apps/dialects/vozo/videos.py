"""Vozo's lip sync: POST /v1/video_generation, GET /v1/video_generation/<task_id>, POST /v1/reusable_lipsync_model_video_generation.

Only translated, all rules are the services'. A reusable model of ours is a video in the organization's storage: uploaded once,
it speaks as many sounds as it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from django.http import HttpRequest, HttpResponse

from apps.core import errors
from apps.core.errors import ApiError
from apps.core.ids import is_id
from apps.dialects import auth, resources
from apps.dialects.base import json_response
from apps.dialects.parsing import convert, read_json
from apps.dialects.subjects import job_of
from apps.dialects.vozo import answers, orders
from apps.dialects.vozo.dialect import NAME, VIDEO, unknown_task
from apps.jobs.services.refusals import with_quota
from apps.jobs.services.submit import Submission, authorize, submit
from apps.providers.orders import LipsyncOrder, LipsyncResolution
from apps.providers.vozo import wire

T = TypeVar("T")
RESOLUTIONS: Final[dict[wire.LipsyncModel, LipsyncResolution]] = {"standard_v1": "480p", "precision_v1": "720p"}
"""Vozo's two models differ in how fine they work; so do our two resolutions."""
_MISSING: Final = ["This field is required."]


def create(request: HttpRequest) -> HttpResponse:
    """Orders a render from a reference video or picture; answers with the task's id."""
    return _order(request, wire.CreateVideo, _to_order, _field_name)


def create_reusable(request: HttpRequest) -> HttpResponse:
    """The same from a reusable model: `model_id` is the id of a video in the organization's storage ("ast_…")."""
    return _order(request, wire.CreateReusableVideo, _to_reusable_order, _reusable_field_name)


def show(request: HttpRequest, task_id: str) -> HttpResponse:
    """Where a task stands; an id that is not one of the caller's lip-sync tasks is code 5."""
    actor = auth.actor_of(request, auth.key_of_bearer(request), "jobs.view")
    try:
        job = job_of(actor, resources.resource_for(actor, NAME, VIDEO, task_id))
    except ApiError as error:
        raise unknown_task() if error.code == errors.NOT_FOUND else error from None
    return json_response(answers.video_status_of(job))


def _order(
    request: HttpRequest, shape: type[T], to_order: Callable[[T], LipsyncOrder], name_of: Callable[[str], str]
) -> HttpResponse:
    key = auth.key_of(auth.key_of_bearer(request))
    try:
        asked = read_json(request, shape)
    except ApiError as error:
        # Whoever may not ask at all is told that first.
        raise with_quota(error, authorize(key, count=True)) from None
    try:
        order = to_order(asked)
    except ApiError as error:
        raise orders.in_their_words(with_quota(error, authorize(key, count=True)), name_of) from None
    try:
        found = submit(
            actor=key,
            order=order,
            settle=_settle,
            request_id=getattr(request, "request_id", ""),
            count=True,
            dialect=NAME,
        )
    except ApiError as error:
        raise orders.in_their_words(error, name_of) from None
    request.dialect_quota = found.quota  # type: ignore[attr-defined]
    return json_response({"task_id": found.jobs[0].id})


def _settle(found: Submission) -> None:
    task = found.jobs[0].id
    resources.create_resource(
        organization_id=found.organization, dialect=NAME, kind=VIDEO, external_id=task, subject=task
    )


def _to_order(asked: wire.CreateVideo) -> LipsyncOrder:
    empty = [name for name in ("reference_file_url", "audio_url") if not getattr(asked, name)]
    if empty:
        raise errors.invalid(errors=dict.fromkeys(empty, _MISSING))
    body = {
        "model": f"lipsync-{asked.reference_file_type}",
        asked.reference_file_type: {"url": asked.reference_file_url},
        "audio": {"url": asked.audio_url},
        "resolution": RESOLUTIONS[asked.model],
        "callback_url": asked.callback_url or None,
    }
    return convert(body, LipsyncOrder)


def _to_reusable_order(asked: wire.CreateReusableVideo) -> LipsyncOrder:
    if not asked.audio_url:
        raise errors.invalid(errors={"audio_url": _MISSING})
    if not is_id(asked.model_id, "ast"):
        raise errors.invalid(
            errors={"model_id": ["There is no such model; it is the id of a video in your files (ast_…)."]}
        )
    body = {
        "model": "lipsync-video",
        "video": {"asset": asked.model_id},
        "audio": {"url": asked.audio_url},
        "callback_url": asked.callback_url or None,
    }
    return convert(body, LipsyncOrder)


def _field_name(path: str) -> str:
    """Vozo's name for a field of our order ("video.url" -> "reference_file_url"); the path itself when it has none."""
    return wire.VIDEO_FIELDS.get(path.partition(".")[0], path)


def _reusable_field_name(path: str) -> str:
    return "model_id" if path.partition(".")[0] in ("video", "model") else _field_name(path)
