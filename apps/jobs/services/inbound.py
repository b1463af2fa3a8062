"""Inbound callbacks of vendors: stored raw and answered at once, worked on by the poller, each only once and in any order.

A callback is a hint. What it says is taken from the vendor itself by a poll, unless its adapter can read a verdict out of a body
whose signature holds; both end in vendor.poll.settle. docs/decisions/vendors.md says why.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction

from apps.core import clock
from apps.core.errors import JobError
from apps.jobs import states
from apps.jobs.models import InboundCallback, Job, ProviderAccount, ProviderCall
from apps.jobs.services import accounts
from apps.jobs.services.routing import client_id
from apps.jobs.services.vendor import calls, poll
from apps.jobs.services.vendor.poll import Due
from apps.jobs.services.vendor.work import plain_work, read_opaque
from apps.providers.base import HearsAccount, RemoteAdapter
from apps.providers.conversation import AccountRefused, Forged, Unavailable
from apps.providers.registry import PROVIDERS

logger = logging.getLogger(__name__)
MAX_BODY: Final = 1 << 20
BATCH: Final = 50
PATIENCE: Final = timedelta(minutes=5)
"""How long a callback waits for a job that a worker holds, or for an account that cannot be opened."""
KEPT: Final = timedelta(days=14)
MOST_WAITING: Final = 20
"""Callbacks of one job that wait; of a whole account MOST_WAITING_ACCOUNT. One is a hint, and more of the same tell no more."""
MOST_WAITING_ACCOUNT: Final = 500
MOST_KEPT: Final = 1000
MOST_KEPT_ACCOUNT: Final = 5000
"""Of one job, or an organization's account, of whatever state, for KEPT: whoever knows an address must not fill the disk by it."""
State = InboundCallback.State


def known_address(provider: str, opaque: str) -> tuple[Job | None, ProviderAccount | None] | None:
    """Whom an address of ours stands for: a job, or a whole account; None for one that is none of ours."""
    name = read_opaque(opaque)
    if name is None or provider not in PROVIDERS or PROVIDERS[provider].remote is None:
        return None
    account = ProviderAccount.objects.filter(provider=provider, public_id=name).first()
    if account is not None:
        return None, account
    public_id, _, attempt = name.rpartition("-")
    job = Job.objects.select_related("provider_account").filter(public_id=public_id, provider=provider).first()
    if job is None:
        return None
    # One of an earlier attempt is taken and found useless.
    return (job, job.provider_account) if str(job.attempt) == attempt else (None, None)


class TooMany(Exception):
    """So many callbacks of this address wait, or were kept, that no more are taken."""


def take_in(provider: str, opaque: str, url: str, headers: Mapping[str, str], body: bytes) -> bool | None:
    """Stores a callback raw. False when it was here before, None when the address is none of ours. Raises TooMany."""
    known = known_address(provider, opaque)
    if known is None:
        return None
    job, account = known
    if _full(provider, job, account):
        raise TooMany
    remote = PROVIDERS[provider].remote
    assert remote is not None
    kept_headers = {name.lower()[:100]: value[:2000] for name, value in list(headers.items())[:100]}
    fields = {"provider": provider, "account": account, "job": job, "url": url[:4096], "body": body}
    keys = (
        _key(remote, opaque, body),
        _digest(opaque, body),
        _digest(opaque, body, repr(sorted(kept_headers.items()))),
    )
    for key in filter(None, keys):
        try:
            with transaction.atomic():
                InboundCallback.objects.create(key=key, headers=kept_headers, **fields)
            return True
        except IntegrityError:
            # Whoever knows the address could send a key, or a whole body, first: only what was verified makes a later one a duplicate.
            before = InboundCallback.objects.filter(provider=provider, key=key).first()
            if before is None or before.state == State.DONE:
                return False
            if bytes(before.body) == body and before.headers == kept_headers:
                return False
    return False


def _full(provider: str, job: Job | None, account: ProviderAccount | None) -> bool:
    if job is not None:
        rows = InboundCallback.objects.filter(job=job)
        return rows.filter(state=State.NEW).count() >= MOST_WAITING or rows.count() >= MOST_KEPT
    rows = InboundCallback.objects.filter(provider=provider, job=None, account=account)
    if rows.filter(state=State.NEW).count() >= MOST_WAITING_ACCOUNT:
        return True
    # The operator's own accounts are called by their vendors alone.
    operators = account is not None and account.organization_id is None
    return not operators and rows.count() >= MOST_KEPT_ACCOUNT


def work_off() -> int:
    """Works on callbacks that wait, oldest first; how many are done with. Any number of processes may do it.

    All that wait are looked at: those whose job is busy stay, and must not keep the ones behind them waiting.
    """
    done, after = 0, 0
    while True:
        worked, last = _work_off(after)
        done += worked
        if last is None:
            return done
        after = last


