"""An account at Azure: its fields, where it is called and as whom (resource key, or an application of Microsoft Entra)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from apps.core.errors import JobError
from apps.providers.azure import failures, wire
from apps.providers.base import AccountField
from apps.providers.conversation import Account, AccountRefused, Step, Throttled, Unavailable, WireReply, WireRequest

DEFAULT_ENDPOINT: Final = "https://eastus.api.cognitive.microsoft.com"
AUTHORITY: Final = "https://login.microsoftonline.com"
SCOPE: Final = "https://cognitiveservices.azure.com/.default"
GET_TOKEN: Final = "GetToken"

ACCOUNT_FIELDS: Final[tuple[AccountField, ...]] = (
    AccountField(
        "key",
        "Resource key",
        secret=True,
        required=False,
        help="Key of the Speech resource. Leave it empty to use an application of Microsoft Entra instead.",
    ),
    AccountField("tenant", "Entra tenant", required=False, help="Id or domain of the directory."),
    AccountField("client_id", "Entra application (client) id", required=False),
    AccountField("client_secret", "Entra client secret", secret=True, required=False),
    AccountField(
        "authority", "Entra authority", required=False, default=AUTHORITY, help="Another one in national clouds."
    ),
    AccountField(
        "api_version", "api-version", required=False, default=wire.VERSION_2026, help=" or ".join(wire.API_VERSIONS)
    ),
    AccountField(
        "time_to_live_hours",
        "Hours that Azure keeps a translation",
        required=False,
        help=f"Only with {wire.VERSION_2026}; empty: until we delete it. A later iteration needs it there, or starts anew.",
    ),
)


def base_url(account: Account) -> str:
    """The endpoint; a region moves the default one there."""
    if account.region and account.endpoint in ("", DEFAULT_ENDPOINT):
        return f"https://{quote(account.region)}.api.cognitive.microsoft.com"
    return account.endpoint or DEFAULT_ENDPOINT


def version_of(account: Account) -> str:
    """The api-version of the account. Raises AccountRefused for one that we do not speak."""
    version = account.values.get("api_version") or wire.VERSION_2026
    if version not in wire.API_VERSIONS:
        raise AccountRefused(f"api-version {version} is not one of {', '.join(wire.API_VERSIONS)}")
    return version


def hours_to_live(account: Account) -> int | None:
    """timeToLiveInHours; None when left empty. Raises AccountRefused when it is no number of hours."""
    text = account.values.get("time_to_live_hours", "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 24 * 365:
        raise AccountRefused("time_to_live_hours is no number of hours")
    return int(text)


def authorization(account: Account) -> dict[str, str]:
    """The header that says who calls. Raises AccountRefused when there is neither key nor token."""
    if key := account.values.get("key"):
        return {"Ocp-Apim-Subscription-Key": key}
    if account.token:
        return {"Authorization": f"Bearer {account.token}"}
    raise AccountRefused("the account has neither a resource key nor an Entra application")


def token_step(account: Account) -> Step | None:
    """Asks Entra for a token by client credentials; None when the account has a key. Raises AccountRefused."""
    values = account.values
    if values.get("key"):
        return None
    if not (values.get("tenant") and values.get("client_id") and values.get("client_secret")):
        raise AccountRefused("the account has neither a resource key nor tenant, client id and client secret")
    url = f"{(values.get('authority') or AUTHORITY).rstrip('/')}/{quote(values['tenant'], safe='')}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": values["client_id"],
        "client_secret": values["client_secret"],
        "scope": SCOPE,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return Step(GET_TOKEN, WireRequest("POST", url, headers, urlencode(form).encode()), "read")


def take_token(reply: WireReply) -> tuple[str, float]:
    """The token and its life in seconds. Raises AccountRefused or Unavailable."""
    document = _document(reply)
    if reply.status == 429 or reply.status >= 500:
        raise Unavailable(f"Entra answered {reply.status}")
    if reply.status != 200:
        words = document.get("error_description") or document.get("error") or f"status {reply.status}"
        raise AccountRefused(f"Entra: {str(words).splitlines()[0][:300]}")
    token, life = document.get("access_token"), document.get("expires_in")
    if not isinstance(token, str) or not token:
        raise Unavailable("Entra answered without a token")
    try:
        seconds = float(life)  # type: ignore[arg-type]  # some authorities write it as text
    except (TypeError, ValueError, OverflowError):
        seconds = 300.0
    return token, max(0.0, seconds)


def take_test(reply: WireReply) -> str:
    """What the list of translations told. Raises AccountRefused or Unavailable."""
    try:
        document = failures.read(reply)
    except Throttled as error:
        raise Unavailable(str(error)) from None
    except JobError as error:
        raise AccountRefused(error.reason) from None
    rows = document.get("value")
    if not isinstance(rows, list):
        raise Unavailable("Azure answered without a list of translations")
    return "Azure answered: the account may see its translations."


def _document(reply: WireReply) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
