"""Forms of the webhook pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.webhooks.catalog import EVENT_TYPES

SINCE = {"1": 1, "24": 24, "168": 168, "720": 720}


class EndpointForm(forms.Form):
    """A new endpoint, or a changed one."""

    url = forms.CharField(
        label=_("Address"),
        max_length=2000,
        help_text=_("Starts with https:// and answers a POST with a status from 200 to 299 within 15 seconds."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "class": "ltr", "placeholder": "https://"}),
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=200,
        required=False,
        help_text=_("What listens there, for example “Order desk”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    event_types = forms.MultipleChoiceField(
        label=_("It is told of"), widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["event_types"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(kind.name, kind.meaning) for kind in EVENT_TYPES]

    def boxes(self) -> list[dict[str, Any]]:
        """The check boxes by group."""
        chosen = {str(name) for name in self["event_types"].value() or ()}
        groups: dict[str, list[dict[str, Any]]] = {}
        for kind in EVENT_TYPES:
            box = {"value": kind.name, "meaning": kind.meaning, "checked": kind.name in chosen}
            groups.setdefault(str(kind.group), []).append(box)
        return [{"title": title, "boxes": boxes} for title, boxes in groups.items()]


class RecoverForm(forms.Form):
    """How far back."""

    since = forms.ChoiceField(
        label=_("Everything missed in"),
        initial="24",
        choices=[
            ("1", _("the last hour")),
            ("24", _("the last day")),
            ("168", _("the last 7 days")),
            ("720", _("the last 30 days")),
        ],
    )

    def moment(self) -> datetime:
        """The time from which on."""
        return timezone.now() - timedelta(hours=SINCE[self.cleaned_data["since"]])
