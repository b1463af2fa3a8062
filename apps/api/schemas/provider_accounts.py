"""Shapes of providers, and of the accounts at them that an organization brings."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(max_length=8192)]
Values = Annotated[
    dict[str, Text],
    Meta(
        description="Fields by name, as GET /providers lists them in account_fields. Secret ones are never given back."
    ),
]
Rate = Annotated[float, Meta(ge=0, le=10_000, description="0: the adapter's own.")]


class AccountField(Struct, frozen=True, kw_only=True):
    """One thing to fill in for an account of this provider."""

    name: str
    label: str
    secret: bool
    required: bool
    default: str
    help: str


class Provider(Struct, frozen=True, kw_only=True):
    """What carries jobs out, and what it can do.

    `available`: an order may name it; otherwise `reason` says why not. `account`: "own", "operator", or null for none.
    `healthy` false: its accounts rest after trouble, orders wait or go elsewhere. `account_fields`: null for the built-in engine.
    """

    name: str
    title: str
    available: bool
    reason: str
    account: Literal["own", "operator"] | None
    healthy: bool
    capabilities: dict[str, Any]
    account_fields: list[AccountField] | None


class Providers(Struct, frozen=True, kw_only=True):
    """Every provider of this installation."""

    items: list[Provider]


class ProviderAccount(Struct, frozen=True, kw_only=True):
    """An account that the organization brought. `values` without the secret fields; `secrets` names those that are kept."""

    id: str
    provider: str
    name: str
    enabled: bool
    state: Literal["off", "resting", "trial", "trouble", "well", "new"]
    endpoint: str
    region: str
    values: dict[str, str]
    secrets: list[str]
    priority: int
    submits_per_second: float
    polls_per_second: float
    concurrency: int
    last_ok_at: datetime | None
    tested_at: datetime | None
    last_error: str
    created_at: datetime


class ProviderAccounts(Struct, frozen=True, kw_only=True):
    """All of them, by provider and priority."""

    items: list[ProviderAccount]


class NewProviderAccount(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account to keep; limits of 0 mean the adapter's own, the lowest priority is tried first."""

    provider: Annotated[str, Meta(max_length=32)]
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    values: Values
    endpoint: Annotated[str, Meta(max_length=255)] = ""
    region: Annotated[str, Meta(max_length=40)] = ""
    enabled: bool = True
    priority: Annotated[int, Meta(ge=0, le=10_000)] = 100
    submits_per_second: Rate = 0.0
    polls_per_second: Rate = 0.0
    concurrency: Annotated[int, Meta(ge=0, le=1_000_000, description="Jobs at once; 0: no limit.")] = 0


class ProviderAccountChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to change; the rest stays. A secret of "" stays, too."""

    name: Annotated[str, Meta(min_length=1, max_length=80)] | UnsetType = UNSET
    values: Values | UnsetType = UNSET
    endpoint: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    region: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=0, le=10_000)] | UnsetType = UNSET
    submits_per_second: Rate | UnsetType = UNSET
    polls_per_second: Rate | UnsetType = UNSET
    concurrency: Annotated[int, Meta(ge=0, le=1_000_000)] | UnsetType = UNSET


class ProviderAccountTest(Struct, frozen=True, kw_only=True):
    """What a real, harmless call to the provider came to; http_status is null when no answer came."""

    ok: bool
    said: str
    http_status: int | None
    seconds: float
