"""The console's first page: what runs, what waits, what failed, and whether the books are right. Bounded reads only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Min, Q, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.errors import job_codes
from apps.events.admin_base import credits_text
from apps.events.models import Event
from apps.jobs.admin_accounts import STATES
from apps.jobs.models import Job, ProviderAccount, ProviderCall
from apps.jobs.services.account_figures import figures_for, state_of
from apps.plans.models import Wallet

# History is counted over the newest so many jobs: the same cost with a thousand jobs and with ten million.
RECENT = 2000
BOOKS_HOURS = 48
MOST_ACCOUNTS = 50


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What templates/admin/index.html shows (settings.UNFOLD names this function)."""
    jobs = reverse("admin:jobs_job_changelist")
    newest = Job.objects.order_by("-pk").values("pk")[:RECENT]
    recent = Job.objects.filter(pk__in=newest)
    by_status = dict(recent.values_list("status").annotate(number=Count("pk")).order_by())
    running = Job.objects.filter(status=Job.Status.PROCESSING)  # few rows, and the partial index job_due holds them
    by_stage = dict(running.values_list("stage").annotate(number=Count("pk")).order_by())
    oldest = running.filter(stage=Job.Stage.QUEUED).aggregate(first=Min("created_at"))["first"]
    failures = (
        recent.filter(status=Job.Status.FAILED)
        .values_list("error_code")
        .annotate(number=Count("pk"))
        .order_by("-number")[:10]
    )
    mismatch = _last_mismatch()
    accounts = list(ProviderAccount.objects.filter(organization=None)[:MOST_ACCOUNTS])
    money = Wallet.objects.aggregate(
        portal=Sum("available", filter=Q(pool="portal")),
        api=Sum("available", filter=Q(pool="api")),
        held=Sum("held"),
    )
    context["cards"] = [
        {"title": _("In progress"), "value": sum(by_stage.values()), "link": f"{jobs}?status__exact=processing"},
        {
            "title": _("Queued"),
            "value": by_stage.get(Job.Stage.QUEUED, 0),
            "note": _("oldest: %(time)s") % {"time": timesince(oldest)} if oldest else "",
            "link": f"{jobs}?stage__exact=queued",
        },
        {
            "title": _("Waiting for review"),
            "value": by_status.get(Job.Status.PAUSED, 0),
            "link": f"{jobs}?status__exact=paused",
        },
        {
            "title": _("Books"),
            "value": _("in balance") if mismatch is None else _("not in balance"),
            "note": "" if mismatch is None else timesince(mismatch.created_at),
            "link": reverse("console-books"),
            "bad": mismatch is not None,
        },
        *_providers_card(accounts),
    ]
    context["tables"] = [
        (
            _("Newest %(number)s jobs by status") % {"number": RECENT},
            {
                "headers": [_("Status"), _("Jobs")],
                "rows": [[label, by_status.get(value, 0)] for value, label in Job.Status.choices],
            },
        ),
        (
            _("In progress by stage"),
            {
                "headers": [_("Stage"), _("Jobs")],
                "rows": [[label, by_stage[value]] for value, label in Job.Stage.choices if value in by_stage],
            },
        ),
        (
            _("Failures by code"),
            {"headers": [_("Code"), _("Meaning"), _("Jobs")], "rows": [_failure(code, n) for code, n in failures]},
        ),
        (
            _("Credits of all customers"),
            {
                "headers": [_("Pool"), _("Credits")],
                "rows": [
                    [_("Portal, available"), credits_text(money["portal"] or 0)],
                    [_("API, available"), credits_text(money["api"] or 0)],
                    [_("Held for jobs"), credits_text(money["held"] or 0)],
                ],
            },
        ),
    ]
    if accounts:
        context["tables"].append((_("Provider accounts"), _accounts_table(accounts)))
    return context


def _providers_card(accounts: list[ProviderAccount]) -> list[dict[str, Any]]:
    """How many of the operator's accounts in use are fit for work; none without accounts."""
    used = [row for row in accounts if row.enabled]
    ill = [row for row in used if state_of(row) in ("resting", "trial")]
    if not accounts:
        return []
    return [
        {
            "title": _("Provider accounts"),
            "value": _("%(fit)s of %(all)s fit for work") % {"fit": len(used) - len(ill), "all": len(used)},
            "note": ", ".join(str(row) for row in ill[:3]),
            "link": reverse("admin:jobs_provideraccount_changelist"),
            "bad": bool(ill),
        }
    ]


def _accounts_table(accounts: list[ProviderAccount]) -> dict[str, Any]:
    figures = figures_for(accounts)
    rows = [
        [
            format_html(
                '<a class="underline" href="{}">{}</a>',
                reverse("admin:jobs_provideraccount_change", args=[row.pk]),
                str(row),
            ),
            STATES[state_of(row)],
            figures[row.pk].running,
            _calls(figures[row.pk].calls),
        ]
        for row in accounts
    ]
    return {"headers": [_("Account"), _("State"), _("Jobs in flight"), _("Calls, last hour")], "rows": rows}


def _calls(counts: dict[str, int]) -> str:
    """What came of them, in words; "-" for none."""
    words = dict(ProviderCall.Outcome.choices)
    return ", ".join(f"{words[outcome]}: {number}" for outcome, number in sorted(counts.items())) or "-"


def _failure(code: int | None, number: int) -> list[object]:
    row = job_codes().get(code or 0)
    return [code or "-", row.title if row else "-", number]


def _last_mismatch() -> Event | None:
    """The newest mismatch that check_books told of lately."""
    event = Event.objects.filter(type="books.mismatch").order_by("-pk").first()
    if event is None or event.created_at < clock.now() - timedelta(hours=BOOKS_HOURS):
        return None
    return event
