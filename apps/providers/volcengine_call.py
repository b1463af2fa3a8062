"""Signed requests to Volcengine and the reading of its answers: what both of its services have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from apps.core import errors
from apps.core.errors import JobError
from apps.providers import volcengine_errors as table
from apps.providers import volcengine_sign
from apps.providers.base import AccountField
from apps.providers.conversation import Account, AccountRefused, Throttled, Unavailable, WireReply, WireRequest

FIELDS: Final = (
    AccountField("access_key_id", "Access key ID", help="Console, IAM, Key management; begins with AKLT."),
    AccountField("secret_access_key", "Secret access key", secret=True),
    AccountField(
        "session_token", "Session token", secret=True, required=False, help="Only with temporary credentials."
    ),
)
"""Of every Volcengine account."""
_LONGEST_REASON: Final = 300


def call(
    account: Account,
    *,
    service: str,
    region: str,
    action: str,
    version: str,
    method: str = "POST",
    query: Mapping[str, str] | None = None,
    body: Any = None,
    form: Mapping[str, str] | None = None,
) -> WireRequest:
    """A signed request. `body` goes as JSON, `form` as a form, `query` beside Action and Version; `region` when the account has none."""
    url = f"{account.endpoint}/?{urlencode({'Action': action, 'Version': version, **(query or {})})}"
    content, headers = b"", {"Accept": "application/json"}
    if form is not None:
        content, headers["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
    elif body is not None:
        content, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
    signed = volcengine_sign.sign(
        method,
        url,
        access_key=account.values.get("access_key_id", ""),
        secret_key=account.values.get("secret_access_key", ""),
        session_token=account.values.get("session_token", ""),
        region=account.region or region,
        service=service,
        now=account.now,
        body=content,
        headers=headers,
    )
    signed.pop("Host")  # the HTTP client writes it, in the same words
    return WireRequest(method, url, signed, content)


def read(reply: WireReply) -> dict[str, Any]:
    """The whole document of a good answer.

    Raises Throttled (429 or FlowLimitExceeded), AccountRefused (key, signature, rights, clock, debts), Unavailable (5xx, internal
    errors, no JSON) and JobError 10908 for any other refusal.
    """
    try:
        document = msgspec.json.decode(reply.body) if reply.body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    found = table.error_of(document)
    code, _, message = found or ("", 0, "")
    root = code.partition(".")[0]
    said = f"Volcengine answers {code or f'HTTP {reply.status}'}: {message[:_LONGEST_REASON] or 'no reason given'}"
    if reply.status == 429 or root in table.THROTTLED_CODES:
        raise Throttled(said, retry_after(reply))
    if reply.status >= 500 or root in table.ILL_CODES:
        raise Unavailable(said)
    if reply.status in (401, 403) or root in table.ACCOUNT_CODES:
        raise AccountRefused(said)
    if found is not None:
        raise JobError(errors.PROVIDER_FAILED, said)
    if not isinstance(document, dict) or not 200 <= reply.status < 300:
        raise Unavailable(f"Volcengine's answer cannot be read (HTTP {reply.status})")
    return document


def retry_after(reply: WireReply) -> float | None:
    """The Retry-After of an answer in seconds, when it says one."""
    try:
        return max(0.0, float(reply.headers.get("retry-after", "")))
    except ValueError:
        return None


def field(document: Any, *path: str) -> Any:
    """A value deep in a document, None where a step of the path is missing."""
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def rows(document: Any, *path: str) -> list[Mapping[str, Any]]:
    """A list of objects deep in a document, [] where there is none; what is no object is passed over."""
    found = field(document, *path)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def text(document: Any, *path: str) -> str:
    """A text deep in a document, "" where there is none."""
    found = field(document, *path)
    return found if isinstance(found, str) else ""


def number(document: Any, *path: str) -> float | None:
    """A number deep in a document (also one written as text), None where there is none."""
    found = field(document, *path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        value = float(found)
    except ValueError:
        return None
    return value if value == value and abs(value) < 1e15 else None
