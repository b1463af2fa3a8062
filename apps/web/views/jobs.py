"""The jobs list: filters, search and keyset paging."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from apps.accounts.permissions import allows
from apps.jobs import selectors
from apps.jobs.models import Job
from apps.plans.models import Service
from apps.web.access import PageRequest, actor_of, member_page
from apps.web.listing import items_for
from apps.web.sampleclip import sample_available

PAGE = 25


@member_page
def index(request: PageRequest) -> HttpResponse:
    """One page of jobs, newest first; htmx gets only the rows."""
    actor = actor_of(request)
    status = request.GET.get("status", "")
    status = status if status in Job.Status.values else ""
    service = request.GET.get("service", "")
    service = service if service in Service.values else ""
    search = request.GET.get("q", "").strip()[:100]
    page = selectors.jobs_for(
        actor=actor, status=status, service=service, search=search, cursor=request.GET.get("cursor", ""), limit=PAGE
    )
    context = {
        "items": items_for(page.items),
        "next": urlencode({"status": status, "service": service, "q": search, "cursor": page.next_cursor})
        if page.next_cursor
        else "",
        "status": status,
        "statuses": Job.Status.choices,
        "service": service,
        "q": search,
        "filtered": bool(status or service or search),
        "may_submit": allows(actor, "jobs.submit"),
        "sample": sample_available(),
        "continued": bool(request.GET.get("cursor")),
    }
    if request.htmx and not request.htmx.history_restore_request:
        template = "web/partials/job_rows.html" if context["continued"] else "web/partials/job_list.html"
        return render(request, template, context)
    return render(request, "web/jobs.html", context)
