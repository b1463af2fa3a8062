"""The story of one job for its console page: stage times, events, files, provider calls and money, as tables."""

from __future__ import annotations

from decimal import Decimal
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
from apps.jobs.models import Job, ProviderAccount
from apps.jobs.services.orders import is_lipsync
from apps.plans.models import LedgerEntry

# The newest so many of each; the lists behind the links have the rest.
LIMIT = 200


def story_of(job: Job) -> dict[str, Any]:
    """Template context: a list of (title, table) and links to the rows around the job."""
    return {
        "story": [
            (_("Stage times"), _timings(job)),
            (_("Timeline"), _events(job)),
            *([(_("Files of the order"), _inputs(job))] if is_lipsync(job) else []),
            (_("Files"), _artefacts(job)),
            (_("Provider"), _provider(job)),
            (_("Provider calls"), _calls(job)),
            (_("Callbacks of the provider"), _callbacks(job)),
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


def _inputs(job: Job) -> dict[str, Any]:
    rows = [
        [
            row.name,
            _link("projects_asset", row.asset_id, row.asset),
            row.asset.get_status_display(),
            row.asset.error or "-",
        ]
        for row in job.inputs.select_related("asset")[:LIMIT]
    ]
    return {"headers": [_("Field"), _("File"), _("State"), _("Error")], "rows": rows}


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


def _provider(job: Job) -> dict[str, Any]:
    """Who worked, through which account, and what that cost us: measured minutes at the account's rate."""
    account = job.provider_account
    rows: list[list[object]] = [[_("Provider"), job.provider or "-"]]
    if account is not None:
        rows.append([_("Account"), _link("jobs_provideraccount", account.pk, account.name)])
        rows.append([_("Id at the provider"), job.provider_ref or "-"])
        rows.append([_("Our cost"), _cost(job, account)])
    return {"headers": [_("What"), _("Value")], "rows": rows}


def _cost(job: Job, account: ProviderAccount) -> str:
    if account.organization_id is not None:
        return _("none: the customer's own account")
    if not job.measured_ms or not account.cost_per_minute:
        return "-"
    cost = Decimal(job.measured_ms) / 60_000 * account.cost_per_minute
    return f"{cost:.4f} ({job.measured_ms / 60_000:.2f} min × {account.cost_per_minute:.4f})"


def _callbacks(job: Job) -> dict[str, Any]:
    found = job.callbacks.defer("headers", "body").order_by("pk")[:LIMIT]
    rows = [
        [
            _moment(row.received_at),
            _link("jobs_inboundcallback", row.pk, row.provider),
            row.get_state_display(),
            row.note or "-",
        ]
        for row in found
    ]
    return {"headers": [_("Received"), _("Callback"), _("State"), _("Note")], "rows": rows}


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
    if job.provider_account_id:
        links.append(
            (_("Provider account"), reverse("admin:jobs_provideraccount_change", args=[job.provider_account_id]))
        )
    calls = f"{reverse('admin:jobs_providercall_changelist')}?q={job.public_id}"
    links.append((_("Provider calls"), calls))
    links.append((_("Inbound callbacks"), f"{reverse('admin:jobs_inboundcallback_changelist')}?q={job.public_id}"))
    if job.hold_id:
        links.append((_("Hold"), reverse("admin:plans_hold_change", args=[job.hold_id])))
    return links
