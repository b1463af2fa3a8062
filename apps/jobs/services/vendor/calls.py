"""One call to a vendor: committed as a ProviderCall before it is sent, its outcome and raw answer kept after, secrets masked."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote, quote_plus

from django.conf import settings

from apps.core import clock
from apps.core.http import Reply, request
from apps.jobs.models import Job, ProviderAccount, ProviderCall
from apps.jobs.services.accounts import adapter_of, policy
from apps.jobs.services.routing import client_id
from apps.jobs.services.vendor.storable import storable
from apps.providers.conversation import Account, Step, WireReply, WireRequest

MAX_KEPT: Final = 20_000
"""Characters of a body that are kept."""
MAX_ANSWER: Final = 8 << 20
"""Bytes of an answer: a long transcript comes in one."""
KEPT_HEADERS: Final = frozenset(
    {"retry-after", "content-type", "date", "operation-location", "location", "x-ms-error-code", "x-ms-request-id"}
    | {"apim-request-id", "x-tt-logid", "x-request-id"}
)
MIN_SECRET: Final = 4
"""Shorter texts are not looked for: they would blot out half a body."""
UNANSWERED: Final = (ProviderCall.Outcome.PENDING, ProviderCall.Outcome.UNKNOWN)


class Unseen(Exception):
    """A create or change was sent, and nobody saw whether it was done."""


class Recorder:
    """Keeps the calls of one job at one account."""

    def __init__(self, job: Job, row: ProviderAccount, account: Account) -> None:
        self._job = job
        self._row = row
        self._secrets = secrets_of(row.provider, account)

    def begin(self, step: Step) -> ProviderCall:
        """The call as a committed row, before anything is sent. Headers are never kept: they hold the credentials."""
        wanted = step.request
        kept = {"method": wanted.method, "url": self._mask(wanted.url), "body": self._text(wanted.body)}
        return ProviderCall.objects.create(
            job=self._job,
            provider=self._job.provider,
            account=self._row,
            operation=step.operation[:40],
            client_id=client_id(self._job),
            request=kept,
        )

    def end(self, call: ProviderCall, outcome: str, *, reply: WireReply | None = None, note: str = "") -> None:
        """Keeps how a call went: its outcome, HTTP status and raw answer, and a remark of ours."""
        answer: dict[str, Any] = {"note": self._mask(note)[:500]} if note else {}
        if reply is not None:
            answer["body"] = self._text(reply.body)
            answer["headers"] = {
                name: self._mask(value[:1000]) for name, value in reply.headers.items() if name in KEPT_HEADERS
            }
        ProviderCall.objects.filter(pk=call.pk).update(
            outcome=outcome,
            http_status=reply.status if reply is not None else None,
            response=answer or None,
            finished_at=clock.now(),
        )
        call.outcome = outcome

    def _text(self, body: bytes) -> str:
        return self._mask(body[: 4 * MAX_KEPT].decode("utf-8", "replace"))[:MAX_KEPT]

    def _mask(self, text: str) -> str:
        """Without the account's secrets, also where they were quoted for a URL or for JSON."""
        for secret in self._secrets:
            for form in {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}:
                text = text.replace(form, "***")
        return str(storable(text))


def exchange(wanted: WireRequest, *, total_seconds: float = 0.0) -> WireReply:
    """Sends a request and reads its answer, whatever its status. Raises OutboundError; its `unsent` tells what is certain."""
    reply = request(
        wanted.method,
        wanted.url,
        policy=policy(total_seconds or settings.VENDOR_CALL_SECONDS, max_reply_bytes=MAX_ANSWER),
        headers=dict(wanted.headers),
        content=wanted.body or None,
    )
    return wire_reply(reply)


def wire_reply(reply: Reply) -> WireReply:
    """An answer of the outbound door as adapters take it."""
    # httpx works its headers' encoding out at each look at them; names and values of HTTP/1.1 are Latin-1.
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.headers.raw}
    return WireReply(reply.status, headers, reply.content)


def settle(call: ProviderCall, outcome: str, note: str) -> None:
    """What became known of an unanswered call later, without another answer of its own."""
    ProviderCall.objects.filter(pk=call.pk, outcome__in=UNANSWERED).update(
        outcome=outcome, response={"note": note[:500]}, finished_at=clock.now()
    )


def unanswered(job: Job, operation: str) -> ProviderCall | None:
    """The newest call of this operation, when nobody saw its answer (a killed worker leaves it `pending`)."""
    newest = (
        ProviderCall.objects.filter(job=job, client_id=client_id(job), operation=operation[:40]).order_by("-id").first()
    )
    return newest if newest is not None and newest.outcome in UNANSWERED else None


def times_unseen_of(call: ProviderCall) -> int:
    """How many calls of the same operation and attempt, this one included, never had an answer."""
    return ProviderCall.objects.filter(
        job_id=call.job_id, client_id=call.client_id, operation=call.operation, outcome__in=UNANSWERED
    ).count()


def secrets_of(provider: str, account: Account) -> list[str]:
    """The secret values, the longest first (one may be part of another)."""
    found = {
        account.token,
        *(account.values.get(field.name, "") for field in adapter_of(provider).fields if field.secret),
    }
    return sorted((secret for secret in found if len(secret) >= MIN_SECRET), key=len, reverse=True)
