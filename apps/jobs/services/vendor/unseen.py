"""What to do about a create or change whose answer nobody saw: send it again, look it up first, or once more and never again."""

from __future__ import annotations

from typing import Final, Protocol

from django.conf import settings

from apps.core import clock, errors
from apps.core.errors import JobError
from apps.jobs.models import ProviderCall
from apps.jobs.services.vendor import calls
from apps.jobs.services.vendor.waits import Wait
from apps.jobs.services.vendor.work import with_memo
from apps.providers.base import RemoteAdapter
from apps.providers.conversation import Account, Step, Verdict, WireReply, Work

MAX_PAGES: Final = 100


class Asker(Protocol):
    """The part of a conversation that is needed here."""

    remote: RemoteAdapter
    work: Work

    def account(self) -> Account: ...

    def ask(self, step: Step) -> WireReply: ...


def resolve(asker: Asker, step: Step, call: ProviderCall) -> Verdict | None:
    """The work that an unseen call made after all; None: it may be sent (again).

    Raises Wait while it is too early to tell, and JobError 10908 when it must not be sent again.
    """
    if call.outcome == ProviderCall.Outcome.PENDING:
        # We hold the lease, so whoever sent it is gone.
        ProviderCall.objects.filter(pk=call.pk, outcome=ProviderCall.Outcome.PENDING).update(
            outcome=ProviderCall.Outcome.UNKNOWN, finished_at=clock.now()
        )
    if step.repeat == "harmless":
        return None
    listed = step.repeat == "find" and asker.remote.find_step(asker.work, step.operation, asker.account()) is not None
    grace = settings.VENDOR_GRACE_SECONDS if listed else settings.VENDOR_ONCE_SECONDS
    left = grace - (clock.now() - call.created_at).total_seconds()
    if left > 0:
        raise Wait(left, "the outcome of a call is unknown")
    if listed:
        found = _look(asker, step.operation)
        if found is not None:
            calls.settle(call, ProviderCall.Outcome.OK, "the answer was never seen; the provider's list has it")
        return found
    if calls.times_unseen_of(call) >= 2:
        raise JobError(errors.PROVIDER_FAILED, "the provider twice did not say whether it took the work")
    return None


def _look(asker: Asker, operation: str) -> Verdict | None:
    """Asks the vendor's list, page by page."""
    work = asker.work
    for _ in range(MAX_PAGES):
        step = asker.remote.find_step(work, operation, asker.account())
        if step is None:
            return None
        verdict = asker.remote.take_found(work, operation, asker.ask(step))
        if verdict is None or verdict.status != "unknown":
            return verdict
        work = with_memo(work, verdict.memo)
    return None
