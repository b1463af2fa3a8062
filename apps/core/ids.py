"""Public identifiers: a prefix that names the kind, then 16 time-ordered characters."""

from __future__ import annotations

import re
import secrets
import time
from typing import Final

# Crockford base32, lower case: no i, l, o, u, so that an id can be read aloud and typed.
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# prefix -> what it names; the database keeps the whole text, so a prefix is never reused for another kind.
PREFIXES: Final[dict[str, str]] = {
    "org": "organization",
    "usr": "user",
    "key": "API key",
    "inv": "invitation",
    "ast": "asset",
    "upl": "upload",
    "prj": "project",
    "trn": "translation",
    "trs": "transcript revision",
    "job": "job",
    "art": "artefact",
    "gls": "glossary",
    "hld": "hold",
    "evt": "event",
    "led": "ledger entry",
    "mem": "membership",
    "req": "request",
    "whe": "webhook endpoint",
    "whm": "webhook message",
    "pac": "provider account",
}
ID_PATTERN: Final = re.compile(rf"^(?P<prefix>[a-z]{{3}})_[{ALPHABET}]{{16}}\Z")

_TIME_CHARS: Final = 7  # 35 bits of eighths of a second since 1970: lasts until 2106
_RANDOM_CHARS: Final = 9  # 45 random bits within one eighth of a second


def new_id(prefix: str) -> str:
    """Make a new id such as ``job_0h5x2c9k3f7mq1az``.

    The first 7 characters count eighths of a second since 1970, so new rows land side by side in an index; the
    other 9 are random (45 bits). Ids are names, not secrets: every read is checked against the actor's organization.
    Raises ValueError for a prefix that is not in PREFIXES.
    """
    if prefix not in PREFIXES:
        raise ValueError(f"unknown id prefix {prefix!r}")
    value = (int(time.time() * 8) & ((1 << 35) - 1)) << 45 | secrets.randbits(45)
    chars = [ALPHABET[(value >> shift) & 31] for shift in range(5 * (_TIME_CHARS + _RANDOM_CHARS - 1), -1, -5)]
    return f"{prefix}_{''.join(chars)}"


def is_id(text: str, prefix: str | None = None) -> bool:
    """Say whether text is spelled like an id (of that kind, when a prefix is given)."""
    match = ID_PATTERN.match(text)
    return match is not None and (prefix is None or match["prefix"] == prefix)
