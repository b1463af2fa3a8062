"""Forms that console actions share."""

from __future__ import annotations

from django import forms


class Confirm(forms.Form):
    """Nothing to fill in: the page's button is the answer."""

    sure = forms.CharField(widget=forms.HiddenInput, initial="yes")
