"""The organization's console page: the one place from which staff see everything of a customer. It needs every app below."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Membership, Organization
from apps.accounts.selectors import actor_for_staff
from apps.events.admin_base import ConsoleAdmin, ReadOnlyInline, button, column, credits_text, object_or_back
from apps.events.log import record
from apps.plans.admin_actions import adjust_page, grant_page, plan_page
from apps.plans.models import Pool, Wallet


class MembershipInline(ReadOnlyInline):
    """Members, read-only: the organization itself manages them."""

    model = Membership
    fields = readonly_fields = ("user", "role", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.select_related("user").order_by("pk")


def _balance(pool: Pool) -> Subquery:
    return Subquery(Wallet.objects.filter(organization=OuterRef("pk"), pool=pool).values("available")[:1])


@admin.register(Organization)
class OrganizationAdmin(ConsoleAdmin):
    """Customers: plan, balances, members, and the buttons that change them."""

    list_display = ("name", "public_id", "plan", "portal", "api", "status", "created_at")
    list_filter = ("status", "subscription__plan")
    search_fields = ("name", "=public_id", "=memberships__user__email")
    id_lookups = {"org": "public_id", "usr": "memberships__user__public_id"}
    search_help_text = _("Name, public id or a member's e-mail address")
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    fields = ("name", "status", "preferred_provider", "require_mfa", "public_id", "plan", "portal", "api", "created_at")
    readonly_fields = ("public_id", "plan", "portal", "api", "created_at")
    inlines = (MembershipInline,)
    actions_detail = ("grant", "adjust", "change_plan")
    change_form_outer_after_template = "console/organization_links.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        """With plan and balances, so that the list takes one query."""
        rows: QuerySet[Organization] = super().get_queryset(request)
        return rows.annotate(
            plan_name=F("subscription__plan__name"),
            subscription_status=F("subscription__status"),
            portal_available=_balance(Pool.PORTAL),
            api_available=_balance(Pool.API),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Organizations are made by signing up, which also gives them wallets and a plan."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """Customers are suspended, not deleted: their ledger stays."""
        return False

    def save_model(self, request: HttpRequest, obj: Organization, form: ModelForm[Organization], change: bool) -> None:
        """Save, with the Event that the customer's audit log shows."""
        super().save_model(request, obj, form, change)
        if form.changed_data:
            record(
                type="organization.updated",
                actor=actor_for_staff(request.user, obj),  # type: ignore[arg-type]
                organization_id=obj.pk,
                subject=obj,
                data={name: form.cleaned_data[name] for name in form.changed_data},
            )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "console_links": _links(object_id)}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    @column(_("plan"))
    def plan(self, organization: Organization) -> str:
        name, status = organization.plan_name, organization.subscription_status  # type: ignore[attr-defined]
        return "-" if name is None else name if status == "active" else f"{name} ({status})"

    @column(_("portal credits"))
    def portal(self, organization: Organization) -> str:
        return credits_text(organization.portal_available)  # type: ignore[attr-defined]

    @column(_("API credits"))
    def api(self, organization: Organization) -> str:
        return credits_text(organization.api_available)  # type: ignore[attr-defined]

    @button(_("Add credits"), url_path="grant", icon="add_card")
    def grant(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return grant_page(self, request, organization=object_or_back(self, request, object_id), back=_page(object_id))

    @button(_("Correct the balance"), url_path="adjust", icon="balance")
    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return adjust_page(self, request, organization=object_or_back(self, request, object_id), back=_page(object_id))

    @button(_("Change plan"), url_path="change-plan", icon="swap_horiz")
    def change_plan(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return plan_page(self, request, organization=object_or_back(self, request, object_id), back=_page(object_id))


def _page(object_id: str) -> str:
    return reverse("admin:accounts_organization_change", args=[object_id])


def _links(object_id: str) -> list[tuple[str, str]]:
    """Lists of everything that belongs to the organization."""
    lists = [
        (_("Jobs"), "jobs_job", "organization__id__exact"),
        (_("Projects"), "projects_project", "organization__id__exact"),
        (_("Files"), "projects_asset", "organization__id__exact"),
        (_("API keys"), "accounts_apikey", "organization__id__exact"),
        (_("Wallets"), "plans_wallet", "organization__id__exact"),
        (_("Ledger"), "plans_ledgerentry", "wallet__organization__id__exact"),
        (_("Holds"), "plans_hold", "wallet__organization__id__exact"),
        (_("Invitations"), "accounts_invitation", "organization__id__exact"),
        (_("Provider accounts"), "jobs_provideraccount", "organization__id__exact"),
    ]
    return [(str(title), f"{reverse(f'admin:{name}_changelist')}?{field}={object_id}") for title, name, field in lists]
