"""The console's money actions, used on the pages of wallets, subscriptions and organizations alike."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.accounts.selectors import actor_for_staff
from apps.core import money
from apps.events.admin_base import AnyModelAdmin, action_page
from apps.plans.admin_forms import ChangePlan, Credits, Grant
from apps.plans.selectors import subscription_for
from apps.plans.services import adjust_credits, grant_credits, set_subscription


def grant_page(
    admin: AnyModelAdmin, request: HttpRequest, *, organization: Organization, back: str, pool: str = "portal"
) -> HttpResponse:
    """Add credits to one of the organization's wallets."""

    def run(form: Grant) -> str:
        entry = grant_credits(
            actor=actor_for_staff(request.user, organization),  # type: ignore[arg-type]
            organization=organization,
            pool=form.cleaned_data["pool"],
            amount=form.millicredits,
            business_key=f"console:grant:{form.cleaned_data['key']}",
            note=form.cleaned_data["note"],
        )
        return _("%(amount)s credits were added.") % {"amount": money.to_text(entry.available_delta)}

    return action_page(
        admin,
        request,
        permission="plans.change_wallet",
        title=_("Add credits: %(organization)s") % {"organization": organization},
        back=back,
        submit=_("Add credits"),
        form_class=Grant,
        run=run,
        initial={"pool": pool, "key": uuid.uuid4().hex},
    )


def adjust_page(
    admin: AnyModelAdmin, request: HttpRequest, *, organization: Organization, back: str, pool: str = "portal"
) -> HttpResponse:
    """Correct a balance, up or down."""

    def run(form: Credits) -> str:
        entry = adjust_credits(
            actor=actor_for_staff(request.user, organization),  # type: ignore[arg-type]
            organization=organization,
            pool=form.cleaned_data["pool"],
            amount=form.millicredits,
            business_key=f"console:adjust:{form.cleaned_data['key']}",
            note=form.cleaned_data["note"],
        )
        return _("The balance was corrected by %(amount)s credits.") % {"amount": money.to_text(entry.available_delta)}

    return action_page(
        admin,
        request,
        permission="plans.change_wallet",
        title=_("Correct the balance: %(organization)s") % {"organization": organization},
        intro=_("A negative number takes credits away; what is held for jobs cannot be taken."),
        back=back,
        submit=_("Correct"),
        form_class=Credits,
        run=run,
        initial={"pool": pool, "key": uuid.uuid4().hex},
        danger=True,
    )


def plan_page(admin: AnyModelAdmin, request: HttpRequest, *, organization: Organization, back: str) -> HttpResponse:
    """Put the organization on another plan, or change its subscription's status."""
    current = subscription_for(organization)

    def run(form: ChangePlan) -> str:
        staff = actor_for_staff(request.user, organization)  # type: ignore[arg-type]
        set_subscription(actor=staff, organization=organization, **form.cleaned_data)
        return _("The subscription was changed.")

    return action_page(
        admin,
        request,
        permission="plans.change_subscription",
        title=_("Change the plan: %(organization)s") % {"organization": organization},
        intro=_("Another plan starts a new month now and grants its credits."),
        back=back,
        submit=_("Change"),
        form_class=ChangePlan,
        run=run,
        initial={"plan": current.plan.code if current else "free", "status": current.status if current else "active"},
    )
