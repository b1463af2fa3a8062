"""Event Hub configuration of Azure's protocol: stored as sent; its events are posted to a webhook of that host and name.

There is no Event Hub of ours and no identity at the customer's. A namespace that is a web server of the customer's
(`hooks.example.com`, or with a scheme and port in front and behind) gets its events as POST https://<namespace>/<name>/messages, the
address at which an Event Hub takes them over HTTP; the body is a list of events. It must answer our callback challenge (code 1301)
like any callback URL. A real Event Hubs namespace is kept and shown, and cannot be told.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from apps.accounts.actor import Actor
from apps.core import clock, errors
from apps.core.errors import ApiError
from apps.core.http import OutboundError
from apps.core.http import request as send
from apps.dialects import resources
from apps.dialects.azure import calls, orders, present
from apps.dialects.azure.dialect import EVENT_HUB, NAME
from apps.dialects.models import Resource
from apps.dialects.outside import quick_policy, waiting_for
from apps.dialects.parsing import read_json
from apps.jobs.services import callbacks
from apps.providers.azure import wire
from apps.webhooks.services.secrets import sign_callback

ONLY: Final = "default"
REAL_HUBS: Final = re.compile(r"\.servicebus\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$", re.IGNORECASE)
_HOST: Final = re.compile(r"(?:https?://)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_HUB: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?")
PING_SECONDS: Final = 10.0


def show(request: HttpRequest) -> HttpResponse:
    """The configuration as it was set; 404 before."""
    call = calls.enter(request, "jobs.view")
    return call.answer(_configuration(call.actor).data)


def replace(request: HttpRequest) -> HttpResponse:
    """Keeps a configuration. One that names a web server is challenged at once, when it is enabled."""
    call = calls.enter(request, "jobs.manage")
    body = read_json(request, wire.EventHubConfiguration)
    _check(body)
    data = wire.dropped_nulls(msgspec.to_builtins(body))
    organization = call.actor.organization
    if url := url_of(data):
        try:
            callbacks.prove(organization_id=organization.pk, url=url)
        except ApiError as error:
            fields = {"eventHubNamespaceHostName": [text for texts in error.errors.values() for text in texts]}
            raise ApiError(error.code, error.detail, errors=fields, headers=error.headers) from None
    with transaction.atomic():
        there = resources.find_resource(call.actor, NAME, EVENT_HUB, ONLY)
        if there is not None:
            resources.change_resource(there, data=data)
        else:
            resources.create_resource(
                organization_id=organization.pk, dialect=NAME, kind=EVENT_HUB, external_id=ONLY, data=data
            )
    return call.answer(data)


def remove(request: HttpRequest) -> HttpResponse:
    """Forgets the configuration; 204 also when there was none."""
    call = calls.enter(request, "jobs.manage")
    there = resources.find_resource(call.actor, NAME, EVENT_HUB, ONLY)
    if there is not None:
        resources.remove_resource(there)
    return HttpResponse(status=204)


def ping(request: HttpRequest) -> HttpResponse:
    """Sends a Ping event now; 200 once it was taken."""
    call = calls.enter(request, "jobs.manage")
    data = _configuration(call.actor).data
    url = url_of(data | {"isEnabled": True})
    if not url:
        raise _unreachable()
    ping_id = f"ping_{uuid.uuid4().hex}"
    body = events_body([event(wire.PING, ping_id, present.moment(clock.now()))])
    headers = {"content-type": "application/json"} | sign_callback(call.actor.organization.pk, ping_id, body)
    policy = dataclasses.replace(quick_policy(seconds=PING_SECONDS), max_redirects=0)
    try:
        with waiting_for(call.actor):
            reply = send("POST", url, policy=policy, headers=headers, content=body)
    except OutboundError as error:
        raise errors.invalid("eventHubNamespaceHostName", f"The event could not be sent: {error}") from None
    if not 200 <= reply.status < 300:
        raise errors.invalid("eventHubNamespaceHostName", f"{url} answered with status {reply.status}.")
    return HttpResponse(status=200)


def callback_url(actor: Actor, kinds: Collection[str]) -> str | None:
    """Where a job of this caller is told of when one of these kinds of events is wanted; None when none can or shall be told."""
    there = resources.find_resource(actor, NAME, EVENT_HUB, ONLY)
    if there is None or not set(kinds) & set(there.data.get("enabledEvents") or ()):
        return None
    return url_of(there.data) or None


def kinds_wanted(organization_id: int) -> frozenset[str]:
    """The kinds of events that an organization's configuration asks for now."""
    rows = Resource.objects.filter(organization_id=organization_id, dialect=NAME, kind=EVENT_HUB, parent=None)
    data = rows.values_list("data", flat=True).first() or {}
    return frozenset(data.get("enabledEvents") or ())


def url_of(data: Mapping[str, Any]) -> str:
    """The webhook that a configuration means; "" when it is off or a real Event Hubs namespace."""
    host = str(data.get("eventHubNamespaceHostName") or "")
    if not data.get("isEnabled") or REAL_HUBS.search(host):
        return ""
    return f"{host if '://' in host else f'https://{host}'}/{data.get('eventHubName')}/messages"


def event(kind: str, event_id: str, when: str, **about: Any) -> dict[str, Any]:
    """One event: its kind and, for a completion, the ids and the status that a GET would answer."""
    return {"id": event_id, "kind": kind, "createdDateTime": when, **about}


def events_body(events: list[dict[str, Any]]) -> bytes:
    """What is posted: all that one occurrence gives rise to."""
    return msgspec.json.encode(events)


def _configuration(actor: Actor) -> Resource:
    there = resources.find_resource(actor, NAME, EVENT_HUB, ONLY)
    if there is None:
        raise errors.not_found("Event Hub configuration")
    return there


def _check(body: wire.EventHubConfiguration) -> None:
    wrong = orders.Problems()
    host, hub = body.event_hub_namespace_host_name, body.event_hub_name
    for name, value in (
        ("isEnabled", body.is_enabled),
        ("eventHubNamespaceHostName", host),
        ("eventHubName", hub),
        ("enabledEvents", body.enabled_events),
    ):
        wrong.add(value is None, name, "This field is required.")
    wrong.add(host is not None and not _HOST.fullmatch(host), "eventHubNamespaceHostName", "Must be a host name.")
    wrong.add(
        hub is not None and not _HUB.fullmatch(hub), "eventHubName", "Must be a name of letters, digits, '.', '_', '-'."
    )
    client = body.managed_identity_client_id
    wrong.add(client is not None and not wire.GUID.fullmatch(client), "managedIdentityClientId", "Must be a GUID.")
    for place, kind in enumerate(body.enabled_events or ()):
        wrong.add(
            kind not in wire.EVENT_KINDS, f"enabledEvents.{place}", f"Must be one of {', '.join(wire.EVENT_KINDS)}."
        )
    wrong.check()


def _unreachable() -> ApiError:
    return errors.invalid(
        "eventHubNamespaceHostName",
        "We have no identity at Azure's Event Hubs; name the host of a webhook of yours, which gets the same events.",
    )
