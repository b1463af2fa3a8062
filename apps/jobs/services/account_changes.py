"""Making, changing and removing provider accounts: staff's own, and those that organizations bring for their own jobs.

Secret fields are sealed on the way in and never come out again; Events name the fields that changed, never their values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict

from apps.accounts.actor import Actor
from apps.accounts.models import Organization, User
from apps.accounts.permissions import require
from apps.core import errors
from apps.core.http import OutboundError, check_url
from apps.events import log
from apps.jobs import states
from apps.jobs.models import ProviderAccount
from apps.jobs.services import accounts
from apps.providers.base import RemoteAdapter
from apps.providers.conversation import AccountRefused

MOST: Final = 50
"""Accounts of one organization."""
NAME_LENGTH: Final = 80
VALUE_LENGTH: Final = 8192
_REGION: Final = re.compile(r"[A-Za-z0-9-]{0,40}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# Largest value of each number; what has no fraction is an int.
_NUMBERS: Final[dict[str, float]] = {
    "priority": 10_000,
    "submits_per_second": 1_000.0,
    "polls_per_second": 10_000.0,
    "concurrency": 1_000_000,
}
_COST_LIMIT: Final = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of the operator's staff who looks after the operator's own accounts (no organization is acted on)."""

    user: User

    def __post_init__(self) -> None:
        if not (self.user.is_active and self.user.is_staff):
            raise errors.ApiError(errors.NOT_AUTHORIZED)

    def as_json(self) -> dict[str, str]:
        """As kept in Events."""
        return {"kind": "staff", "id": self.user.public_id, "label": self.user.get_short_name()}


class AccountDraft(Struct, frozen=True, kw_only=True):
    """What is to be in an account; what is unset stays as it is. `values` holds AccountFields by name.

    A secret given as "" stays as it is, too: it cannot be read back, so a form sends it empty.
    """

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    endpoint: str | UnsetType = UNSET
    region: str | UnsetType = UNSET
    values: Mapping[str, str] | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    submits_per_second: float | UnsetType = UNSET
    polls_per_second: float | UnsetType = UNSET
    concurrency: int | UnsetType = UNSET
    cost_per_minute: Decimal | UnsetType = UNSET


@transaction.atomic
def create_account(*, actor: Actor | Staff, provider: str, draft: AccountDraft) -> ProviderAccount:
    """A new account: of the actor's organization, or of the operator when staff makes it for everybody.

    Raises ApiError 1503, 5 naming every wrong field, 4090 above 50 accounts of one organization.
    """
    organization = _organization_of(actor)
    try:
        remote = accounts.adapter_of(provider)
    except LookupError:
        raise errors.invalid("provider", _("There is no such provider.")) from None
    if organization is not None:
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        if ProviderAccount.objects.filter(organization=organization).count() >= MOST:
            raise errors.conflict(_("There are %(number)s accounts already.") % {"number": MOST})
    row = ProviderAccount(organization=organization, provider=provider)
    changed = _fill(row, remote, draft, new=True)
    row.save()
    _tell(actor, row, "created", {"fields": changed})
    return row


@transaction.atomic
def change_account(*, actor: Actor | Staff, account: ProviderAccount, draft: AccountDraft) -> ProviderAccount:
    """Changes what the draft sets; new credentials close the breaker. Raises ApiError 1503, 404 or 5."""
    row = _locked(actor, account)
    changed = _fill(row, accounts.adapter_of(row.provider), draft, new=False)
    if changed:
        if {"endpoint", "region", "enabled"} & set(changed) or any(name.startswith("values.") for name in changed):
            row.failures, row.open_until, row.last_error, row.tested_at = 0, None, "", None
        row.save()
        _tell(actor, row, "changed", {"fields": changed})
    return row


@transaction.atomic
def delete_account(*, actor: Actor | Staff, account: ProviderAccount) -> None:
    """Removes an account and its credentials; jobs that ended keep their story without it.

    Raises ApiError 1503, 404, or 4090 while jobs of it are under way.
    """
    row = _locked(actor, account)
    open_jobs = row.jobs.filter(status__in=states.OPEN).count()
    if open_jobs:
        raise errors.conflict(
            _("%(number)s jobs of this account are under way: switch it off and wait for them.") % {"number": open_jobs}
        )
    row.jobs.update(provider_account=None)
    _tell(actor, row, "deleted", {})
    row.delete()


def _fill(row: ProviderAccount, remote: RemoteAdapter, draft: AccountDraft, *, new: bool) -> list[str]:
    """Puts a checked draft into the row and gives the names of what changed; raises code 5 with all that is wrong."""
    wrong: dict[str, list[str]] = {}
    before = (row.name, row.enabled, row.endpoint, row.region, *(getattr(row, name) for name in _NUMBERS))
    given = {name: value for name, value in asdict(draft).items() if value is not UNSET}
    name = " ".join(str(given.get("name", row.name)).split())
    if not 1 <= len(name) <= NAME_LENGTH or _CONTROL.search(name):
        wrong["name"] = [_("A name has 1 to 80 characters.")]
    row.name = name
    row.enabled = bool(given.get("enabled", row.enabled))
    addresses = _addresses(row)
    row.region = str(given.get("region", row.region)).strip()
    if not _REGION.fullmatch(row.region):
        wrong["region"] = [_("A region has letters, digits and hyphens only.")]
    elif row.region and not accounts.takes_region(remote):
        wrong["region"] = [_("This provider has no regions to choose from.")]
    row.endpoint = str(given.get("endpoint", row.endpoint)).strip().rstrip("/")
    if reason := _endpoint_wrong(row, remote):
        wrong["endpoint"] = [reason]
    for field, largest in _NUMBERS.items():
        number = given.get(field, getattr(row, field))
        if not 0 <= number <= largest:  # also true of no number at all
            wrong[field] = [_("A number from 0 to %(largest)s.") % {"largest": int(largest)}]
        setattr(row, field, number)
    kept_before = _secrets_or_none(row)
    changed_values = _fill_values(row, remote, given.get("values", {}), wrong, new=new)
    if not new and _addresses(row) != addresses:
        # Whoever may change an account could else have its secrets sent to a host of theirs, and read them there.
        again = given.get("values", {})
        for one in remote.fields:
            if one.secret and one.name in kept_before and not str(again.get(one.name, "")).strip():
                wrong.setdefault(f"values.{one.name}", []).append(_("This is needed."))
    changed_cost = _fill_cost(row, given.get("cost_per_minute"), wrong)
    if wrong:
        raise errors.invalid(errors=wrong)
    names = ("name", "enabled", "endpoint", "region", *_NUMBERS)
    after = (row.name, row.enabled, row.endpoint, row.region, *(getattr(row, name) for name in _NUMBERS))
    changed = [name for name, old, now in zip(names, before, after, strict=True) if old != now]
    return changed + changed_values + changed_cost


