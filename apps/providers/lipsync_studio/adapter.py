"""The conversation with lipsync.studio: one POST that makes a job, then GETs until it has ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from apps.core import errors
from apps.core.errors import JobError
from apps.providers.base import AccountField, RemoteAdapter
from apps.providers.conversation import Account, Step, Unavailable, Verdict, WireReply, WireRequest, Work
from apps.providers.lipsync_studio import callbacks, replies, wire
from apps.providers.orders import LipsyncOrder

SUBMIT: Final = "submit"
GET: Final = "getJob"
_NO_JOB: Final = "00000000-0000-0000-0000-000000000000"


class LipsyncStudioAdapter(RemoteAdapter):
    """Carries lip-sync orders out at lipsync.studio, which has no list and can be told neither to stop nor to forget.

    Memo: `job`, its id.
    """

    fields: tuple[AccountField, ...] = (
        AccountField("api_key", "API key", secret=True, help="lipsync.studio, API keys; paid from its API credits."),
    )
    default_endpoint = wire.BASE_URL
    submits_per_second = 2.0
    polls_per_second = 10.0
    poll_seconds = wire.POLL_SECONDS

    def next_step(self, work: Work, account: Account) -> Step:
        """The submit, then polls."""
        job = work.memo.get("job")
        if job:
            return Step(GET, _call(account, "GET", f"{wire.JOBS}/{quote(str(job), safe='')}"), "read")
        order = work.lipsync
        if order is None:
            raise TypeError("lipsync.studio does not translate")
        body = wire.Submit(formState=form_state(order, work.links), webhook=work.callback_url or None)
        # No id of ours and no list: an answer never seen can only be told by the webhook.
        return Step(SUBMIT, _call(account, "POST", f"{wire.ROOT}/{order.model}", body), "create", "once")

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        """Reads the answer of a step. Raises JobError, Throttled, Unavailable or AccountRefused."""
        if operation == SUBMIT:
            job = replies.read(reply)
            return Verdict("working", memo={**work.memo, "job": job.id}, ref=job.id, stage="lipsync")
        try:
            return replies.verdict(replies.read(reply))
        except JobError as error:
            raise JobError(
                errors.PROVIDER_FAILED, f"lipsync.studio does not know the job any more: {error.reason}"
            ) from None

    def test_step(self, account: Account) -> Step:
        """Asks for a job that does not exist: an accepted key is told that, any other is refused."""
        return Step(GET, _call(account, "GET", f"{wire.JOBS}/{_NO_JOB}"), "read")

    def take_test(self, reply: WireReply) -> str:
        """Raises AccountRefused or Unavailable."""
        try:
            replies.read(reply)
        except JobError:
            return "The key is accepted."
        except Unavailable:
            # What the page does not tell is the body of "no such job"; a bare 404 says as much.
            if reply.status != 404:
                raise
            return "The service answers; whether it takes the key is seen at the first order."
        except Exception as error:
            if reply.status == 429:
                return f"The key is accepted; lipsync.studio is busy ({error})."
            raise
        return "The key is accepted."

    def verify_callback(self, account: Account, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Raises Forged unless it is a job of the schema; who knew the address is whom it was given to."""
        callbacks.read(body)

    def take_callback(self, work: Work, body: bytes) -> Verdict | None:
        """See callbacks.take."""
        return callbacks.take(work, body)


def form_state(order: LipsyncOrder, links: Mapping[str, str]) -> wire.FormState:
    """An order's form: its files by our signed links, the rest as it is ordered."""
    return wire.FormState(
        video=links.get("video"),
        image=links.get("image"),
        audio=links.get("audio"),
        left_audio=links.get("left_audio"),
        right_audio=links.get("right_audio"),
        order=order.order if order.model == "lipsync-image-multi" else None,
        resolution=order.resolution,
        mask_image=links.get("mask_image"),
        prompt=order.prompt or None,
        seed=order.seed,
    )


def _call(account: Account, method: str, path: str, body: msgspec.Struct | None = None) -> WireRequest:
    headers = {"Authorization": f"Bearer {account.values.get('api_key', '')}", "Accept": "application/json"}
    if body is None:
        return WireRequest(method, account.endpoint + path, headers)
    headers["Content-Type"] = "application/json"
    return WireRequest(method, account.endpoint + path, headers, msgspec.json.encode(body))
