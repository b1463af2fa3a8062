"""Console pages of plans and money: catalogue editable, money read-only but for actions that go through the services."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from apps.events.admin_base import (
    CREATED_FILTER,
    ConsoleAdmin,
    NewestFirst,
    actor_label,
    button,
    column,
    credits_text,
    object_or_back,
)
from apps.plans.admin_actions import adjust_page, grant_page, plan_page
from apps.plans.models import Hold, LedgerEntry, Plan, RateCard, Subscription, Wallet

HOLD_COLOURS = {"placed": "info", "captured": "success", "released": "warning", "expired": "danger"}


@admin.register(Plan)
class PlanAdmin(ConsoleAdmin):
    """What organizations may do. A plan in use cannot be deleted: take it off the offer instead."""

    list_display = ("name", "code", "api_access", "portal", "api", "max_duration", "translate_concurrency", "is_public")
    list_filter = ("api_access", "is_public")
    search_fields = ("name", "code")
    ordering = ("position",)

    @column(_("portal credits"))
    def portal(self, plan: Plan) -> str:
        return credits_text(plan.portal_credits)

    @column(_("API credits"))
    def api(self, plan: Plan) -> str:
        return credits_text(plan.api_credits)

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        return False


@admin.register(RateCard)
class RateCardAdmin(ConsoleAdmin):
    """Prices. A row with a plan wins over the general row of the same item."""

    list_display = ("service", "item", "plan", "unit", "price", "minimum_seconds")
    list_filter = ("service", ("plan", AutocompleteSelectFilter))
    list_select_related = ("plan",)
    search_fields = ("item",)
    autocomplete_fields = ("plan",)
    ordering = ("service", "item", "plan")

    @column(_("price"))
    def price(self, rate: RateCard) -> str:
        return credits_text(rate.millicredits)


@admin.register(Subscription)
class SubscriptionAdmin(NewestFirst):
    """Who is on which plan."""

    list_display = ("organization", "plan", "status", "period_start", "period_end")
    list_filter = (("plan", AutocompleteSelectFilter), "status")
    list_select_related = ("organization", "plan")
    search_fields = ("organization__name", "=organization__public_id")
    id_lookups = {"org": "organization__public_id"}
    date_hierarchy = "period_start"
    actions_detail = ("change_plan",)

    @button(_("Change plan"), url_path="change-plan", icon="swap_horiz")
    def change_plan(self, request: HttpRequest, object_id: str) -> HttpResponse:
        subscription: Subscription = object_or_back(self, request, object_id)
        back = reverse("admin:plans_subscription_change", args=[object_id])
        return plan_page(self, request, organization=subscription.organization, back=back)


@admin.register(Wallet)
class WalletAdmin(NewestFirst):
    """Balances: moved only by the ledger's services."""

    list_display = ("organization", "pool", "available_credits", "held_credits")
    list_filter = ("pool", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization",)
    search_fields = ("organization__name", "=organization__public_id")
    id_lookups = {"org": "organization__public_id"}
    fields = ("organization", "pool", "available_credits", "held_credits")
    readonly_fields = ("available_credits", "held_credits")
    actions_detail = ("grant", "adjust")

    @column(_("available"))
    def available_credits(self, wallet: Wallet) -> str:
        return credits_text(wallet.available)

    @column(_("held"))
    def held_credits(self, wallet: Wallet) -> str:
        return credits_text(wallet.held)

    @button(_("Add credits"), url_path="grant", icon="add_card")
    def grant(self, request: HttpRequest, object_id: str) -> HttpResponse:
        wallet: Wallet = object_or_back(self, request, object_id)
        back = reverse("admin:plans_wallet_change", args=[object_id])
        return grant_page(self, request, organization=wallet.organization, pool=wallet.pool, back=back)

    @button(_("Correct the balance"), url_path="adjust", icon="balance")
    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        wallet: Wallet = object_or_back(self, request, object_id)
        back = reverse("admin:plans_wallet_change", args=[object_id])
        return adjust_page(self, request, organization=wallet.organization, pool=wallet.pool, back=back)


@admin.register(Hold)
class HoldAdmin(NewestFirst):
    """Credits set aside; each ends exactly once."""

    list_display = (
        "public_id",
        "organization",
        "pool",
        "job_public_id",
        "attempt",
        "size",
        "charged",
        "state",
        "placed_at",
    )
    list_filter = ("status", "wallet__pool", ("wallet__organization", AutocompleteSelectFilter))
    list_select_related = ("wallet__organization",)
    search_fields = ("=public_id", "=job_public_id")
    id_lookups = {"hld": "public_id", "job": "job_public_id", "org": "wallet__organization__public_id"}
    search_help_text = _("Public id of the hold or the job")
    readonly_fields = ("size", "charged")
    exclude = ("amount", "captured")

    @column(_("organization"))
    def organization(self, hold: Hold) -> str:
        return str(hold.wallet.organization)

    @column(_("pool"))
    def pool(self, hold: Hold) -> str:
        return hold.wallet.pool

    @column(_("held"))
    def size(self, hold: Hold) -> str:
        return credits_text(hold.amount)

    @column(_("charged"))
    def charged(self, hold: Hold) -> str:
        return credits_text(hold.captured)

    @column(_("status"), label=HOLD_COLOURS)
    def state(self, hold: Hold) -> tuple[str, str]:
        return hold.status, hold.get_status_display()


@admin.register(LedgerEntry)
class LedgerEntryAdmin(NewestFirst):
    """The append-only ledger."""

    list_display = (
        "created_at",
        "organization",
        "pool",
        "kind",
        "available_change",
        "held_change",
        "balance",
        "job_public_id",
        "note",
    )
    list_filter = ("kind", "wallet__pool", ("wallet__organization", AutocompleteSelectFilter), CREATED_FILTER)
    list_select_related = ("wallet__organization",)
    search_fields = ("=business_key",)
    id_lookups = {
        "led": "public_id",
        "job": "job_public_id",
        "hld": "hold__public_id",
        "org": "wallet__organization__public_id",
    }
    search_help_text = _("Public id of the entry or the job, or the business key")
    fields = (
        "public_id",
        "created_at",
        "wallet",
        "kind",
        "available_change",
        "held_change",
        "balance",
        "business_key",
        "hold",
        "job_public_id",
        "note",
        "who",
    )
    readonly_fields = ("available_change", "held_change", "balance", "who")

    @column(_("organization"))
    def organization(self, entry: LedgerEntry) -> str:
        return str(entry.wallet.organization)

    @column(_("pool"))
    def pool(self, entry: LedgerEntry) -> str:
        return entry.wallet.pool

    @column(_("available"))
    def available_change(self, entry: LedgerEntry) -> str:
        return credits_text(entry.available_delta)

    @column(_("held"))
    def held_change(self, entry: LedgerEntry) -> str:
        return credits_text(entry.held_delta)

    @column(_("balance after"))
    def balance(self, entry: LedgerEntry) -> str:
        return credits_text(entry.available_after)

    @column(_("actor"))
    def who(self, entry: LedgerEntry) -> str:
        return actor_label(entry.actor)
