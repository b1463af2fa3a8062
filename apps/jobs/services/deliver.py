"""The order's own callback_url: the ended job is posted to it, signed, until it answers with 2xx."""

from __future__ import annotations

import logging

import msgspec
from django.conf import settings

from apps.core import clock
from apps.core.http import OutboundError, OutboundPolicy, request
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services.callbacks import signed_headers
from apps.projects import storage

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 15.0


class CallbackFailed(Exception):
    """The callback did not answer with 2xx; the queue tries again later."""


def deliver_callback(public_id: str, attempt: int) -> None:
    """Posts the job in seed 003's shape. Does nothing once the job was tried again. Raises CallbackFailed."""
    job = Job.objects.select_related("organization").filter(public_id=public_id, attempt=attempt).first()
    if job is None or job.status not in states.FINAL or not job.callback_url:
        return
    main = job.artefacts.filter(is_main=True).first()
    ended = job.finished_at or clock.now()
    body = msgspec.json.encode(
        {
            "id": job.public_id,
            "model": job.model,
            "status": job.status,
            "output": storage.signed_url(main, absolute=True) if main else None,
            "error": job.error,
            "error_code": job.error_code,
            "executionTime": round((ended - (job.started_at or job.created_at)).total_seconds() * 1000),
            "timings": job.timings or None,
            "target_locale": job.target_locale,
        }
    )
    policy = OutboundPolicy(
        allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED), max_redirects=0, total_seconds=TIMEOUT_SECONDS
    )
    headers = signed_headers(job.organization.public_id, body)
    try:
        reply = request("POST", job.callback_url, policy=policy, headers=headers, content=body)
    except OutboundError as error:
        raise CallbackFailed(str(error)) from None
    if not 200 <= reply.status < 300:
        raise CallbackFailed(f"status {reply.status}")
