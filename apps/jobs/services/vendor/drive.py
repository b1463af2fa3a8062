"""A worker's turn in a job's conversation with its vendor: create and change steps, and what ends it.

Exactly once at the vendor (DESIGN section 3): each call is committed before it is sent, what the answer says is kept in one
transaction with the call's outcome, and an answer that nobody saw is looked into before anything is sent again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.core import clock, errors
from apps.core.errors import JobError
from apps.events import queue
from apps.jobs import states
from apps.jobs.services import account_health, account_limits, accounts, finish, review, routing
from apps.jobs.services.leases import Lease, LeaseLost, claim, give_back
from apps.jobs.services.vendor import collect, measure
from apps.jobs.services.vendor.calls import Unseen
from apps.jobs.services.vendor.sending import Sender
from apps.jobs.services.vendor.waits import Wait, backoff, spread
from apps.jobs.services.vendor.work import full_work, plain_work, with_memo
from apps.projects.services.fetch import FetchError
from apps.providers.conversation import AccountRefused, Step, Throttled, Unavailable, Verdict, Work
from apps.providers.registry import PROVIDERS

logger = logging.getLogger(__name__)
MAX_STEPS: Final = 200
"""Of one take-up: a conversation that needs more goes round in circles."""
SOON: Final = 2.0
"""Pauses up to so many seconds are slept through by the worker itself."""


def submit_remote(public_id: str) -> bool:
    """Goes on with the steps that make or change something, until it is the poller's turn. False when not to be taken."""
    return _take_up(public_id, collecting=False)


def collect_remote(public_id: str) -> bool:
    """The same after a poll that found the work done or waiting for review: reads it once more and takes over what it made."""
    return _take_up(public_id, collecting=True)


def _take_up(public_id: str, *, collecting: bool) -> bool:
    job = claim(public_id)
    if job is None:
        return False
    if PROVIDERS[job.provider].remote is None:  # it went to another provider after this message was sent
        give_back(job, count=False)
        queue.enqueue("advance", public_id)
        return True
    with structlog.contextvars.bound_contextvars(job=public_id), Lease(job) as lease:
        talk = Conversation(job, lease, collecting=collecting)
        try:
            talk.go()
        except LeaseLost:
            logger.info("job taken away")
        except Exception as error:
            talk.stumble(error)
        except BaseException:
            give_back(job, count=False)  # a deployment: the job goes on elsewhere
            raise
    return True


