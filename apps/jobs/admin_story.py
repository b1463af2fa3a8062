"""The story of one job for its console page: stage times, events, files, provider calls and money, as tables."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from apps.events.admin_base import actor_label, credits_text
from apps.events.models import Event
from apps.jobs.models import Job
from apps.plans.models import LedgerEntry

# The newest so many of each; the lists behind the links have the rest.
LIMIT = 200


def story_of(job: Job) -> dict[str, Any]:
    """Template context: a list of (title, table) and links to the rows around the job."""
    return {
        "story": [
            (_("Stage times"), _timings(job)),
            (_("Timeline"), _events(job)),
            (_("Files"), _artefacts(job)),
            (_("Provider calls"), _calls(job)),
            (_("Ledger"), _ledger(job)),
        ],
        "story_links": _links(job),
    }


def _moment(value: Any) -> str:
    return date_format(localtime(value), "Y-m-d H:i:s") if value else "-"


def _link(name: str, pk: Any, text: object) -> SafeString:
    return format_html('<a class="underline" href="{}">{}</a>', reverse(f"admin:{name}_change", args=[pk]), text)


def _timings(job: Job) -> dict[str, Any]:
    rows = [[stage, f"{int(ms) / 1000:.1f} s"] for stage, ms in job.timings.items() if isinstance(ms, int | float)]
    return {"headers": [_("Stage"), _("Time")], "rows": rows}


def _events(job: Job) -> dict[str, Any]:
    events = reversed(Event.objects.filter(subject_id=job.public_id).order_by("-pk")[:LIMIT])
    rows = [
        [
            _moment(event.created_at),
            _link("events_event", event.pk, event.type),
            actor_label(event.actor),
            ", ".join(f"{key}: {value}" for key, value in event.data.items())[:200],
        ]
        for event in events
    ]
    return {"headers": [_("Time"), _("Event"), _("Actor"), _("Data")], "rows": rows}


def _artefacts(job: Job) -> dict[str, Any]:
    rows = [
        [
            _link("jobs_artefact", artefact.pk, artefact.file_name),
            artefact.kind,
            artefact.language or "-",
            filesizeformat(artefact.size),
            artefact.sha256[:12],
        ]
        for artefact in job.artefacts.all()[:LIMIT]
    ]
    return {"headers": [_("File"), _("Kind"), _("Language"), _("Size"), "SHA-256"], "rows": rows}


def _calls(job: Job) -> dict[str, Any]:
    calls = job.provider_calls.defer("request", "response").order_by("pk")[:LIMIT]
    rows = [
        [
            _moment(call.created_at),
            _link("jobs_providercall", call.pk, f"{call.provider} {call.operation}"),
            call.get_outcome_display(),
            call.http_status or "-",
        ]
        for call in calls
    ]
    return {"headers": [_("Sent"), _("Call"), _("Outcome"), "HTTP"], "rows": rows}


def _ledger(job: Job) -> dict[str, Any]:
    entries = LedgerEntry.objects.filter(job_public_id=job.public_id).order_by("pk")[:LIMIT]
    rows = [
        [
            _moment(entry.created_at),
            _link("plans_ledgerentry", entry.pk, entry.get_kind_display()),
            credits_text(entry.available_delta),
            credits_text(entry.held_delta),
            entry.note or "-",
        ]
        for entry in entries
    ]
    return {"headers": [_("Time"), _("Entry"), _("Available"), _("Held"), _("Note")], "rows": rows}


def _links(job: Job) -> list[tuple[str, str]]:
    links = [(_("Organization"), reverse("admin:accounts_organization_change", args=[job.organization_id]))]
    if job.translation_id:
        links.append((_("Translation"), reverse("admin:projects_translation_change", args=[job.translation_id])))
    if job.hold_id:
        links.append((_("Hold"), reverse("admin:plans_hold_change", args=[job.hold_id])))
    return links
