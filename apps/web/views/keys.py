"""API keys: list, create with the once-shown secret, revoke, rotate."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts import selectors, services
from apps.accounts.keys import access_pair
from apps.accounts.models import ApiKey
from apps.accounts.permissions import SCOPES, allows, require
from apps.core.errors import ApiError
from apps.plans.selectors import plan_for
from apps.web.access import PageRequest, actor_of, field_errors, member_page
from apps.web.forms import KeyForm, RotateForm
from apps.web.samples import first_call


@member_page
def index(request: PageRequest) -> HttpResponse:
    """All keys of the organization, the working ones first."""
    actor = actor_of(request)
    plan = plan_for(actor.organization)
    context = {
        "keys": selectors.api_keys_for(actor=actor),
        "may_manage": allows(actor, "keys.manage"),
        "plan_has_api": bool(plan and plan.api_access),
        "rotate_form": RotateForm(),
        "scopes": SCOPES,
    }
    return render(request, "web/keys.html", context)


@member_page
@never_cache
def new(request: PageRequest) -> HttpResponse:
    """The form, and after it the key itself: the only time that it is shown."""
    actor = actor_of(request)
    require(actor, "keys.manage")
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            key, secret = services.create_api_key(
                actor=actor,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at(),
                volcengine=form.cleaned_data["volcengine"],
            )
        except ApiError as error:
            for field, texts in field_errors(error).items():
                form.add_error(field if field in form.fields else None, texts)
        else:
            return render(request, "web/key_once.html", _once(key, secret))
    return render(request, "web/key_new.html", {"form": form}, status=422 if form.errors else 200)


@member_page
@require_POST
def revoke(request: PageRequest, key_id: str) -> HttpResponse:
    """Ends a key at once."""
    services.revoke_api_key(actor=actor_of(request), key_id=key_id)
    messages.success(request, gettext("The key is revoked. Programs that use it get an error from now on."))
    return redirect("web:keys")


@member_page
@never_cache
@require_POST
def rotate(request: PageRequest, key_id: str) -> HttpResponse:
    """Makes the successor of a key; both work during the overlap."""
    form = RotateForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Choose how long the old key goes on working."))
        return redirect("web:keys")
    key, secret = services.rotate_api_key(actor=actor_of(request), key_id=key_id, overlap=form.duration())
    return render(request, "web/key_once.html", _once(key, secret) | {"old_until": form.duration(), "rotated": True})


def _once(key: ApiKey, secret: str) -> dict[str, object]:
    """What the page with a new key shows; the pair for Volcengine's clients only when the key signs."""
    context: dict[str, object] = {"key": key, "secret": secret, "sample": first_call()}
    if key.volcengine:
        context["access_key_id"], context["secret_access_key"] = access_pair(secret)
    return context