class Conversation(Sender):
    """One take-up of a job by this worker."""

    def go(self) -> None:
        """Steps until the poller or a later worker is to go on, the job pauses or ends. Raises whatever hinders it."""
        self._row = routing.account_for(self.job)
        # What only reads needs no files: a source that was deleted meanwhile does not spoil finished work.
        self.work = plain_work(self.job) if self.collecting else self._with_files()
        last: tuple[Step, object] | None = None
        for _ in range(MAX_STEPS):
            self.lease.check()
            step = self.remote.next_step(self.work, self.account())
            if step.kind != "read" and not self.filled:
                self.work = self._with_files()
                step = self.remote.next_step(self.work, self.account())
            if step.kind == "read":
                if not self.collecting:
                    self.hand_over(self.remote.poll_seconds if self.progressed else 0.0)
                    return
                verdict = self.read(step)
            else:
                made = (replace(step, request=replace(step.request, headers={})), self.work.memo)
                if made == last:
                    raise RuntimeError(f"{step.operation} is asked for twice and nothing is remembered of it")
                last = made
                verdict = self.make(step)
            if self.stand(verdict):
                return
        raise RuntimeError("the conversation does not end")

    def read(self, step: Step) -> Verdict:
        """A reading step, its answer taken over."""
        verdict = self.remote.take(self.work, step.operation, self.ask(step))
        account_health.saw_ok(self.row, reading=True)
        if verdict.status in ("working", "unknown") and verdict.memo is not None and verdict.memo != self.work.memo:
            self._keep(verdict)
        self.work = with_memo(self.work, verdict.memo)
        return verdict

    def stand(self, verdict: Verdict) -> bool:
        """Acts on where the conversation stands; True when this take-up is over."""
        if verdict.status == "failed":
            raise JobError(verdict.error_code or errors.PROVIDER_FAILED, verdict.error)
        if verdict.status == "canceled":
            raise JobError(errors.PROVIDER_FAILED, "the provider canceled the work")
        if verdict.status == "succeeded":
            self._collect(verdict)
            return True
        if verdict.status == "review" and not self.work.reviewed:
            self._pause(verdict)
            return True
        following = self.remote.next_step(self.work, self.account())
        if following.kind == "read":
            if self.collecting and self.progressed:
                self.progressed = False
                return False
            self.hand_over(self.remote.poll_seconds if verdict.wait is None else verdict.wait)
            return True
        if verdict.wait and verdict.wait > SOON:
            raise Wait(verdict.wait)
        time.sleep(verdict.wait or 0.0)
        return False

    def hand_over(self, seconds: float) -> None:
        """The worker lets go: from now on the poller looks after the job."""
        values = {"lease_owner": "", "lease_until": None, "next_run_at": None, "next_poll_at": _after(spread(seconds))}
        self._mine().update(tries=F("tries") - 1, **values)

    def stumble(self, error: Exception) -> None:
        """What hindered a take-up decides when, and whether, there is another."""
        job = self.job
        if isinstance(error, FetchError) and error.again and job.tries < settings.JOB_MAX_TRIES:
            give_back(job, seconds=backoff(job.tries))
        elif isinstance(error, JobError):
            finish.fail_job(job, error, owner=self.lease.owner)
        elif isinstance(error, Wait):
            give_back(job, seconds=spread(error.seconds), count=False)
        elif isinstance(error, Throttled):
            pause = error.retry_after if error.retry_after is not None else backoff(job.poll_failures + 1)
            account_limits.hold_back(self.row, pause)
            self._later(spread(pause))
        elif isinstance(error, Unseen):
            logger.warning("the outcome of a call is unknown", extra={"reason": str(error)})
            account_health.saw_trouble(self.row, str(error), "unavailable")
            self._later(backoff(job.poll_failures + 1))
        elif isinstance(error, AccountRefused | Unavailable | routing.Resting | routing.NoAccount):
            self._elsewhere(error)
        elif isinstance(error, collect.Spoiled):
            self._again(error)
        else:
            logger.error("fault while working on a job", exc_info=error)
            if job.tries >= settings.JOB_MAX_TRIES:
                finish.fail_job(job, JobError(errors.PROVIDER_FAILED), owner=self.lease.owner)
            else:
                give_back(job, seconds=backoff(job.tries))

    def _with_files(self) -> Work:
        self.filled = True
        measure.fit_hold(self.job, self.lease)
        return full_work(self.job, self.remote, lambda: self.lease.lost)

    # ---- ends of a take-up

    def _collect(self, verdict: Verdict) -> None:
        try:
            collect.complete(self.job, self.lease, verdict)
        except collect.LinksExpired as error:
            if self.job.tries >= settings.JOB_MAX_TRIES:
                raise JobError(errors.PROVIDER_FAILED, str(error)) from None
            # A poll gives fresh links. This try counts.
            values = {"lease_owner": "", "lease_until": None, "next_run_at": None, "next_poll_at": clock.now()}
            self._mine().update(**values)

    def _pause(self, verdict: Verdict) -> None:
        if verdict.transcript is None:
            raise JobError(errors.PROVIDER_FAILED, "the provider stopped for review without a text")
        gate = str(self.job.order.get("review_after") or "never")
        stage = gate if gate in states.REVIEW_GATES else states.TRANSLATE
        self._keep(verdict)
        if not review.pause_job(self.job, owner=self.lease.owner, stage=stage, document=verdict.transcript):
            raise LeaseLost(self.lease.owner)

    def _again(self, error: Exception) -> None:
        if self.job.tries >= settings.JOB_MAX_TRIES:
            finish.fail_job(self.job, JobError(errors.PROVIDER_FAILED, str(error)), owner=self.lease.owner)
        else:
            give_back(self.job, seconds=backoff(self.job.tries))

    def _later(self, seconds: float) -> None:
        """Trouble at the vendor: once more after a pause, and this try does not count; the deadline ends it."""
        self._mine().update(poll_failures=F("poll_failures") + 1)
        give_back(self.job, seconds=seconds, count=False)

    def _elsewhere(self, error: Exception) -> None:
        """The account is refused, ill or resting: what has not begun goes to another one, what has begun waits for it."""
        rest = self._tell_health(error)
        if routing.begun(self.job):
            self._later(max(rest, backoff(self.job.poll_failures + 1)))
            return
        onward = routing.fail_over(self.job)
        if onward.action == "fail":
            finish.fail_job(self.job, JobError(errors.PROVIDER_FAILED, onward.reason), owner=self.lease.owner)
        elif onward.action == "wait":
            self._later(spread(onward.seconds))
        elif isinstance(error, Unavailable) and rest == 0:
            self._later(backoff(self.job.poll_failures + 1))  # its account has not had enough yet
        else:
            with transaction.atomic():
                self._later(0.0)
                queue.enqueue("advance", self.job.public_id)

    def _tell_health(self, error: Exception) -> float:
        """Tells the breaker; seconds that the account rests now."""
        if self._row is None:
            return 0.0
        if isinstance(error, AccountRefused):
            accounts.forget_token(self.row)
            account_health.saw_trouble(self.row, str(error), "refused")
        elif isinstance(error, Unavailable):
            account_health.saw_trouble(self.row, str(error), "unavailable")
        self.row.refresh_from_db(fields=["open_until"])
        return account_health.rests(self.row)


def _after(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)
