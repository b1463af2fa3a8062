"""Console pages of provider accounts and of what vendors post to us. Rows are written by services only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from apps.accounts.actor import Actor
from apps.accounts.selectors import actor_for_staff
from apps.events.admin_base import (
    NewestFirst,
    action_page,
    button,
    column,
    copyable,
    object_or_back,
    pretty_json,
    words_filter,
)
from apps.events.admin_forms import Confirm
from apps.jobs.admin_account_forms import AccountForm, ChooseProvider, account_form, remote_providers
from apps.jobs.models import InboundCallback, ProviderAccount, ProviderCall
from apps.jobs.services.account_changes import AccountDraft, Staff, change_account, create_account, delete_account
from apps.jobs.services.account_check import check_account
from apps.jobs.services.account_figures import callback_address, figures_for, state_of
from apps.providers.registry import PROVIDERS

STATES = {
    "off": _("Switched off"),
    "resting": _("Resting after trouble"),
    "trial": _("The next job tries it"),
    "trouble": _("Trouble lately"),
    "well": _("Well"),
    "new": _("Not used yet"),
}
STATE_COLOURS = {"resting": "danger", "trial": "warning", "trouble": "warning", "well": "success"}
_LIST = "admin:jobs_provideraccount_changelist"


@admin.register(ProviderAccount)
class ProviderAccountAdmin(NewestFirst):
    """Whose credentials vendors are called with; those of organizations can be seen, tested and switched off."""

    list_display = ("name", "provider", "whose", "state", "priority", "last_ok_at", "trouble", "created_at")
    list_display_links = ("name",)
    list_filter = (
        words_filter("provider", _("provider"), PROVIDERS),
        "enabled",
        ("organization", AutocompleteSelectFilter),
    )
    list_select_related = ("organization",)
    search_fields = ("name", "=public_id")
    id_lookups = {"pac": "public_id", "org": "organization__public_id"}
    search_help_text = _("Name or public id of the account, or of its organization")
    fieldsets = (
        (None, {"fields": (("name", "provider"), ("whose", "public_id"), ("health", "enabled"))}),
        (_("Connection"), {"fields": (("endpoint", "region"), "settings", "credentials", "callback")}),
        (
            _("Limits"),
            {"fields": (("submits_per_second", "polls_per_second"), ("concurrency", "priority"), "cost_per_minute")},
        ),
        (
            _("Health"),
            {
                "fields": (
                    ("running", "calls"),
                    ("failures", "open_until"),
                    ("last_ok_at", "tested_at"),
                    "last_error",
                    ("next_submit_at", "next_poll_at"),
                )
            },
        ),
    )
    readonly_fields = ("whose", "health", "settings", "credentials", "callback", "running", "calls")

    class Media:
        js = ("js/copy.js",)

    actions_list = ("new_account",)
    actions_detail = ("test", "change_it", "switch", "remove")

    @column(_("owner"))
    def whose(self, row: ProviderAccount) -> str:
        return str(row.organization) if row.organization_id else __("Operator")

    @column(_("state"), label=STATE_COLOURS)
    def state(self, row: ProviderAccount) -> tuple[str, str]:
        found = state_of(row)
        return found, str(STATES[found])

    @column(_("state"))
    def health(self, row: ProviderAccount) -> str:
        return str(STATES[state_of(row)])

    @column(_("last trouble"))
    def trouble(self, row: ProviderAccount) -> str:
        return row.last_error[:80] or "-"

    @column(_("settings"))
    def settings(self, row: ProviderAccount) -> SafeString:
        return pretty_json(row.values)

    @column(_("credentials"))
    def credentials(self, row: ProviderAccount) -> str:
        return __("Kept encrypted") if row.sealed else "-"

    @column(_("callback address"))
    def callback(self, row: ProviderAccount) -> str | SafeString:
        """To be entered in the vendor's console, where all callbacks of an account go to one address."""
        address = callback_address(row)
        if address is None:
            return __("This provider is told an address with each job.")
        if not address:
            return __("None: PUBLIC_URL cannot be reached from outside. Jobs are polled instead.")
        return copyable(address)

    @column(_("jobs in flight"))
    def running(self, row: ProviderAccount) -> str:
        return str(figures_for([row])[row.pk].running)

    @column(_("calls in the last hour"))
    def calls(self, row: ProviderAccount) -> str:
        counts = figures_for([row])[row.pk].calls
        words = dict(ProviderCall.Outcome.choices)
        return ", ".join(f"{words[outcome]}: {number}" for outcome, number in sorted(counts.items())) or "0"

    @button(_("New account"), url_path="new", icon="add")
    def new_account(self, request: HttpRequest) -> HttpResponse:
        """First of which provider, then what its adapter asks for."""
        if not request.user.has_perm("jobs.add_provideraccount"):
            raise PermissionDenied
        provider = request.GET.get("provider", "")
        if provider not in dict(remote_providers()):
            return self._choose(request)

        def run(form: AccountForm) -> str:
            row = create_account(actor=Staff(request.user), provider=provider, draft=form.draft())  # type: ignore[arg-type]
            return __("%(name)s is kept. Test it now.") % {"name": row}

        return action_page(
            self,
            request,
            permission="jobs.add_provideraccount",
            title=__("New account: %(provider)s") % {"provider": PROVIDERS[provider].title},
            back=reverse(_LIST),
            submit=__("Save"),
            form_class=account_form(provider),
            run=run,
        )

    def _choose(self, request: HttpRequest) -> HttpResponse:
        form = ChooseProvider(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return HttpResponseRedirect(f"{request.path}?provider={form.cleaned_data['provider']}")
        context = {
            **self.admin_site.each_context(request),
            "title": __("New account"),
            "form": form,
            "opts": self.model._meta,
            "back": reverse(_LIST),
            "submit_text": __("Next"),
            "intro": "" if remote_providers() else __("No remote provider is installed."),
        }
        return TemplateResponse(request, "console/action.html", context, status=400 if form.errors else 200)

    @button(_("Test"), url_path="test", icon="network_check")
    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET explains, POST makes the call and shows what came back."""
        if not request.user.has_perm("jobs.change_provideraccount"):
            raise PermissionDenied
        row: ProviderAccount = object_or_back(self, request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": __("Test: %(account)s") % {"account": row},
            "opts": self.model._meta,
            "back": reverse("admin:jobs_provideraccount_change", args=[object_id]),
            "checked": check_account(actor=_by(request, row), account=row) if request.method == "POST" else None,
        }
        return TemplateResponse(request, "console/account_test.html", context)

    @button(_("Change"), url_path="edit", icon="edit")
    def change_it(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: ProviderAccount = object_or_back(self, request, object_id)

        def run(form: AccountForm) -> str:
            change_account(actor=_by(request, row), account=row, draft=form.draft())
            return __("Saved.")

        title = __("Change: %(account)s") % {"account": row}
        return self._page(request, row, title, __("Save"), account_form(row.provider, row), run)

    @button(_("Switch on or off"), url_path="switch", icon="toggle_on")
    def switch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: ProviderAccount = object_or_back(self, request, object_id)
        label = __("Switch off") if row.enabled else __("Switch on")

        def run(form: Confirm) -> str:
            change_account(actor=_by(request, row), account=row, draft=AccountDraft(enabled=not row.enabled))
            return __("Done: %(what)s") % {"what": label}

        intro = __("New jobs take other accounts; those under way here go on.") if row.enabled else ""
        return self._page(request, row, f"{label}: {row}", label, Confirm, run, intro=intro)

    @button(_("Remove"), url_path="remove", icon="delete")
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: ProviderAccount = object_or_back(self, request, object_id)

        def run(form: Confirm) -> str:
            delete_account(actor=_by(request, row), account=row)
            return __("%(account)s and its credentials are gone.") % {"account": row}

        return action_page(
            self,
            request,
            permission="jobs.delete_provideraccount",
            title=__("Remove: %(account)s") % {"account": row},
            intro=__("Its credentials are erased. Jobs that ended keep their story."),
            back=reverse(_LIST),
            submit=__("Remove"),
            form_class=Confirm,
            run=run,
            danger=True,
        )

    def _page(
        self, request: HttpRequest, row: ProviderAccount, title: str, submit: str, form: Any, run: Any, intro: str = ""
    ) -> HttpResponse:
        return action_page(
            self,
            request,
            permission="jobs.change_provideraccount",
            title=title,
            intro=intro,
            back=reverse("admin:jobs_provideraccount_change", args=[row.pk]),
            submit=submit,
            form_class=form,
            run=run,
        )


def _by(request: HttpRequest, row: ProviderAccount) -> Actor | Staff:
    """Staff on the operator's own account, or on a customer's organization."""
    if row.organization is not None:
        return actor_for_staff(request.user, row.organization)  # type: ignore[arg-type]
    return Staff(request.user)  # type: ignore[arg-type]


@admin.register(InboundCallback)
class InboundCallbackAdmin(NewestFirst):
    """What vendors posted to /callbacks/, kept raw."""

    list_display = ("received_at", "provider", "job", "account", "verdict", "note", "done_at")
    list_filter = (words_filter("provider", _("provider"), PROVIDERS), "state")
    list_select_related = ("job", "account")
    search_fields = ("=job__public_id",)
    id_lookups = {"job": "job__public_id", "pac": "account__public_id"}
    search_help_text = _("Public id of the job or account")
    exclude = ("key", "body", "headers")
    readonly_fields = ("head", "content")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without the raw bodies in the list."""
        return super().get_queryset(request).defer("headers", "body", "url")

    @column(_("state"), label={"done": "success", "forged": "danger", "useless": "warning"})
    def verdict(self, row: InboundCallback) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @column(_("headers"))
    def head(self, row: InboundCallback) -> SafeString:
        return pretty_json(row.headers)

    @column(_("body"))
    def content(self, row: InboundCallback) -> SafeString:
        return pretty_json(bytes(row.body)[:20_000].decode("utf-8", "replace"))
