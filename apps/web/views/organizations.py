"""Organizations: making one, switching, and its settings."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.permissions import allows, require
from apps.plans.selectors import plan_for
from apps.web.access import PageRequest, actor_of, member_page, organization_of, person_of, signed_in
from apps.web.forms import OrganizationForm, OrganizationSettingsForm


@signed_in
def new(request: PageRequest) -> HttpResponse:
    """Makes an organization with the signed-in person as owner, and switches to it."""
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        organization = services.sign_up_organization(user=person_of(request), name=form.cleaned_data["name"])
        request.session[settings.SESSION_ORGANIZATION_KEY] = organization.public_id
        messages.success(request, gettext("%(name)s is ready.") % {"name": organization.name})
        return redirect("web:jobs")
    context = {"form": form, "first": request.tenant.organization is None}
    return render(request, "web/organization_new.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
def switch(request: PageRequest) -> HttpResponse:
    """Works in another organization from now on. What was open belongs to the old one, so this leads to the jobs."""
    chosen = request.POST.get("organization", "")
    if any(membership.organization.public_id == chosen for membership in request.tenant.memberships):
        request.session[settings.SESSION_ORGANIZATION_KEY] = chosen
    return redirect("web:jobs")


@member_page
def settings_page(request: PageRequest) -> HttpResponse:
    """Name and facts of the organization."""
    actor = actor_of(request)
    organization = organization_of(request)
    form = OrganizationSettingsForm(request.POST or None, instance=organization)
    if request.method == "POST":
        require(actor, "org.manage")
        if form.is_valid():
            services.update_organization(actor=actor, **form.cleaned_data)
            messages.success(request, gettext("Saved."))
            return redirect("web:settings")
    context = {
        "form": form,
        "organization": organization,
        "plan": plan_for(organization),
        "may_manage": allows(actor, "org.manage"),
    }
    return render(request, "web/settings.html", context, status=422 if form.errors else 200)
