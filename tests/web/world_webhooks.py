"""The webhooks of the pages' small world."""

from __future__ import annotations

import json
from datetime import timedelta

from django.utils import timezone

from apps.accounts.actor import Actor
from apps.webhooks import payloads
from apps.webhooks.catalog import BY_NAME
from apps.webhooks.models import Attempt, Endpoint, Message
from apps.webhooks.services.endpoints import create_endpoint


def make_webhooks(actor: Actor) -> tuple[dict[str, str], dict[str, str]]:
    """An endpoint that works, one that fails and one that was switched off, with messages in every state: ids by state."""
    now = timezone.now()
    webhooks: dict[str, str] = {}
    messages: dict[str, str] = {}
    for name, description in (("on", "Order desk"), ("failing", "Staging"), ("off", "")):
        endpoint, _ = create_endpoint(
            actor=actor,
            url=f"https://hooks.example.org/kinoglot/{name}",
            description=description,
            event_types=[] if name == "on" else ["job.completed", "job.failed", "job.paused", "asset.ready"],
        )
        webhooks[name] = endpoint.public_id
    row = Endpoint.objects.filter(public_id=webhooks["failing"])
    row.update(failing_since=now - timedelta(hours=30), last_failure_at=now)
    row = Endpoint.objects.filter(public_id=webhooks["off"])
    row.update(enabled=False, disabled_reason="failing", disabled_at=now - timedelta(hours=3))
    for name, state, statuses in (
        ("on", "sent", [204]),
        ("failing", "due", [500, None]),
        ("off", "failed", [502, 502]),
        ("on", "due", []),
    ):
        endpoint = Endpoint.objects.get(public_id=webhooks[name])
        message = Message.objects.create(
            organization=actor.organization,
            lane=endpoint.lane,
            endpoint=endpoint,
            type="job.completed",
            subject_id="job_0h5x2c9k3f7mq1az",
            body=json.dumps(payloads.example(BY_NAME["job.completed"])),
            state=state,
            next_attempt_at=now + timedelta(minutes=5) if state == "due" else None,
            attempt_count=len(statuses),
            last_status=statuses[-1] if statuses else None,
            last_error="" if state == "sent" or not statuses else "The host took too long to answer.",
        )
        messages[state if statuses else "waiting"] = message.public_id
        for number, status in enumerate(statuses, 1):
            Attempt.objects.create(
                message=message,
                number=number,
                url=endpoint.url,
                request_headers={"content-type": "application/json", "webhook-id": message.public_id},
                status=status,
                response_headers={"content-type": "text/html"} if status else {},
                response_body="<h1>Bad Gateway</h1>" if status == 502 else "",
                error="" if status == 204 else "The host took too long to answer.",
                started_at=now,
                duration_ms=84,
            )
    return webhooks, messages
