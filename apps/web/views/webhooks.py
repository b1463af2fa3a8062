"""Webhooks: endpoints with their secrets, tests, rotation, recovery; the secret of callbacks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts.permissions import allows, require
from apps.core.errors import ApiError
from apps.web.access import PageRequest, actor_of, field_errors, member_page
from apps.web.forms import RotateForm
from apps.web.webhook_forms import EndpointForm, RecoverForm
from apps.webhooks import selectors
from apps.webhooks.models import Endpoint
from apps.webhooks.services import endpoints, replay
from apps.webhooks.services.secrets import callback_secret, rotate_secret, show_secret

MANAGE = "webhooks.manage"
RECENT = 10


@member_page
@never_cache
def index(request: PageRequest) -> HttpResponse:
    """All endpoints, and the secret of callbacks for who may see it."""
    actor = actor_of(request)
    may_manage = allows(actor, MANAGE)
    context: dict[str, object] = {
        "endpoints": selectors.endpoints_for(actor),
        "may_manage": may_manage,
        "rotate_form": RotateForm(),
    }
    if may_manage:
        row = callback_secret(actor.organization.pk)
        context |= {"callback": row, "callback_secret": show_secret(actor=actor, row=row)}
    return render(request, "web/webhooks.html", context)


@member_page
def new(request: PageRequest) -> HttpResponse:
    """The form of a new endpoint."""
    actor = actor_of(request)
    require(actor, MANAGE)
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, _secret = endpoints.create_endpoint(actor=actor, **form.cleaned_data)
        except ApiError as error:
            for field, texts in field_errors(error).items():
                form.add_error(field if field in form.fields else None, texts)
        else:
            messages.success(request, gettext("The endpoint is ready. Keep its secret, and send it a test."))
            return redirect("web:webhook", endpoint.public_id)
    return render(request, "web/webhook_new.html", {"form": form}, status=422 if form.errors else 200)


@member_page
@never_cache
def page(request: PageRequest, public_id: str) -> HttpResponse:
    """One endpoint: how it does, what was sent last, its secret, and the form that changes it."""
    actor = actor_of(request)
    endpoint = selectors.endpoint_for(actor, public_id)
    may_manage = allows(actor, MANAGE)
    initial = {"url": endpoint.url, "description": endpoint.description, "event_types": endpoint.event_types}
    form = EndpointForm(request.POST or None, initial=initial)
    if request.method == "POST":
        require(actor, MANAGE)
        if form.is_valid() and _change(request, endpoint, form):
            messages.success(request, gettext("Saved."))
            return redirect("web:webhook", public_id)
    context: dict[str, object] = {
        "endpoint": endpoint,
        "may_manage": may_manage,
        "form": form,
        "rotate_form": RotateForm(),
        "recover_form": RecoverForm(),
        "page": selectors.messages_for(actor, endpoint=public_id, limit=RECENT),
    }
    if may_manage:
        context["secret"] = show_secret(actor=actor, row=endpoint)
    return render(request, "web/webhook.html", context, status=422 if form.errors else 200)


def _change(request: PageRequest, endpoint: Endpoint, form: EndpointForm) -> bool:
    try:
        endpoints.update_endpoint(actor=actor_of(request), endpoint=endpoint, **form.cleaned_data)
    except ApiError as error:
        for field, texts in field_errors(error).items():
            form.add_error(field if field in form.fields else None, texts)
        return False
    return True


@member_page
@require_POST
def test(request: PageRequest, public_id: str) -> HttpResponse:
    """Sends a test and shows what becomes of it."""
    actor = actor_of(request)
    message = endpoints.send_test(actor=actor, endpoint=selectors.endpoint_for(actor, public_id))
    messages.success(request, gettext("The test is on its way. Its answer is here in a moment."))
    return redirect("web:webhook-message", message.public_id)


@member_page
@require_POST
def switch(request: PageRequest, public_id: str) -> HttpResponse:
    """Switches an endpoint off or on."""
    actor = actor_of(request)
    on = request.POST.get("on") == "1"
    endpoints.update_endpoint(actor=actor, endpoint=selectors.endpoint_for(actor, public_id), enabled=on)
    text = (
        gettext("The endpoint is on. Recover what it has missed, if it should have it.")
        if on
        else gettext("The endpoint is off. What happens meanwhile is kept for 30 days.")
    )
    messages.success(request, text)
    return redirect("web:webhook", public_id)


@member_page
@require_POST
def rotate(request: PageRequest, public_id: str) -> HttpResponse:
    """A new secret for an endpoint."""
    actor = actor_of(request)
    endpoint = selectors.endpoint_for(actor, public_id)
    form = RotateForm(request.POST)
    if form.is_valid():
        rotate_secret(actor=actor, row=endpoint, overlap=form.duration())
        messages.success(request, gettext("There is a new secret."))
    return redirect("web:webhook", public_id)


@member_page
@require_POST
def rotate_callbacks(request: PageRequest) -> HttpResponse:
    """A new secret for callbacks."""
    actor = actor_of(request)
    form = RotateForm(request.POST)
    require(actor, MANAGE)
    if form.is_valid():
        rotate_secret(actor=actor, row=callback_secret(actor.organization.pk), overlap=form.duration())
        messages.success(request, gettext("There is a new secret."))
    return redirect("web:webhooks")


@member_page
@require_POST
def recover(request: PageRequest, public_id: str) -> HttpResponse:
    """Sends again what an endpoint has missed."""
    actor = actor_of(request)
    endpoint = selectors.endpoint_for(actor, public_id)
    form = RecoverForm(request.POST)
    if form.is_valid():
        count = replay.recover(actor=actor, endpoint=endpoint, since=form.moment())
        text = ngettext("%(n)s message is sent again.", "%(n)s messages are sent again.", count) % {"n": count}
        messages.success(request, text if count else gettext("Nothing was missed in this time."))
    return redirect("web:webhook", public_id)


@member_page
@require_POST
def delete(request: PageRequest, public_id: str) -> HttpResponse:
    """Deletes an endpoint."""
    actor = actor_of(request)
    endpoints.delete_endpoint(actor=actor, endpoint=selectors.endpoint_for(actor, public_id))
    messages.success(request, gettext("The endpoint is deleted."))
    return redirect("web:webhooks")
