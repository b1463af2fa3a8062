"""Vozo's callbacks: the status answer, posted to the order's callback_url on each change of the status word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from apps.dialects.models import Resource
from apps.dialects.vozo import answers
from apps.dialects.vozo.dialect import NAME, TASK
from apps.events.models import Event
from apps.jobs.models import Job
from apps.jobs.services.orders import is_lipsync
from apps.providers.vozo import wire
from apps.webhooks.shapes import register

_BY_TYPE: Final[Mapping[str, str]] = {
    "job.created": wire.QUEUING,
    "job.retried": wire.QUEUING,
    "job.completed": wire.DONE,
    "job.failed": wire.FAILED,
    "job.canceled": wire.FAILED,
}
_TYPES: Final = ("job.stage", *_BY_TYPE)
_LOOK_BACK: Final = 12
"""Events of a job; one of the last few began the present word."""


def word_of(event_type: str, data: Mapping[str, Any]) -> str:
    """The status word that holds from an event of a job on, "" when it says nothing of it."""
    if event_type == "job.stage":
        return wire.WORDS.get(str(data.get("stage")), "") if data.get("state") == "started" else ""
    return _BY_TYPE.get(event_type, "")


def video_word_of(event_type: str, data: Mapping[str, Any]) -> str:
    """The same for a lip-sync task, which has fewer words."""
    word = word_of(event_type, data)
    if word in ("", wire.DONE, wire.FAILED):
        return word
    return wire.PENDING if word == wire.QUEUING else wire.VIDEO_PROCESSING


class VozoShape:
    """Told of every change of the status word."""

    bare = False

    def wants(self, event_type: str, data: Mapping[str, Any]) -> bool:
        """See word_of."""
        return bool(word_of(event_type, data))

    def body(self, job: Job, event: Event) -> bytes:
        """The status answer as of the event; nothing when the word was the same before (several of our stages are one of Vozo's)."""
        if is_lipsync(job):
            word = video_word_of(event.type, event.data)
            if event.type == "job.stage" and word == _word_before(event, video_word_of):
                return b""
            return msgspec.json.encode(answers.video_told(job, word, failure=event.data))
        word = word_of(event.type, event.data)
        if event.type == "job.stage" and word == _word_before(event, word_of):
            return b""
        data: Mapping[str, Any] = {}
        if word == wire.DONE:
            tasks = Resource.objects.filter(subject=job.public_id, dialect=NAME, kind=TASK)
            data = tasks.values_list("data", flat=True).first() or {}
        return msgspec.json.encode(answers.told(job, word, data, failure=event.data))

    def headers(self, job: Job, body: bytes) -> Mapping[str, str]:
        """None of Vozo's own."""
        return {}


def _word_before(event: Event, word_at: Callable[[str, Mapping[str, Any]], str]) -> str:
    earlier = Event.objects.filter(subject_id=event.subject_id, id__lt=event.pk, type__in=_TYPES).order_by("-id")
    words = (word_at(kind, data) for kind, data in earlier.values_list("type", "data")[:_LOOK_BACK])
    return next((word for word in words if word), "")


register(NAME, VozoShape())
