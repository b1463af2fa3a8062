"""Billing: the plan, the two wallets and their ledger."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from apps.plans import selectors
from apps.plans.models import Pool
from apps.web.access import PageRequest, actor_of, member_page


@member_page
def index(request: PageRequest) -> HttpResponse:
    """One page of the ledger of one wallet, newest first."""
    actor = actor_of(request)
    pool = request.GET.get("pool", Pool.PORTAL)
    pool = pool if pool in Pool.values else Pool.PORTAL
    wallets = selectors.wallets_for(actor)
    page = selectors.ledger_for(actor, pool, request.GET.get("cursor") or None, 30)
    context = {
        "plan": selectors.plan_for(actor.organization),
        "subscription": selectors.subscription_for(actor.organization),
        "wallets": wallets,
        "pool": pool,
        "page": page,
        "first_page": not request.GET.get("cursor"),
    }
    template = "web/partials/ledger_rows.html" if request.htmx and request.GET.get("cursor") else "web/billing.html"
    return render(request, template, context)
