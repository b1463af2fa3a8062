"""Routing: which provider carries a job out, and through which account; and where it goes when that one fails it.

Usable is a provider that works in our own processes, or one with an enabled account of the job's organization or of staff. An
organization's own account goes before staff's. Once anything was created at a vendor the job stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from django.db.models import F, Q, QuerySet

from apps.accounts.actor import Actor
from apps.accounts.keys import ParsedKey
from apps.accounts.models import ApiKey
from apps.core import clock
from apps.events import log
from apps.jobs import states
from apps.jobs.models import Job, ProviderAccount, ProviderCall
from apps.jobs.services import account_health, account_limits
from apps.jobs.services.orders import order_of
from apps.projects.services.fetch import engine_settings
from apps.providers.base import Provider, problems
from apps.providers.local.provider import LOCAL
from apps.providers.orders import Order
from apps.providers.registry import PROVIDERS, NoProvider, choose

PATIENCE: Final = timedelta(hours=6)
"""How long a job waits, from its first try, for an account that takes it; then it fails with 10908."""
BUSY_SECONDS: Final = 15.0
NONE_SECONDS: Final = 60.0


Usable = Callable[[], Collection[str]]


class NoAccount(Exception):
    """No account of the provider is in use for this organization."""


class Resting(Exception):
    """Every account rests after trouble, or is full; `seconds` until it is worth asking again."""

    def __init__(self, seconds: float, reason: str) -> None:
        self.seconds = seconds
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Onward:
    """What to do with a job whose account failed it: advance it "again", "wait" for `seconds`, or "fail" it (10908)."""

    action: Literal["again", "wait", "fail"]
    seconds: float = 0.0
    reason: str = ""


def client_id(job: Job) -> str:
    """Our id of this attempt at a vendor: a repeated create with it is harmless where the vendor takes one."""
    return f"{job.public_id}-{job.attempt}"


def begun(job: Job) -> bool:
    """Whether anything was, or may have been, created at the vendor for this attempt: then the job stays there."""
    if job.provider_ref or job.provider_memo:
        return True
    calls = ProviderCall.objects.filter(job=job, client_id=client_id(job))
    return calls.exclude(outcome=ProviderCall.Outcome.REFUSED).exists()


def accounts_for(organization_id: int | None) -> QuerySet[ProviderAccount]:
    """Accounts in use that the organization's jobs may take: its own first, then staff's, each by priority."""
    mine = Q(organization=None) | Q(organization_id=organization_id) if organization_id else Q(organization=None)
    return ProviderAccount.objects.filter(mine, enabled=True).order_by(
        F("organization_id").asc(nulls_last=True), "priority", "pk"
    )


def usable_providers(organization_id: int | None) -> list[str]:
    """Names of the providers that the organization's orders may use, in the registry's order; one query at most."""
    remote = [name for name, provider in PROVIDERS.items() if provider.remote is not None]
    having: set[str] = set()
    if remote:
        having = set(accounts_for(organization_id).order_by().values_list("provider", flat=True).distinct())
    return [name for name, provider in PROVIDERS.items() if provider.remote is None or name in having]


def usable_for(caller: Actor | ParsedKey) -> Usable:
    """The same for whoever orders, looked up when it is asked for; a key that does not exist has what everyone has."""

    def find() -> list[str]:
        if isinstance(caller, Actor):
            return usable_providers(caller.organization.pk)
        found = ApiKey.objects.filter(key_id=caller.key_id).values_list("organization_id", flat=True).first()
        return usable_providers(found)

    return find


def check_order(order: Order, usable: Usable | None) -> dict[str, list[str]]:
    """Field -> reasons why no provider can take the order. `usable` is asked only when our own engine does not settle it."""
    LOCAL.use(engine_settings())
    if order.provider in (None, LOCAL.name) and not problems(LOCAL, order):
        return {}
    try:
        choose(order, usable=usable() if usable is not None else None)
    except NoProvider as error:
        return error.errors
    return {}


def route(job: Job) -> Provider:
    """Chooses and keeps the provider: the kept one, the order's, the organization's preference, else the first healthy that covers it.

    A job that has begun, and an iteration of a remote job, stay where they are. Raises NoProvider.
    """
    LOCAL.use(engine_settings())
    if job.provider in PROVIDERS and (PROVIDERS[job.provider].remote is None or begun(job)):
        return PROVIDERS[job.provider]
    base = job.base_job
    if base is not None and base.provider in PROVIDERS and PROVIDERS[base.provider].remote is not None:
        return _keep(job, PROVIDERS[base.provider])
    order = order_of(job)
    if order.provider is not None:  # admitted with an account; if that was taken away since, the job waits for it
        return _keep(job, choose(order))
    usable = usable_providers(job.organization_id)
    preferred = job.provider or job.organization.preferred_provider
    healthy = [name for name in usable if _healthy(name, job.organization_id)]
    try:
        return _keep(job, choose(order, preferred=preferred, usable=healthy))
    except NoProvider:
        return _keep(job, choose(order, preferred=preferred, usable=usable))


def account_for(job: Job) -> ProviderAccount:
    """The account that carries the job: the kept one once anything was created, else the best that is free; kept in the row.

    Raises NoAccount or Resting.
    """
    kept = job.provider_account
    if kept is not None and kept.provider == job.provider and begun(job):
        return kept
    base = job.base_job
    if base is not None and base.provider_account is not None and base.provider == job.provider:
        return _bind(job, base.provider_account)
    rows = list(accounts_for(job.organization_id).filter(provider=job.provider))
    if not rows:
        raise NoAccount(f"no account of {_title(job.provider)} is in use")
    rests: list[float] = []
    for row in rows:
        if (wait := account_health.rests(row)) > 0:
            rests.append(wait)
        elif not account_limits.has_room(row, but=job):
            rests.append(BUSY_SECONDS)
        elif (wait := account_health.may_send(row)) > 0:
            rests.append(wait)
        else:
            return _bind(job, row)
    raise Resting(min(rests), _reason(rows))


def fail_over(job: Job) -> Onward:
    """Where a job goes whose account was refused, is ill, rests or is gone: next account, next provider, or it waits.

    Only what has created nothing moves, and never to a provider other than the one that the order names.
    """
    reason = _reason(list(accounts_for(job.organization_id).filter(provider=job.provider)))
    if job.started_at is not None and job.started_at + PATIENCE < clock.now():
        return Onward("fail", reason=reason)
    if begun(job) or job.base_job_id is not None:
        row = ProviderAccount.objects.filter(jobs=job).first()
        return Onward("wait", max(account_health.rests(row) if row else 0.0, BUSY_SECONDS), reason)
    if _healthy(job.provider, job.organization_id, but=job):
        return Onward("again", reason=reason)
    order = order_of(job)
    if order.provider is None:
        others = [
            name
            for name in usable_providers(job.organization_id)
            if name != job.provider and _healthy(name, job.organization_id, but=job)
        ]
        LOCAL.use(engine_settings())
        try:
            chosen = choose(order, preferred=job.organization.preferred_provider, usable=others)
        except NoProvider:
            pass
        else:
            _keep(job, chosen)
            return Onward("again", reason=reason)
    rests = [
        account_health.rests(row) or BUSY_SECONDS
        for row in accounts_for(job.organization_id).filter(provider=job.provider)
    ]
    return Onward("wait", min(rests, default=NONE_SECONDS), reason)


def _keep(job: Job, provider: Provider) -> Provider:
    """Writes the choice; the Event tells of a change only. A job that begins elsewhere meanwhile keeps what it has."""
    rows = Job.objects.filter(pk=job.pk, status=states.PROCESSING, provider_ref="")
    if rows.exclude(provider=provider.name).update(provider=provider.name, provider_account=None):
        was, job.provider, job.provider_account = job.provider, provider.name, None
        data = {"provider": provider.name} | ({"from": was} if was else {})
        log.record(type="job.routed", actor=None, organization_id=job.organization_id, subject=job, data=data)
    return provider


def _bind(job: Job, row: ProviderAccount) -> ProviderAccount:
    if job.provider_account_id != row.pk:
        Job.objects.filter(pk=job.pk).update(provider_account=row)
        job.provider_account = row
    return row


def _healthy(provider: str, organization_id: int | None, *, but: Job | None = None) -> bool:
    """Whether the provider works in our own processes, or has an account that neither rests nor is full."""
    entry = PROVIDERS.get(provider)
    if entry is None or entry.remote is None:
        return entry is not None
    rows = accounts_for(organization_id).filter(provider=provider)
    return any(account_health.rests(row) == 0 and account_limits.has_room(row, but=but) for row in rows)


def _reason(rows: list[ProviderAccount]) -> str:
    """Why nothing goes on, in words that a customer may read: what the vendor said of our account is for the console."""
    if not rows:
        return "no account of this provider is in use at the moment"
    title = _title(rows[0].provider)
    if any(account_health.rests(row) > 0 for row in rows):
        return f"{title} does not work at the moment"
    return f"{title} is busy"


def _title(provider: str) -> str:
    entry = PROVIDERS.get(provider)
    return entry.title if entry is not None else provider
