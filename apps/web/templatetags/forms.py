"""One way to draw a form field: label, control, help, errors, tied together for screen readers."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.forms import BoundField

from apps.web.templatetags.web import sentence_case

register = template.Library()

_PLAIN = (forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple, forms.FileInput, forms.HiddenInput)


@register.inclusion_tag("web/partials/field.html")
def field(bound: BoundField, help: str = "", css: str = "") -> dict[str, Any]:
    """Draw a bound field in the house style; `help` replaces the field's own help text."""
    widget = bound.field.widget
    attrs: dict[str, Any] = {}
    described = []
    text = help or bound.help_text
    if text:
        described.append(f"{bound.id_for_label}_help")
    if bound.errors:
        described.append(f"{bound.id_for_label}_error")
        attrs["aria-invalid"] = "true"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if not isinstance(widget, _PLAIN):
        kind = (
            "select"
            if isinstance(widget, forms.Select)
            else "textarea"
            if isinstance(widget, forms.Textarea)
            else "input"
        )
        attrs["class"] = f"{widget.attrs.get('class', '')} {kind} {css}".strip()
        if _foreign(bound):
            attrs["placeholder"] = ""  # allauth's only repeat the label
    return {
        "bound": bound,
        "label": sentence_case(str(bound.label)) if _foreign(bound) else bound.label,
        "control": bound.as_widget(attrs=attrs),
        "help": text,
        "is_check": isinstance(widget, forms.CheckboxInput),
        "is_group": isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple),
        "hidden": bound.is_hidden,
    }


def _foreign(bound: BoundField) -> bool:
    return type(bound.form).__module__.startswith("allauth")
