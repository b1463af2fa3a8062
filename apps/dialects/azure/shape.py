"""The end of a job in the shape of Azure's events: one post with the completion of the iteration, and of the translation it began."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.dialects.azure import eventhub, present
from apps.dialects.azure.dialect import ITERATION, NAME
from apps.dialects.models import Resource
from apps.events.models import Event
from apps.jobs.models import Job
from apps.providers.azure import wire
from apps.webhooks.shapes import register

_STATUS: Final[Mapping[str, str]] = {
    "job.completed": wire.SUCCEEDED,
    "job.failed": wire.FAILED,
    "job.canceled": wire.CANCELED,
}


class AzureShape:
    """Told of ends only, as the service's events are."""

    bare = False

    def wants(self, event_type: str, data: Mapping[str, Any]) -> bool:
        """See _STATUS."""
        return event_type in _STATUS

    def body(self, job: Job, event: Event) -> bytes:
        """A list of events: IterationCompletion, and TranslationCompletion when the translation came with this iteration."""
        rows = Resource.objects.select_related("parent").filter(dialect=NAME, kind=ITERATION, subject=job.public_id)
        made = rows.first()
        if made is None or made.parent is None:  # deleted meanwhile: only the ids are missing
            return eventhub.events_body([self._event(wire.ITERATION_COMPLETION, event)])
        ids = {"translationId": made.parent.external_id, "iterationId": made.external_id}
        kinds = [wire.ITERATION_COMPLETION]
        if made.parent.data.get("auto") and made.external_id == wire.FIRST_ITERATION:
            kinds.append(wire.TRANSLATION_COMPLETION)
        wanted = eventhub.kinds_wanted(job.organization_id)
        told = [kind for kind in kinds if kind in wanted] or kinds
        return eventhub.events_body([self._event(kind, event, **ids) for kind in told])

    def headers(self, job: Job, body: bytes) -> Mapping[str, str]:
        """None of the service's own."""
        return {}

    def _event(self, kind: str, event: Event, **about: str) -> dict[str, Any]:
        if event.type != "job.completed" and (words := event.data.get("error")):
            about["failureReason"] = str(words)
        status = _STATUS[event.type]
        # The same at every attempt and different for each kind: receivers drop what they have seen.
        return eventhub.event(kind, f"{event.pk}-{kind}", present.moment(event.created_at), status=status, **about)


register(NAME, AzureShape())
