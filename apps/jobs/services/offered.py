"""What an organization may order from: providers with what they can do, and which languages the remote ones add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.core import languages
from apps.jobs.services.account_health import rests
from apps.jobs.services.routing import accounts_for, usable_providers
from apps.projects.services.fetch import engine_settings
from apps.providers.base import Provider
from apps.providers.local.provider import LOCAL
from apps.providers.registry import PROVIDERS


@dataclass(frozen=True, slots=True)
class OfferedProvider:
    """A provider as customers see it. `reason` says why it cannot be ordered from, or "" when it can.

    `account` is "own", "operator", or "" for one that needs none or has none; `capabilities` are JSON data.
    """

    name: str
    title: str
    available: bool
    reason: str
    account: str
    healthy: bool
    capabilities: Mapping[str, Any]


def providers_offered(*, actor: Actor) -> list[OfferedProvider]:
    """Every provider in the order of routing; one query."""
    LOCAL.use(engine_settings())
    own: dict[str, list[bool]] = {}
    operators: dict[str, list[bool]] = {}
    for row in accounts_for(actor.organization.pk):
        (own if row.organization_id else operators).setdefault(row.provider, []).append(rests(row) == 0)
    offered = []
    for provider in PROVIDERS.values():
        name = provider.name
        account = "own" if name in own else "operator" if name in operators else ""
        available = provider.remote is None or bool(account)
        offered.append(
            OfferedProvider(
                name=name,
                title=provider.title,
                available=available,
                reason="" if available else _("It needs an account: none is in use here."),
                account=account,
                healthy=available and (provider.remote is None or any(own.get(name, []) + operators.get(name, []))),
                capabilities=_capabilities(provider),
            )
        )
    return offered


def remote_targets(*, actor: Actor, source: str, steps: Sequence[str], provider: str = "") -> dict[str, str]:
    """Target locale -> title of the first remote provider, usable here, that makes it from speech with these steps.

    With `provider` only of that one.
    """
    if not any(entry.remote for entry in PROVIDERS.values()):
        return {}
    found: dict[str, str] = {}
    speaks = "voice" in steps
    for name in usable_providers(actor.organization.pk):
        entry = PROVIDERS[name]
        if entry.remote is None or (provider and name != provider):
            continue
        able = entry.capabilities()
        if not set(steps) <= able.steps:
            continue
        for target in languages.targets():
            if target != source and target not in found and not able.pair(source, target, True, speaks):
                found[target] = entry.title
    return found


def remote_titles() -> dict[str, str]:
    """Name -> title of the providers that take accounts."""
    return {name: entry.title for name, entry in PROVIDERS.items() if entry.remote is not None}


def _capabilities(provider: Provider) -> dict[str, Any]:
    able = provider.capabilities()
    return {
        "steps": sorted(able.steps),
        "subtitle_sources": sorted(able.subtitle_sources),
        "export_types": sorted(able.export_types),
        "media_types": sorted(able.media_types),
        "options": sorted(able.options),
        "lipsync": {
            model: {"options": sorted(one.options), "resolutions": sorted(one.resolutions)}
            for model, one in sorted(able.lipsync.items())
        },
        "max_bytes": able.max_bytes or None,
        "max_seconds": able.max_seconds or None,
        "remarks": list(able.remarks),
    }
