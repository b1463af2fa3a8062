"""Webhook messages: the log with filters, and one message with the request and the answer of every attempt."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.accounts.permissions import allows
from apps.web.access import PageRequest, actor_of, member_page
from apps.webhooks import selectors
from apps.webhooks.catalog import EVENT_TYPES, TEST
from apps.webhooks.services.replay import resend_message

PAGE = 50
STATES = (("waiting", _("Waiting")), ("delivered", _("Delivered")), ("failed", _("Given up")))


@member_page
def index(request: PageRequest) -> HttpResponse:
    """The log, newest first; htmx asks for the list alone."""
    actor = actor_of(request)
    given = {name: request.GET.get(name, "").strip() for name in ("endpoint", "status", "type", "q", "cursor")}
    page = selectors.messages_for(
        actor,
        endpoint=given["endpoint"],
        state=given["status"],
        type=given["type"],
        subject=given["q"],
        cursor=given["cursor"],
        limit=PAGE,
    )
    context = {
        **given,
        "page": page,
        "states": STATES,
        "types": [*(kind.name for kind in EVENT_TYPES), TEST],
        "endpoints": selectors.endpoints_for(actor),
        "filtered": any(given.values()),
    }
    part = request.htmx and request.htmx.target == "log-list"
    return render(request, "web/partials/webhook_list.html" if part else "web/webhook_log.html", context)


@member_page
def page(request: PageRequest, message_id: str) -> HttpResponse:
    """One message."""
    actor = actor_of(request)
    message = selectors.message_for(actor, message_id)
    context = {
        "message": message,
        "url": selectors.url_of(message),
        "attempts": [
            {
                "row": attempt,
                "sent": _lines(attempt.request_headers),
                "came": _lines(attempt.response_headers),
                "body": attempt.response_body,
            }
            for attempt in selectors.attempts_of(message)
        ],
        "body": _pretty(message.body),
        "may_manage": allows(actor, "webhooks.manage"),
        "may_resend": message.endpoint is None
        or (message.endpoint.deleted_at is None and (message.endpoint.enabled or message.is_test)),
        "is_job": message.subject_id.startswith("job_"),
    }
    return render(request, "web/webhook_message.html", context)


@member_page
@require_POST
def resend(request: PageRequest, message_id: str) -> HttpResponse:
    """Sends a message again."""
    actor = actor_of(request)
    resend_message(actor=actor, message=selectors.message_for(actor, message_id))
    messages.success(request, gettext("The message is sent again. Its answer is here in a moment."))
    return redirect("web:webhook-message", message_id)


def _lines(headers: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _pretty(body: str) -> str:
    """JSON to read; anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
