"""Columns that hold sealed secrets, and sealing all of them again with the newest key (`manage.py reseal`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.conf import settings

from apps.core.sealing import SealBroken, Sealer

# model label, column: text by Sealer.seal, "" for none. A test finds columns that are missing here.
SEALED: Final[tuple[tuple[str, str], ...]] = (
    ("accounts.ApiKey", "sealed_secret"),
    ("jobs.ProviderAccount", "sealed"),
    ("webhooks.Endpoint", "sealed"),
    ("webhooks.Endpoint", "sealed_previous"),
    ("webhooks.CallbackSecret", "sealed"),
    ("webhooks.CallbackSecret", "sealed_previous"),
)


@dataclass(frozen=True, slots=True)
class Resealed:
    """What became of one column: rows sealed anew, rows changed meanwhile by someone else, rows that no key opens."""

    column: str
    done: int = 0
    changed: int = 0
    broken: int = 0


def reseal() -> Iterator[Resealed]:
    """Seals every kept secret with the first of SEALING_KEYS; stopped at any row it can be run again."""
    sealer = Sealer(settings.SEALING_KEYS)
    for label, column in SEALED:
        rows = apps.get_model(label)._default_manager
        done = changed = broken = 0
        for key, sealed in rows.exclude(**{column: ""}).values_list("pk", column).iterator(chunk_size=500):
            if not sealed:
                continue
            try:
                anew = sealer.reseal(sealed)
            except SealBroken:
                broken += 1
                continue
            # A row that was written since has been sealed with the newest key already.
            if rows.filter(pk=key, **{column: sealed}).update(**{column: anew}):
                done += 1
            else:
                changed += 1
        yield Resealed(f"{label}.{column}", done, changed, broken)
