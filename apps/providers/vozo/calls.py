"""Vozo's requests: the address, the key, a JSON body."""

from __future__ import annotations

import msgspec

from apps.providers.conversation import Account, WireRequest


def call(account: Account, method: str, path: str, body: msgspec.Struct | None = None) -> WireRequest:
    """A request as this account."""
    headers = {"Authorization": f"Bearer {account.values.get('api_key', '')}", "Accept": "application/json"}
    if body is None:
        return WireRequest(method, account.endpoint + path, headers)
    headers["Content-Type"] = "application/json"
    return WireRequest(method, account.endpoint + path, headers, msgspec.json.encode(body))
