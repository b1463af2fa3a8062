"""The state of endpoints: how long one has been failing, and switching it off."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from apps.accounts.actor import Actor
from apps.core import clock
from apps.events import log, queue
from apps.webhooks.models import Endpoint, Message
from apps.webhooks.schedule import DISABLE_AFTER, QUIET_GAP
from apps.webhooks.services.fanout import DISABLED

logger = logging.getLogger(__name__)


def note_success(endpoint: int) -> None:
    """The endpoint took something: it is not failing any more."""
    Endpoint.objects.filter(pk=endpoint, failing_since__isnull=False).update(failing_since=None, last_failure_at=None)


def note_failure(endpoint: int, *, gone: bool = False, now: datetime | None = None) -> None:
    """The endpoint did not take a message. Switches it off when it is gone (410), or has failed for five days without a gap."""
    now = now or clock.now()
    rows = Endpoint.objects.filter(pk=endpoint, enabled=True, deleted_at=None)
    if gone:
        disable_endpoint(endpoint, reason=Endpoint.Reason.GONE)
        return
    # After a long quiet a failure is the first one again.
    rows.filter(last_failure_at__lt=now - QUIET_GAP).update(failing_since=now)
    rows.update(failing_since=Coalesce(F("failing_since"), now), last_failure_at=now)
    if rows.filter(failing_since__lte=now - DISABLE_AFTER).exists():
        disable_endpoint(endpoint, reason=Endpoint.Reason.FAILING)


@transaction.atomic
def disable_endpoint(endpoint: int, *, reason: str, actor: Actor | None = None) -> bool:
    """Switches it off: what waits for it is given up (and can be recovered), owners and admins are told unless a person did it.

    False when it was off already.
    """
    now = clock.now()
    rows = Endpoint.objects.filter(pk=endpoint, enabled=True, deleted_at=None)
    if not rows.update(enabled=False, disabled_reason=reason, disabled_at=now):
        return False
    row = Endpoint.objects.get(pk=endpoint)
    waiting = Message.objects.filter(endpoint=row, state=Message.State.DUE, is_test=False)
    given_up = waiting.update(state=Message.State.FAILED, next_attempt_at=None, finished_at=now, last_error=DISABLED)
    log.record(
        type="webhook_endpoint.disabled",
        actor=actor,
        organization_id=row.organization_id,
        subject=("webhook_endpoint", row.public_id),
        data={"reason": reason, "given_up": given_up},
    )
    if reason != Endpoint.Reason.PERSON:
        queue.enqueue("webhooks.tell_disabled", endpoint)
        logger.info("endpoint switched off", extra={"endpoint": row.public_id, "reason": reason})
    return True
