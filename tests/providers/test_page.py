"""docs/providers.md is what the code says, and every row of it leads to something that exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from apps.core.errors import job_codes
from apps.engine.outputs import Kind
from apps.jobs.models import Job
from apps.providers.orders import LipsyncOrder, TranslationOrder
from apps.providers.registry import PROVIDERS
from scripts.providers_page import LIPSYNC_FIELDS, option_fields, page

# What of ours is neither in an order nor in an account: the work as adapters see it, its text, and the verbs of a job.
OURS = {"work", "transcript", "glossaries", "provider_ref", "measured", "iteration", "resume", "forget"}
REMOTE = [name for name, provider in PROVIDERS.items() if provider.remote is not None]


def test_the_page_is_what_the_code_says() -> None:
    written = Path(__file__).resolve().parents[2] / "docs" / "providers.md"
    assert written.read_text(encoding="utf-8") == page(), "run: python -m scripts.providers_page > docs/providers.md"


def test_every_option_has_its_row() -> None:
    assert set().union(*(provider.capabilities().options for provider in PROVIDERS.values())) <= set(option_fields())
    abilities = [able for provider in PROVIDERS.values() for able in provider.capabilities().lipsync.values()]
    assert set().union(*(able.options for able in abilities)) <= set(LIPSYNC_FIELDS)


def order_paths(shape: Any = TranslationOrder, prefix: str = "") -> set[str]:
    """Every path of an order: "voice", "voice.kind", ..."""
    found = set()
    for field in msgspec.structs.fields(shape):
        found.add(prefix + field.name)
        for part in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                found |= order_paths(part, f"{prefix}{field.name}.")
    return found


def parts(ours: str) -> list[str]:
    """ "account.tenant, client_id" -> both of them whole; what follows a space is a value."""
    found: list[str] = []
    for part in ours.split(","):
        word = part.split()[0]
        within = found and found[0].startswith("account.") and "." not in word
        found.append(f"account.{word}" if within else word)
    return found


def exists(ours: str, fields: set[str], paths: set[str]) -> bool:
    """Whether a place of ours is one."""
    head, _, rest = ours.partition(".")
    if head == "account":
        return rest in fields
    if head == "artefact":
        return rest in get_args(Kind)
    if head == "stage":
        return rest in Job.Stage.values
    if head == "status":
        return not rest or rest in Job.Status.values
    if head == "error":
        return rest in ("", "code", "text") or (rest.isdigit() and int(rest) in job_codes())
    return head in OURS or ours in paths or (head in paths and rest.isdigit())


@pytest.mark.parametrize("name", REMOTE)
def test_every_row_leads_to_something_that_exists(name: str) -> None:
    provider = PROVIDERS[name]
    assert provider.remote is not None
    fields = {field.name for field in provider.remote.fields} | {"endpoint", "region"}
    paths = order_paths() | order_paths(LipsyncOrder)
    rows = provider.capabilities().parameters
    assert rows, "a vendor without a mapped document"
    wrong = [
        (row.theirs, row.ours)
        for row in rows
        if row.ours and not all(exists(p, fields, paths) for p in parts(row.ours))
    ]
    assert wrong == []
    assert len({(row.theirs, row.ours) for row in rows}) == len(rows), "a row twice"


def test_what_is_not_sent_says_why() -> None:
    silent = [
        (n, row.theirs) for n in REMOTE for row in PROVIDERS[n].capabilities().parameters if not (row.ours or row.note)
    ]
    assert silent == []
