"""The timeline of a job: its events in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.events.models import Event
from apps.jobs.models import Job


@dataclass(frozen=True)
class Entry:
    """One line: when, what, and who or how much under it."""

    at: datetime
    text: str
    detail: str
    bad: bool


_WORDS: Final[dict[str, Any]] = {
    "job.created": _("Ordered"),
    "job.submitted": _("Ordered"),
    "job.started": _("Started"),
    "job.paused": _("Waiting for review"),
    "job.resumed": _("Resumed"),
    "job.completed": _("Ready"),
    "job.failed": _("Failed"),
    "job.canceled": _("Canceled"),
    "job.cancel_requested": _("Asked to stop"),
    "job.retried": _("Tried again"),
    "job.requeued": _("Taken up again after an interruption"),
    "transcript.edited": _("Transcript edited"),
    "transcript.saved": _("Transcript edited"),
}


def lines_for(events: Iterable[Event], job: Job) -> list[Entry]:
    """Entries, oldest first. Events without words of their own show their type."""
    entries = []
    for event in events:
        text = words(event)
        if text:
            entries.append(Entry(event.created_at, text, _detail(event), event.type == "job.failed"))
    return entries


def words(event: Event) -> str:
    """What happened."""
    stage = str(event.data.get("stage", ""))
    if event.type in ("job.stage", "job.stage_started", "job.stage_finished", "job.advanced"):
        label = Job.Stage(stage).label if stage in Job.Stage.values else stage
        if event.type == "job.stage_finished":
            return gettext("%(stage)s done") % {"stage": label}
        return str(label)
    return str(_WORDS.get(event.type, event.type))


def _detail(event: Event) -> str:
    if event.type == "job.failed":
        code, reason = event.data.get("code") or event.data.get("error_code"), event.data.get("reason") or event.data.get("error", "")
        return f"{code}: {reason}" if code else str(reason)
    label = str(event.actor.get("label", ""))
    return "" if label in ("", "system") else label
