"""Forms of the account, organization, team and key pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization, Role, User
from apps.accounts.permissions import SCOPES

if TYPE_CHECKING:  # ModelForm is generic for the type checker only
    UserModelForm = forms.ModelForm[User]
    OrganizationModelForm = forms.ModelForm[Organization]
else:
    UserModelForm = OrganizationModelForm = forms.ModelForm

EXPIRIES = {"": None, "30": 30, "90": 90, "365": 365}


class ProfileForm(UserModelForm):
    """Name of a person."""

    class Meta:
        model = User
        fields = ["name"]
        labels = {"name": _("Your name")}
        help_texts = {"name": _("Shown to your team on jobs and in the log.")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}


class OrganizationForm(OrganizationModelForm):
    """Name of an organization."""

    class Meta:
        model = Organization
        fields = ["name"]
        labels = {"name": _("Organization name")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "organization"})}


class OrganizationSettingsForm(OrganizationForm):
    """What managers may change about their organization."""

    class Meta(OrganizationForm.Meta):
        fields = ["name", "require_mfa"]
        help_texts = {
            "require_mfa": _("Members without a second factor are asked to set one up before they can go on.")
        }


class InviteForm(forms.Form):
    """An invitation to join the organization."""

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.EDITOR)

    def __init__(self, *args: Any, roles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [choice for choice in Role.choices if choice[0] in roles]


class KeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("What will use it, for example “Publishing pipeline”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        widget=forms.CheckboxSelectMultiple,
        choices=lambda: [(scope, text) for scope, text in SCOPES.items()],
        initial=["jobs:read", "jobs:write", "assets:write"],
    )
    expires = forms.ChoiceField(
        label=_("Expires"),
        required=False,
        choices=[("", _("Never")), ("30", _("In 30 days")), ("90", _("In 90 days")), ("365", _("In a year"))],
    )
    volcengine = forms.BooleanField(
        label=_("Volcengine compatible"),
        help_text=_(
            "For programs written for Volcengine: they sign with an access key id and a secret. "
            "To check that we must keep the secret, encrypted."
        ),
        required=False,
    )

    def expires_at(self) -> datetime | None:
        """When the key ends, or None for never."""
        days = EXPIRIES[self.cleaned_data["expires"]]
        return timezone.now() + timedelta(days=days) if days else None


class RotateForm(forms.Form):
    """How long the old key goes on working beside the new one."""

    overlap = forms.ChoiceField(
        label=_("The old key goes on working for"),
        initial="24",
        choices=[("0", _("No time at all")), ("1", _("1 hour")), ("24", _("1 day")), ("168", _("7 days"))],
    )

    def duration(self) -> timedelta:
        """The overlap."""
        return timedelta(hours=int(self.cleaned_data["overlap"]))
