"""The timeline of a job: its events in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import formats
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.events.models import Event
from apps.jobs.models import Job
from apps.web.templatetags.web import span


@dataclass(frozen=True)
class Entry:
    """One line: when, what, and who or how much under it."""

    at: datetime
    text: str
    detail: str
    bad: bool


_WORDS: Final[dict[str, Any]] = {
    "job.created": _("Ordered"),
    "job.paused": _("Waiting for review"),
    "job.resumed": _("Resumed after review"),
    "job.completed": _("Ready"),
    "job.failed": _("Failed"),
    "job.canceled": _("Canceled"),
    "job.retried": _("Tried again"),
    "transcript.edited": _("Transcript edited"),
}


def lines_for(events: Iterable[Event]) -> list[Entry]:
    """Entries, oldest first. A stage is one line: with its time once it is done, without while it runs."""
    events = list(events)
    finished = {event.data.get("stage") for event in events if event.data.get("state") == "finished"}
    entries = []
    for event in events:
        if event.type == "job.stage":
            entry = _stage(event, finished)
        elif event.type in _WORDS:
            entry = Entry(event.created_at, str(_WORDS[event.type]), _detail(event), event.type == "job.failed")
        else:
            entry = None
        if entry is not None:
            entries.append(entry)
    return entries


def _stage(event: Event, finished: set[Any]) -> Entry | None:
    stage, state = str(event.data.get("stage", "")), event.data.get("state")
    if state == "started" and stage in finished:
        return None
    label = str(Job.Stage(stage).label) if stage in Job.Stage.values else stage
    if state == "started":
        again = event.data.get("try")
        return Entry(event.created_at, label, gettext("try %(n)d") % {"n": again} if again else "", False)
    seconds = int(event.data.get("ms", 0)) / 1000
    took = (
        gettext("%(n)s s") % {"n": formats.number_format(seconds, 1, use_l10n=True)} if seconds < 60 else span(seconds)
    )
    return Entry(event.created_at, label, took, False)


def _detail(event: Event) -> str:
    if event.type == "job.failed":
        code, reason = event.data.get("error_code"), event.data.get("error", "")
        return f"{code}: {reason}" if code else str(reason)
    label = str(event.actor.get("label", ""))
    return "" if label in ("", "system") else label
