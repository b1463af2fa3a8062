"""Shapes of estimates, balance, ledger and plan."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from apps.api.schemas.common import Credits, NextCursor, PageQuery

PoolName = Literal["portal", "api"]


class EstimateLine(Struct, frozen=True, kw_only=True):
    """Price of one step in one language."""

    locale: str
    stage: str
    unit: str
    quantity: int
    credits: Credits


class WalletChange(Struct, frozen=True, kw_only=True):
    """What the order would do to the wallet that pays it."""

    pool: PoolName
    before: Credits
    after: Credits
    sufficient: bool


class Estimate(Struct, frozen=True, kw_only=True):
    """Expected price, and the most that can be charged (what is set aside)."""

    lines: list[EstimateLine]
    total: Credits
    max_total: Annotated[Credits, Meta(description="Set aside at the order; never more is charged.")]
    exact: Annotated[bool, Meta(description="False while the length of the media is not known.")]
    wallet: WalletChange


class Wallet(Struct, frozen=True, kw_only=True):
    """One of the two balances; they are never interchangeable."""

    pool: PoolName
    available: Credits
    held: Credits


class Balance(Struct, frozen=True, kw_only=True):
    """Both wallets, and which one pays for calls made like this one."""

    pool: PoolName
    available: Credits
    held: Credits
    wallets: list[Wallet]


class LedgerEntry(Struct, frozen=True, kw_only=True):
    """One fact about a wallet; never changed afterwards."""

    id: str
    kind: Annotated[str, Meta(examples=["grant", "hold", "capture", "release"])]
    available: Annotated[Credits, Meta(description="Change of the available balance.")]
    held: Annotated[Credits, Meta(description="Change of the credits set aside.")]
    available_after: Credits
    held_after: Credits
    job: str | None
    note: str
    created_at: datetime


class LedgerPage(Struct, frozen=True, kw_only=True):
    """A page of the ledger, newest first."""

    pool: PoolName
    items: list[LedgerEntry]
    next_cursor: NextCursor


class LedgerQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which wallet."""

    pool: Annotated[PoolName | None, Meta(description="Default: the wallet that pays for calls like this one.")] = None


class Plan(Struct, frozen=True, kw_only=True):
    """What the organization may do."""

    code: str
    name: str
    status: str
    api_access: bool
    portal_credits: Credits
    api_credits: Credits
    max_file_bytes: int
    max_duration: Annotated[int, Meta(description="Seconds.")]
    max_targets: int
    translate_concurrency: int
    lipsync_concurrency: int
    requests_per_minute: int
    retention_days: int
    period_start: datetime | None
    period_end: datetime | None
