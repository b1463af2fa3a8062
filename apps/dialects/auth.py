"""From a key's text, wherever a vendor's client puts it, to who acts: the checks 1 to 5 of DESIGN section 4, then the rate limit."""

from __future__ import annotations

from django.http import HttpRequest

from apps.accounts import keys
from apps.accounts.actor import Actor
from apps.accounts.keys import ParsedKey
from apps.accounts.services import authenticate_bearer
from apps.plans import quota


def key_of(text: str) -> ParsedKey:
    """`sk_…` as sent, for `submit(actor=…, count=True)`, which does all the checks in its own round trip.

    Raises ApiError 7 when it is not spelled like a key.
    """
    return keys.parse_key(text.strip())


def key_of_bearer(request: HttpRequest) -> str:
    """The key's text in `Authorization: Bearer sk_…`, "" when there is none."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def actor_of(request: HttpRequest, text: str, permission: str | None = "jobs.view") -> Actor:
    """Who acts with this key, allowed to do `permission` and counted against its requests a minute.

    Raises ApiError 7, 1302, 814, 1503, 1305 or 4290, in this order. The answer then tells what is left of the minute.
    """
    actor = authenticate_bearer(f"Bearer {text}", permission=permission, request_id=getattr(request, "request_id", ""))
    count(request, actor)
    return actor


def count(request: HttpRequest, actor: Actor) -> None:
    """Counts one request of an actor that was found in another way (a verified signature). Raises ApiError 4290."""
    used = quota.take(actor)
    request.dialect_quota = used  # type: ignore[attr-defined]  # base.finish puts it into the headers
    used.check()
