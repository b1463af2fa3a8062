"""Clearing up at a vendor: work of a canceled or failed job is stopped, and removed once ours is kept (settings.VENDOR_KEEP_SECONDS)."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from apps.core import clock
from apps.core.http import OutboundError
from apps.events import queue
from apps.jobs import states
from apps.jobs.models import Job, ProviderCall
from apps.jobs.services import accounts
from apps.jobs.services.vendor import calls
from apps.jobs.services.vendor.waits import backoff
from apps.jobs.services.vendor.work import plain_work
from apps.providers.conversation import AccountRefused, Step, Unavailable

logger = logging.getLogger(__name__)
MAX_TRIES: Final = 8
FIRST_PAUSE: Final = 60.0
AGAIN_SECONDS: Final = 600
"""A message about clearing up that got lost is sent again after this long."""
GONE: Final = frozenset({404, 410})
REFUSED: Final = frozenset({400, 405, 422})
"""Asking again would not help."""
BATCH: Final = 200


def wake_closings() -> int:
    """Sends a message for each job whose vendor is to be cleared up; how many.

    What later iterations build on stays until they are cleared up themselves.
    """
    now = clock.now()
    later = Job.objects.filter(base_job=OuterRef("pk")).filter(Q(status__in=states.OPEN) | Q(close_at__isnull=False))
    with transaction.atomic():
        rows = Job.objects.select_for_update(skip_locked=True, of=("self",), no_key=True).filter(
            ~Exists(later), status__in=states.FINAL, close_at__lte=now
        )
        due = list(rows.order_by("close_at").values_list("pk", "public_id")[:BATCH])
        again = now + timedelta(seconds=AGAIN_SECONDS)
        Job.objects.filter(pk__in=[pk for pk, _ in due]).update(close_at=again)
        for _, public_id in due:
            queue.enqueue("close_remote", public_id)
    return len(due)


def close_remote(public_id: str) -> bool:
    """Stops what goes on and removes what is left of an ended job at its vendor. False when there is nothing to do.

    Each call is kept. A vendor that does not answer is asked again later, a few times; then its copy stays.
    """
    job = (
        Job.objects.select_related("provider_account")
        .filter(public_id=public_id, status__in=states.FINAL, close_at__isnull=False)
        .first()
    )
    if job is None or job.provider_account is None or not (job.provider_memo or job.provider_ref):
        Job.objects.filter(public_id=public_id, status__in=states.FINAL).update(close_at=None)
        return False
    mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, status__in=states.FINAL)
    try:
        forgotten = _clear(job)
    except (AccountRefused, Unavailable, OutboundError) as error:
        tries = job.close_tries + 1
        if tries >= MAX_TRIES:
            logger.warning("a vendor could not be cleared up", extra={"job": public_id, "reason": str(error)})
            mine.update(close_at=None, close_tries=tries)
        else:
            pause = timedelta(seconds=backoff(2**tries, first=FIRST_PAUSE))
            mine.update(close_at=clock.now() + pause, close_tries=tries)
        return False
    # Without its memo nothing starts from this job at the vendor any more.
    mine.update(close_at=None, close_tries=0, **({"provider_memo": {}} if forgotten else {}))
    return True


def _clear(job: Job) -> bool:
    """Whether the vendor's copy is gone."""
    assert job.provider_account is not None
    remote = accounts.adapter_of(job.provider)
    account = accounts.open_account(job.provider_account)
    work = plain_work(job)
    if job.status != states.COMPLETED and (step := remote.cancel_step(work, account)) is not None:
        _send(job, step)
    if not settings.VENDOR_KEEP_SECONDS:
        return False
    step = remote.forget_step(work, account)
    if step is None:
        return False
    _send(job, step)
    return True


def _send(job: Job, step: Step) -> None:
    """Raises Unavailable unless the vendor did it, has no such work any more, or refuses for good."""
    assert job.provider_account is not None
    recorder = calls.Recorder(job, job.provider_account, accounts.open_account(job.provider_account))
    call = recorder.begin(step)
    try:
        reply = calls.exchange(step.request)
    except OutboundError as error:
        recorder.end(call, ProviderCall.Outcome.UNKNOWN, note=str(error))
        raise
    done = reply.status < 300 or reply.status in GONE
    recorder.end(call, ProviderCall.Outcome.OK if done else ProviderCall.Outcome.REFUSED, reply=reply)
    if not done and reply.status not in REFUSED:
        raise Unavailable(f"{step.operation} was answered with {reply.status}")
