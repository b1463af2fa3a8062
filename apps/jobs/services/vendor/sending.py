"""The sending half of a job's conversation: a step is committed, sent, read and kept, so that it is done once."""

from __future__ import annotations

import logging
import time

from django.db import transaction
from django.db.models import QuerySet

from apps.core import clock
from apps.core.errors import JobError
from apps.core.http import OutboundError
from apps.jobs import states
from apps.jobs.models import Job, ProviderAccount, ProviderCall
from apps.jobs.services import account_health, account_limits, accounts, routing
from apps.jobs.services.leases import Lease, LeaseLost
from apps.jobs.services.vendor import calls, unseen
from apps.jobs.services.vendor.calls import Unseen
from apps.jobs.services.vendor.storable import storable
from apps.jobs.services.vendor.waits import Wait
from apps.jobs.services.vendor.work import plain_work, with_memo
from apps.providers.conversation import Account, AccountRefused, Step, Throttled, Unavailable, Verdict, WireReply, Work

logger = logging.getLogger(__name__)


class Sender:
    """One take-up of a job: who it is, and how its steps are sent."""

    def __init__(self, job: Job, lease: Lease, *, collecting: bool) -> None:
        self.job = job
        self.lease = lease
        self.remote = accounts.adapter_of(job.provider)
        self.collecting = collecting
        self.progressed = False
        self.filled = False
        self.work: Work = plain_work(job)
        self._row: ProviderAccount | None = None

    @property
    def row(self) -> ProviderAccount:
        """The account that carries the job."""
        assert self._row is not None, "asked for before it was chosen"
        return self._row

    def account(self) -> Account:
        """The account in the clear, at this moment."""
        return accounts.open_account(self.row)

    def ask(self, step: Step) -> WireReply:
        """Sends a step that only reads."""
        try:
            return calls.exchange(step.request)
        except OutboundError as error:
            raise Unavailable(str(error)) from None

    def make(self, step: Step) -> Verdict:
        """A create or change: sent unless it was done already, its answer kept."""
        earlier = calls.unanswered(self.job, step.operation)
        verdict = unseen.resolve(self, step, earlier) if earlier is not None else None
        if verdict is not None:
            self._keep(verdict)
        else:
            if step.kind == "create":
                self._wait_for_slot()
            verdict = self._send(step)
        self.work = with_memo(self.work, verdict.memo)
        return verdict

    def _wait_for_slot(self) -> None:
        if routing.begun(self.job) and (rest := account_health.may_send(self.row)) > 0:
            raise Wait(rest, "the account rests")
        pause = account_limits.reserve_submit(self.row)
        if pause > account_limits.SOON:
            raise Wait(pause, "others are sent first")
        time.sleep(pause)

    def _send(self, step: Step) -> Verdict:
        self.lease.check()
        recorder = calls.Recorder(self.job, self.row, self.account())
        call = recorder.begin(step)
        try:
            reply = calls.exchange(step.request)
        except OutboundError as error:
            outcome = ProviderCall.Outcome.REFUSED if error.unsent else ProviderCall.Outcome.UNKNOWN
            recorder.end(call, outcome, note=str(error))
            raise (Unavailable if error.unsent else Unseen)(str(error)) from None
        try:
            verdict = self.remote.take(self.work, step.operation, reply)
        except (Throttled, AccountRefused, JobError) as error:
            recorder.end(call, ProviderCall.Outcome.REFUSED, reply=reply, note=str(error))
            raise
        except Exception as error:
            if not isinstance(error, Unavailable):
                logger.exception("an answer could not be read")
            recorder.end(call, ProviderCall.Outcome.UNKNOWN, reply=reply, note=str(error))
            raise Unseen(str(error)) from None
        with transaction.atomic():
            recorder.end(call, ProviderCall.Outcome.OK, reply=reply)
            kept = self._keep_row(verdict)
        account_health.saw_ok(self.row)
        if not kept:
            raise LeaseLost(self.lease.owner)
        return verdict

    def _keep(self, verdict: Verdict) -> None:
        with transaction.atomic():
            kept = self._keep_row(verdict)
        if not kept:
            raise LeaseLost(self.lease.owner)

    def _keep_row(self, verdict: Verdict) -> bool:
        """Memo and ref into the row while it is ours. A job that ended meanwhile keeps them too, for clearing up at the vendor."""
        values: dict[str, object] = {"poll_failures": 0}
        if verdict.memo is not None:
            values["provider_memo"] = self.job.provider_memo = storable(verdict.memo)
        if verdict.ref:
            values["provider_ref"] = self.job.provider_ref = storable(verdict.ref)[:200]
        if verdict.stage in Job.Stage.values:
            values["stage"] = self.job.stage = verdict.stage
        if self._mine().update(tries=1, **values):
            self.job.tries, self.job.poll_failures, self.progressed = 1, 0, True
            return True
        values.pop("stage", None)
        ended = Job.objects.filter(pk=self.job.pk, attempt=self.job.attempt, status__in=states.FINAL)
        ended.update(close_at=clock.now(), **values)
        return False

    def _mine(self) -> QuerySet[Job]:
        return Job.objects.filter(pk=self.job.pk, status=states.PROCESSING, lease_owner=self.lease.owner)
