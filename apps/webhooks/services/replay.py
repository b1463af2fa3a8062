"""Sending again: one message, or all that an endpoint missed since a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import clock, errors
from apps.events.log import record
from apps.webhooks.models import Endpoint, Message
from apps.webhooks.services.fanout import endpoint_lane, wake_lanes
from apps.webhooks.services.secrets import MANAGE


@transaction.atomic
def resend_message(*, actor: Actor, message: Message) -> Message:
    """Sends a message again now, whatever became of it, with the schedule from its start. Its id and its body stay the same.

    Raises ApiError 1503; 4090 while its endpoint is switched off or gone.
    """
    require(actor, MANAGE)
    row = Message.objects.select_for_update(of=("self",)).select_related("endpoint").get(pk=message.pk)
    if row.endpoint is not None and not row.is_test:
        _check_on(row.endpoint)
    row.state, row.next_attempt_at, row.tries, row.finished_at = Message.State.DUE, clock.now(), 0, None
    row.save(update_fields=["state", "next_attempt_at", "tries", "finished_at"])
    wake_lanes([row.lane_id])
    record(
        type="webhook_message.resent",
        actor=actor,
        organization_id=row.organization_id,
        subject=("webhook_message", row.public_id),
        data={"type": row.type},
    )
    return row


@transaction.atomic
def recover(*, actor: Actor, endpoint: Endpoint, since: datetime) -> int:
    """Sends again every message since a time that the endpoint has not taken, also those it missed while switched off; how many.

    Raises ApiError 1503, 404; 5 for a time in the future or before the retention; 4090 while it is switched off.
    """
    require(actor, MANAGE)
    now = clock.now()
    if since > now:
        raise errors.invalid("since", _("This moment is in the future."))
    if since < now - timedelta(days=settings.WEBHOOK_RETENTION_DAYS + 1):
        raise errors.invalid(
            "since", _("Messages are kept for %(days)s days.") % {"days": settings.WEBHOOK_RETENTION_DAYS}
        )
    row = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk, deleted_at=None).first()
    if row is None:
        raise errors.not_found("webhook endpoint")
    _check_on(row)
    missed = Message.objects.filter(endpoint=row, state=Message.State.FAILED, is_test=False, created_at__gte=since)
    count = missed.update(state=Message.State.DUE, next_attempt_at=now, tries=0, finished_at=None)
    if count:
        wake_lanes([endpoint_lane(row).pk])
    record(
        type="webhook_endpoint.recovered",
        actor=actor,
        organization_id=row.organization_id,
        subject=("webhook_endpoint", row.public_id),
        data={"since": clock.to_text(since), "messages": count},
    )
    return count


def _check_on(endpoint: Endpoint) -> None:
    if endpoint.deleted_at is not None:
        raise errors.conflict(_("The endpoint was deleted."))
    if not endpoint.enabled:
        raise errors.conflict(_("The endpoint is switched off: switch it on first."))