def _work_off(after: int) -> tuple[int, int | None]:
    """A batch behind that row: how many are done with, and the last one's number (None: it was the last batch)."""
    done, seen, last = 0, 0, after
    with transaction.atomic():
        rows = InboundCallback.objects.select_for_update(skip_locked=True, of=("self",))
        rows = rows.filter(state=State.NEW, id__gt=after)
        for row in rows.select_related("account", "job__provider_account").order_by("id")[:BATCH]:
            seen, last = seen + 1, row.pk
            try:
                with transaction.atomic():
                    outcome = _work_on(row)
            except Exception:
                logger.exception("a callback could not be worked on", extra={"callback": row.pk})
                outcome = (State.USELESS, "it could not be read")
            if outcome is None:
                if row.received_at + PATIENCE > clock.now():
                    continue
                outcome = (State.USELESS, "its job was never free")
            row.state, row.note, row.done_at = outcome[0], outcome[1][:200], clock.now()
            row.save(update_fields=["state", "note", "done_at"])
            done += 1
    return done, last if seen == BATCH else None


def clean() -> int:
    """Removes what was received long ago."""
    return InboundCallback.objects.filter(received_at__lt=clock.now() - KEPT).exclude(state=State.NEW).delete()[0]


def _work_on(row: InboundCallback) -> tuple[str, str] | None:
    """State and note; None: later."""
    remote = PROVIDERS[row.provider].remote
    if remote is None:
        return State.USELESS, "no such provider any more"
    job, account_row = row.job, row.account
    body = bytes(row.body)
    if account_row is None:
        return State.USELESS, "of an earlier attempt"
    try:
        account = replace(accounts.plain_account(account_row), now=row.received_at.timestamp())
        remote.verify_callback(account, row.url, row.headers, body, row.received_at.timestamp())
    except Forged as error:
        return State.FORGED, str(error)
    except (AccountRefused, Unavailable):
        return None
    if job is None:
        job = _named_in(remote, account_row, body)
    if job is None:
        return State.USELESS, "no job of ours"
    return _apply(remote, job, body)


def _apply(remote: RemoteAdapter, job: Job, body: bytes) -> tuple[str, str] | None:
    """A verdict that the callback itself holds, else: poll now."""
    job = Job.objects.select_for_update(of=("self",), no_key=True).get(pk=job.pk)
    if job.status != states.PROCESSING:
        return State.DONE, f"the job is {job.status}"
    if job.lease_owner:
        # A worker has it; what it hears itself is newer. When it waits for the poller afterwards, the callback is looked at again.
        return None
    due = _due(job)
    work = plain_work(job)
    try:
        verdict = remote.take_callback(work, body)
    except JobError as error:
        poll.settle([poll.Told(due, "fail", error=error)])
        return State.DONE, "failed"
    except Exception:
        # It is the vendor's; what it says is asked for.
        logger.exception("a callback could not be read", extra={"job": job.public_id})
        verdict = None
    if verdict is None:
        if job.next_poll_at is None:
            return State.DONE, "a worker is to go on"
        Job.objects.filter(pk=job.pk).update(next_poll_at=clock.now())
        return State.DONE, "polled"
    told = poll.told(due, verdict, pace=0.0)
    told.claimed = None
    if told.memo is not None or told.ref:
        _answer_unseen(job)
    poll.settle([told])
    return State.DONE, f"taken over: {verdict.status}"


def _answer_unseen(job: Job) -> None:
    """The callback tells that a create whose answer nobody saw was done."""
    if job.provider_ref:
        return
    unseen = ProviderCall.objects.filter(job=job, client_id=client_id(job), outcome__in=calls.UNANSWERED)
    for call in unseen:
        calls.settle(call, ProviderCall.Outcome.OK, "the answer was never seen; the provider called back")


def _named_in(remote: RemoteAdapter, account: ProviderAccount, body: bytes) -> Job | None:
    """The job that a callback to an account's address is about: by the vendor's id, or ours, that the adapter reads out of it."""
    ref = remote.callback_ref(body) if isinstance(remote, HearsAccount) else ""
    if not ref:
        return None
    rows = Job.objects.filter(provider_account=account).order_by("-id")
    public_id, _, attempt = ref.rpartition("-")
    found = rows.filter(provider_ref=ref).first()
    if found is None and attempt.isdigit():
        found = rows.filter(public_id=public_id, attempt=int(attempt)).first()
    return found


def _due(job: Job) -> Due:
    return Due(
        pk=job.pk,
        public_id=job.public_id,
        organization_id=job.organization_id,
        attempt=job.attempt,
        provider=job.provider,
        account=job.provider_account_id or 0,
        place=0,
        claimed=clock.now(),
        order="",
        memo="",
        iteration=job.iteration,
        reviewed_stage=job.reviewed_stage,
        stage=job.stage,
        fraction=job.progress_fraction,
        failures=job.poll_failures,
        created_at=job.created_at,
        base=job.base_job_id,
        service=job.service,
        delay=0.0,
        base_memo=None,
    )


def _key(remote: RemoteAdapter, opaque: str, body: bytes) -> bytes:
    """What makes two deliveries the same, as far as the adapter can tell from bytes that nobody has verified yet."""
    try:
        told = remote.callback_key(body)
    except Exception:
        logger.info("a callback's key could not be read", exc_info=True)
        return b""
    return _digest(opaque, b"", told) if told else b""


def _digest(opaque: str, body: bytes, more: str = "") -> bytes:
    parts = (opaque.encode(), body, more.encode("utf-8", "replace"))
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
