"""Forms of the console's money actions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.money import MILLI
from apps.plans.models import Plan, Pool, Subscription


class Credits(forms.Form):
    """An amount with a reason. `key` is drawn once when the form is shown, so that a form posted twice counts once."""

    pool = forms.ChoiceField(label=_("Pool"), choices=Pool.choices, widget=UnfoldAdminSelectWidget)
    amount = forms.DecimalField(
        label=_("Credits"),
        max_digits=15,
        decimal_places=3,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("Whole credits or up to three decimals."),
    )
    note = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The customer sees it in the ledger."),
    )
    key = forms.CharField(max_length=60, widget=forms.HiddenInput)

    @property
    def millicredits(self) -> int:
        """The amount as services take it."""
        amount: Decimal = self.cleaned_data["amount"]
        return int(amount * MILLI)


class Grant(Credits):
    """Credits to add: above zero."""

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError(_("The amount must be above zero."))
        return amount


class ChangePlan(forms.Form):
    """A plan and the subscription's status."""

    plan = forms.ChoiceField(label=_("Plan"), widget=UnfoldAdminSelectWidget)
    status = forms.ChoiceField(label=_("Status"), choices=Subscription.Status.choices, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plan = self.fields["plan"]
        assert isinstance(plan, forms.ChoiceField)
        plan.choices = list(Plan.objects.values_list("code", "name"))
