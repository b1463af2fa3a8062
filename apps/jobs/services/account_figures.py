"""Figures of accounts for the console: state, jobs in flight, calls of the last hour. Bounded reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from django.db.models import Count

from apps.core import clock
from apps.jobs import states
from apps.jobs.models import Job, ProviderAccount, ProviderCall
from apps.jobs.services import accounts
from apps.jobs.services.vendor.work import account_callback_url
from apps.providers.base import HearsAccount
from apps.providers.conversation import AccountRefused

State = Literal["off", "resting", "trial", "trouble", "well", "new"]
RECENT: Final = 5000
"""Calls are counted among the newest so many rows."""


@dataclass
class Figures:
    """Of one account. `calls` counts by outcome; only what makes or changes something is kept as a call."""

    running: int = 0
    calls: dict[str, int] = field(default_factory=dict)


def state_of(row: ProviderAccount) -> State:
    """In one word: switched off, resting after trouble, next job tries it, trouble lately, well, never used."""
    if not row.enabled:
        return "off"
    if row.open_until is not None:
        return "resting" if row.open_until > clock.now() else "trial"
    if row.failures:
        return "trouble"
    return "well" if row.last_ok_at is not None else "new"


def callback_address(row: ProviderAccount) -> str | None:
    """Where the vendor is to post all callbacks of this account, to be entered in its own console.

    None for vendors that are told an address with each job, "" while the portal cannot be reached from outside (PUBLIC_URL).
    """
    return account_callback_url(row) if isinstance(accounts.adapter_of(row.provider), HearsAccount) else None


def kept_secrets(row: ProviderAccount) -> list[str]:
    """Names of the secret fields that are filled in; none when the seal cannot be opened any more."""
    try:
        return sorted(accounts.open_secrets(row))
    except AccountRefused:
        return []


def figures_for(rows: Iterable[ProviderAccount]) -> dict[int, Figures]:
    """By account; two queries however many there are."""
    found = {row.pk: Figures() for row in rows}
    if not found:
        return found
    running = Job.objects.filter(status=states.PROCESSING, provider_account__in=found)
    for account, number in running.order_by().values_list("provider_account").annotate(number=Count("pk")):
        found[account].running = number
    newest = ProviderCall.objects.order_by("-pk").values("pk")[:RECENT]
    calls = ProviderCall.objects.filter(
        pk__in=newest, account__in=found, created_at__gte=clock.now() - timedelta(hours=1)
    )
    for account, outcome, number in calls.order_by().values_list("account", "outcome").annotate(number=Count("pk")):
        found[account].calls[outcome] = number
    return found