def _fill_values(
    row: ProviderAccount, remote: RemoteAdapter, given: Mapping[str, str], wrong: dict[str, list[str]], *, new: bool
) -> list[str]:
    fields = {field.name: field for field in remote.fields}
    for name in given:
        if name not in fields:
            wrong.setdefault(f"values.{name}"[:80], []).append(_("There is no such field."))
    # Secrets that no key opens any more count as missing: they are asked for anew.
    secrets = {} if new else _secrets_or_none(row)
    values = dict(row.values)
    changed = []
    for name, field in fields.items():
        kept = secrets if field.secret else values
        text = str(given[name]).strip() if name in given else kept.get(name, "")
        if field.secret and not text:
            text = kept.get(name, "")
        if not text and not field.secret:
            text = field.default
        if field.required and not text:
            wrong.setdefault(f"values.{name}", []).append(_("This is needed."))
        elif len(text) > VALUE_LENGTH or _CONTROL.search(text):
            wrong.setdefault(f"values.{name}", []).append(_("Too long, or it holds control characters."))
        elif not field.secret and "://" in text and (reason := _address_wrong(text)):
            wrong.setdefault(f"values.{name}", []).append(reason)
        if text != kept.get(name, ""):
            kept[name] = text
            changed.append(f"values.{name}")
    row.values = {name: values.get(name, "") for name, field in fields.items() if not field.secret}
    if any(fields[name.removeprefix("values.")].secret for name in changed):
        row.sealed = accounts.seal_secrets({name: text for name, text in secrets.items() if text})
    return changed


def _fill_cost(row: ProviderAccount, cost: object, wrong: dict[str, list[str]]) -> list[str]:
    if not isinstance(cost, Decimal) or cost == row.cost_per_minute:
        return []
    if row.organization_id is not None:
        wrong["cost_per_minute"] = [_("The cost rate is for the operator's own accounts.")]
    elif not cost.is_finite() or not 0 <= cost < _COST_LIMIT:
        wrong["cost_per_minute"] = [_("A number from 0 to %(largest)s.") % {"largest": int(_COST_LIMIT)}]
    row.cost_per_minute = cost
    return ["cost_per_minute"]


def _endpoint_wrong(row: ProviderAccount, remote: RemoteAdapter) -> str:
    """Why the address that would be called is none to call; "" when it is."""
    if not row.endpoint:
        if not remote.default_endpoint:
            return _("This provider has no address of its own: give one.")
        if "{region}" in remote.default_endpoint and not row.region:
            return _("Give a region or an address.")
        return ""
    if len(row.endpoint) > 255:
        return _("An address has at most 255 characters.")
    return _address_wrong(row.endpoint)


def _address_wrong(address: str) -> str:
    """Why no secret may be sent to an address; "" when it may."""
    policy = accounts.policy()
    try:
        url = check_url(address, policy)
    except OutboundError as error:
        return str(error)
    if url.query or url.fragment or url.userinfo:
        return _("Only scheme, host, port and path.")
    if url.scheme != "https" and not policy.names_host(url.host, url.port or 80):
        return _("Credentials travel by https only.")
    return ""


def _addresses(row: ProviderAccount) -> list[str]:
    """Where the account's secrets go: its address, and values that are addresses (Entra's authority)."""
    return [row.endpoint, *(str(value) for _name, value in sorted(row.values.items()) if "://" in str(value))]


def _secrets_or_none(row: ProviderAccount) -> dict[str, str]:
    try:
        return accounts.open_secrets(row)
    except AccountRefused:
        return {}


def _organization_of(actor: Actor | Staff) -> Organization | None:
    if isinstance(actor, Staff):
        return None
    require(actor, "org.manage")
    return actor.organization


def _locked(actor: Actor | Staff, account: ProviderAccount) -> ProviderAccount:
    """The row as it is now, locked; 404 when it is not of those that the actor looks after."""
    organization = _organization_of(actor)
    rows = ProviderAccount.objects.select_for_update(no_key=True).filter(pk=account.pk, organization=organization)
    found = rows.first()
    if found is None:
        raise errors.not_found("provider account")
    return found


def _tell(actor: Actor | Staff, row: ProviderAccount, verb: str, data: Mapping[str, object]) -> None:
    told = {"provider": row.provider, "name": row.name, **data}
    log.record(
        type=f"provider_account.{verb}", actor=actor, organization_id=row.organization_id, subject=row, data=told
    )
