"""The life of an endpoint: made, changed, tested, switched off and on, deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.accounts.permissions import require
from apps.core import clock, errors, signatures
from apps.core.http import OutboundError, OutboundPolicy, check_url
from apps.events.log import record
from apps.webhooks import payloads
from apps.webhooks.catalog import BY_NAME, TEST, VERSION
from apps.webhooks.models import Endpoint, Message
from apps.webhooks.services.fanout import endpoint_lane, wake_lanes
from apps.webhooks.services.health import disable_endpoint
from apps.webhooks.services.secrets import MANAGE, seal

MAX_URL: Final = 2000
MAX_DESCRIPTION: Final = 200


def create_endpoint(
    *, actor: Actor, url: str, description: str = "", event_types: Iterable[str] = ()
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret (whsec_…). No event types: all, also those that come later.

    Raises ApiError 1503, 5 for a bad address, text or type, 4090 above settings.WEBHOOK_MAX_ENDPOINTS.
    """
    require(actor, MANAGE)
    url, description, types = _checked(url, description, event_types)
    secret = signatures.new_secret()
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(pk=actor.organization.pk)
        rows = Endpoint.objects.filter(organization=actor.organization, deleted_at=None)
        if rows.count() >= settings.WEBHOOK_MAX_ENDPOINTS:
            raise errors.conflict(
                _("There are %(most)s endpoints already: delete one first.") % {"most": settings.WEBHOOK_MAX_ENDPOINTS}
            )
        endpoint = Endpoint.objects.create(
            organization=actor.organization,
            url=url,
            description=description,
            event_types=types,
            version=VERSION,
            sealed=seal(secret),
        )
        endpoint_lane(endpoint)
        _tell(actor, endpoint, "created", {"url": url, "event_types": types})
    endpoint.refresh_from_db()
    return endpoint, secret


def update_endpoint(
    *,
    actor: Actor,
    endpoint: Endpoint,
    url: str | None = None,
    description: str | None = None,
    event_types: Iterable[str] | None = None,
    enabled: bool | None = None,
) -> Endpoint:
    """Changes what is given. Switched on again it starts afresh: what it missed meanwhile is sent by `recover`.

    Raises ApiError 1503, 404, or 5.
    """
    require(actor, MANAGE)
    new_url, new_description, types = _checked(
        endpoint.url if url is None else url,
        endpoint.description if description is None else description,
        endpoint.event_types if event_types is None else event_types,
    )
    with transaction.atomic():
        row = _locked(endpoint)
        row.url, row.description, row.event_types = new_url, new_description, types
        changed: dict[str, object] = {"url": new_url, "event_types": types}
        if enabled is True and not row.enabled:
            row.enabled, row.disabled_reason, row.disabled_at = True, Endpoint.Reason.NONE, None
            row.failing_since = row.last_failure_at = None
            changed["enabled"] = True
        row.save()
        _tell(actor, row, "changed", changed)
        if enabled is False and row.enabled:
            disable_endpoint(row.pk, reason=Endpoint.Reason.PERSON, actor=actor)
            row.refresh_from_db()
    return row


@transaction.atomic
def delete_endpoint(*, actor: Actor, endpoint: Endpoint) -> None:
    """Nothing is sent to it any more and its secret is wiped; its messages stay in the log until their time is over.

    Raises ApiError 1503, or 404.
    """
    require(actor, MANAGE)
    row = _locked(endpoint)
    if row.enabled:
        disable_endpoint(row.pk, reason=Endpoint.Reason.PERSON, actor=actor)
    rows = Endpoint.objects.filter(pk=row.pk)
    rows.update(enabled=False, deleted_at=clock.now(), sealed="", sealed_previous="", previous_until=None)
    _tell(actor, row, "deleted", {"url": row.url})


@transaction.atomic
def send_test(*, actor: Actor, endpoint: Endpoint) -> Message:
    """A message of type webhook.test, tried once, also while the endpoint is switched off. Raises ApiError 1503, or 404."""
    require(actor, MANAGE)
    row = _locked(endpoint)
    lane = endpoint_lane(row)
    message = Message.objects.create(
        organization_id=row.organization_id,
        lane=lane,
        endpoint=row,
        type=TEST,
        body=payloads.test_body(),
        is_test=True,
        next_attempt_at=clock.now(),
    )
    wake_lanes([lane.pk])
    _tell(actor, row, "tested", {"message": message.public_id})
    message.refresh_from_db()
    return message


def _locked(endpoint: Endpoint) -> Endpoint:
    row = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk, deleted_at=None).first()
    if row is None:
        raise errors.not_found("webhook endpoint")
    return row


def _checked(url: str, description: str, event_types: Iterable[str]) -> tuple[str, str, list[str]]:
    wrong: dict[str, list[str]] = {}
    url = url.strip()
    if problem := url_problem(url):
        wrong["url"] = [problem]
    description = " ".join(description.split())
    if len(description) > MAX_DESCRIPTION:
        wrong["description"] = [_("A description has at most 200 characters.")]
    types = sorted(set(event_types))
    if unknown := [name for name in types if name not in BY_NAME]:
        wrong["event_types"] = [_("There is no event type %(type)s.") % {"type": name[:64]} for name in unknown[:5]]
    if wrong:
        raise errors.invalid(errors=wrong)
    return url, description, types


def url_problem(url: str) -> str:
    """What is wrong with an endpoint's address, "" when nothing is: HTTPS, except to hosts that the operator named, or in DEBUG."""
    policy = OutboundPolicy(allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED))
    if len(url) > MAX_URL:
        return _("An address has at most 2000 characters.")
    try:
        parsed = check_url(url, policy)
    except OutboundError as error:
        return str(error)
    host = parsed.raw_host.decode("ascii", "replace").lower().rstrip(".")
    named = policy.names_host(host, parsed.port or {"http": 80, "https": 443}[parsed.scheme])
    if parsed.scheme != "https" and not named and not settings.DEBUG:
        return _("The address must start with https://.")
    if parsed.fragment:
        return _("The address must not have a part after #.")
    return ""


def _tell(actor: Actor, endpoint: Endpoint, verb: str, data: dict[str, object]) -> None:
    record(
        type=f"webhook_endpoint.{verb}",
        actor=actor,
        organization_id=endpoint.organization_id,
        subject=("webhook_endpoint", endpoint.public_id),
        data=data,
    )
