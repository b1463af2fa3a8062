"""Forms of the console's provider account pages, made from the fields that an adapter names."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.jobs.models import ProviderAccount
from apps.jobs.services.account_changes import AccountDraft
from apps.jobs.services.accounts import adapter_of, takes_region
from apps.providers.registry import PROVIDERS


def remote_providers() -> list[tuple[str, str]]:
    """Name and title of each provider that takes accounts."""
    return [(name, provider.title) for name, provider in PROVIDERS.items() if provider.remote is not None]


class ChooseProvider(forms.Form):
    """Whose account it is."""

    provider = forms.ChoiceField(label=_("Provider"), choices=remote_providers, widget=UnfoldAdminSelectWidget)


class AccountForm(forms.Form):
    """An account of one provider; subclasses made by `account_form` say of which. Names are those of the service's errors."""

    provider: ClassVar[str] = ""
    row: ClassVar[ProviderAccount | None] = None

    name = forms.CharField(
        label=_("Name"), max_length=80, widget=UnfoldAdminTextInputWidget, help_text=_("For you, in lists and events.")
    )
    enabled = forms.BooleanField(label=_("In use"), required=False, initial=True, widget=UnfoldBooleanSwitchWidget)
    endpoint = forms.CharField(label=_("Endpoint"), required=False, max_length=255, widget=UnfoldAdminTextInputWidget)
    region = forms.CharField(label=_("Region"), required=False, max_length=40, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = (initial_of(self.row) if self.row else {}) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        remote = adapter_of(self.provider)
        if remote.default_endpoint:
            self.fields["endpoint"].help_text = _("Empty: %(address)s") % {"address": remote.default_endpoint}
        if not takes_region(remote):
            del self.fields["region"]
        kept = bool(self.row and self.row.sealed)
        for field in remote.fields:
            self.fields[f"values.{field.name}"] = _value_field(field.label, field.help, field.secret, kept)
            if not field.secret and not self.row:
                self.fields[f"values.{field.name}"].initial = field.default
        pace = _("0: the adapter's own, %(number)g.")
        for name, label, help_text in (
            ("submits_per_second", _("Submits a second"), pace % {"number": remote.submits_per_second}),
            ("polls_per_second", _("Polls a second"), pace % {"number": remote.polls_per_second}),
        ):
            self.fields[name] = forms.FloatField(
                label=label, initial=0, min_value=0, help_text=help_text, widget=UnfoldAdminDecimalFieldWidget
            )
        self.fields["concurrency"] = forms.IntegerField(
            label=_("Jobs at once"),
            initial=0,
            min_value=0,
            help_text=_("0: no limit."),
            widget=UnfoldAdminIntegerFieldWidget,
        )
        self.fields["priority"] = forms.IntegerField(
            label=_("Priority"),
            initial=100,
            min_value=0,
            help_text=_("The lowest is tried first."),
            widget=UnfoldAdminIntegerFieldWidget,
        )
        if self.row is None or self.row.organization_id is None:
            self.fields["cost_per_minute"] = forms.DecimalField(
                label=_("Cost per media minute"),
                initial=0,
                min_value=0,
                max_digits=10,
                decimal_places=4,
                help_text=_("What the vendor bills us."),
                widget=UnfoldAdminDecimalFieldWidget,
            )

    def draft(self) -> AccountDraft:
        """What the service takes."""
        given = {name: value for name, value in self.cleaned_data.items() if not name.startswith("values.")}
        values = {
            name.removeprefix("values."): v for name, v in self.cleaned_data.items() if name.startswith("values.")
        }
        return AccountDraft(values=values, **given)


def account_form(provider: str, row: ProviderAccount | None = None) -> type[AccountForm]:
    """The form of that provider's accounts; with a row, for changing it."""
    return type("BoundAccountForm", (AccountForm,), {"provider": provider, "row": row})


def initial_of(row: ProviderAccount) -> dict[str, Any]:
    """What a form shows of an account: everything but its secrets."""
    names = ("name", "enabled", "endpoint", "region", "submits_per_second", "polls_per_second", "concurrency")
    shown = {name: getattr(row, name) for name in (*names, "priority", "cost_per_minute")}
    return shown | {f"values.{name}": value for name, value in row.values.items()}


def _value_field(label: str, help_text: str, secret: bool, kept: bool) -> forms.CharField:
    if not secret:
        return forms.CharField(label=label, required=False, help_text=help_text, widget=UnfoldAdminTextInputWidget)
    if kept:
        help_text = f"{help_text} {_('Kept encrypted and never shown. Empty: it stays as it is.')}".strip()
    widget = UnfoldAdminTextInputWidget(attrs={"type": "password", "autocomplete": "new-password"})
    widget.input_type = "password"
    return forms.CharField(label=label, required=False, help_text=help_text, widget=widget)
