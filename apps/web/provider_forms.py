"""Forms of the pages for accounts at providers, made from the fields that an adapter names."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.jobs.models import ProviderAccount
from apps.jobs.services.account_changes import AccountDraft
from apps.jobs.services.accounts import adapter_of, takes_region
from apps.jobs.services.offered import OfferedProvider, remote_titles

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class ChooseProviderForm(forms.Form):
    """Whose account it is."""

    provider = forms.ChoiceField(label=_("Provider"), choices=lambda: list(remote_titles().items()))


class PreferForm(forms.Form):
    """Who works on jobs that name nobody."""

    provider = forms.ChoiceField(
        label=_("Who works on jobs that name nobody"),
        required=False,
        help_text=_("Somebody else does it when this one cannot, or does not work at the moment."),
    )

    def __init__(self, *args: Any, offered: list[OfferedProvider], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["provider"]
        assert isinstance(field, forms.ChoiceField)
        usable = [(row.name, row.title) for row in offered if row.available]
        field.choices = [("", _("Whoever can and is free")), *usable]


class ProviderAccountForm(forms.Form):
    """An account of one provider; `provider_account_form` says of which. Names are those of the service's errors."""

    provider: ClassVar[str] = ""
    row: ClassVar[ProviderAccount | None] = None

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("For your team, for example the name of the subscription."),
        widget=forms.TextInput(attrs=_PLAIN),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = self._initial() | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        remote = adapter_of(self.provider)
        for field in remote.fields:
            self.fields[f"values.{field.name}"] = self._value_field(
                field.label, field.help, field.secret, field.required
            )
        address = forms.CharField(
            label=_("Address"), max_length=255, required=False, widget=forms.TextInput(attrs={**_PLAIN, "class": "ltr"})
        )
        if remote.default_endpoint:
            address.help_text = _("Empty: %(address)s") % {"address": remote.default_endpoint}
        region = forms.CharField(
            label=_("Region"), max_length=40, required=False, widget=forms.TextInput(attrs={**_PLAIN, "class": "ltr"})
        )
        limit = forms.IntegerField(
            label=_("Jobs at once"), min_value=0, initial=0, help_text=_("0: as many as there are.")
        )
        if takes_region(remote):
            self.fields["region"] = region
        self.fields |= {"endpoint": address, "concurrency": limit}

    def draft(self) -> AccountDraft:
        """What the service takes."""
        given = {name: value for name, value in self.cleaned_data.items() if not name.startswith("values.")}
        values = {
            name.removeprefix("values."): v for name, v in self.cleaned_data.items() if name.startswith("values.")
        }
        return AccountDraft(values=values, **given)

    def _initial(self) -> dict[str, Any]:
        if self.row is None:
            return {f"values.{f.name}": f.default for f in adapter_of(self.provider).fields if not f.secret}
        shown = {name: getattr(self.row, name) for name in ("name", "region", "endpoint", "concurrency")}
        return shown | {f"values.{name}": value for name, value in self.row.values.items()}

    def _value_field(self, label: str, help_text: str, secret: bool, required: bool) -> forms.CharField:
        kept = secret and bool(self.row and self.row.sealed)
        if kept:
            help_text = f"{help_text} {_('Kept encrypted and never shown. Empty: it stays as it is.')}".strip()
        attrs = {**_PLAIN, "class": "ltr"}
        widget: forms.Widget = forms.TextInput(attrs=attrs)
        if secret:
            widget = forms.PasswordInput(attrs={**attrs, "autocomplete": "new-password"})
        return forms.CharField(label=label, required=required and not kept, help_text=help_text, widget=widget)


def provider_account_form(provider: str, row: ProviderAccount | None = None) -> type[ProviderAccountForm]:
    """The form of that provider's accounts; with a row, for changing it."""
    return type("BoundProviderAccountForm", (ProviderAccountForm,), {"provider": provider, "row": row})
