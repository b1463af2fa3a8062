"""The conversation with Vozo: one POST that makes a task, then GETs until it is done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from apps.core import errors
from apps.core.errors import JobError
from apps.providers.base import AccountField, RemoteAdapter
from apps.providers.conversation import Account, AccountRefused, Step, Unavailable, Verdict, WireReply, Work
from apps.providers.vozo import callbacks, lipsync, order, replies, results, wire
from apps.providers.vozo.calls import call

CREATE: Final = "create"
GET: Final = "get"
_NO_TASK: Final = "kinoglot-connection-test"


class VozoAdapter(RemoteAdapter):
    """Carries orders out at Vozo, which has no list and can be told neither to stop nor to forget.

    Memo: `task`, the id; `callback` "refused" once our address failed Vozo's challenge.
    """

    fields: tuple[AccountField, ...] = (
        AccountField("api_key", "API key", secret=True, help="Vozo, Account, API keys; needs a business plan."),
        AccountField(
            "glossaries",
            "Glossaries",
            required=False,
            help="Glossaries are made by hand at Vozo: our id = Vozo's id, separated by commas (gls_0h5x… = 123).",
        ),
        AccountField(
            "lipsync_model",
            "Lip-sync model",
            required=False,
            default="standard_v1",
            help="standard_v1 or precision_v1: which of Vozo's models moves the lips.",
        ),
        AccountField(
            "lipsync_reusable",
            "Reusable lip-sync models",
            required=False,
            help="Made by hand at Vozo from a video that is here, too: our file's id = Vozo's model id (ast_0h5x… = 123).",
        ),
    )
    default_endpoint = wire.BASE_URL
    submits_per_second = 5.0
    polls_per_second = 10.0
    poll_seconds = 10.0

    def attachments(self, work: Work) -> Mapping[str, bytes]:
        """The edited text of an iteration."""
        return order.edited_text(work)

    def next_step(self, work: Work, account: Account) -> Step:
        """The create call, then polls. Raises JobError 10908 for a glossary that is not set up at Vozo."""
        if work.lipsync is not None:
            return lipsync.next_step(work, work.lipsync, account)
        task = work.memo.get("task")
        if task:
            return Step(GET, call(account, "GET", f"{wire.TASKS}/{quote(str(task), safe='')}"), "read")
        body = order.create_task(work, account, with_callback=work.memo.get("callback") != "refused")
        # No id of ours and no list: an answer never seen can only be told by a callback.
        return Step(CREATE, call(account, "POST", wire.TASKS, body), "create", "once")

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        """Reads the answer of a step. Raises JobError, Throttled, Unavailable or AccountRefused."""
        if operation in (CREATE, *lipsync.CREATES):
            return self._take_created(work, reply)
        if operation == lipsync.GET:
            return lipsync.take(reply)
        try:
            status = replies.read(reply, wire.Status)
        except replies.CallbackRefused as error:
            raise Unavailable(str(error)) from None
        except JobError as error:
            raise JobError(errors.PROVIDER_FAILED, f"Vozo does not know the task any more: {error.reason}") from None
        return results.verdict(work, status)

    def _take_created(self, work: Work, reply: WireReply) -> Verdict:
        try:
            made = replies.read(reply, wire.Task)
        except replies.CallbackRefused:
            if work.memo.get("callback") == "refused":
                raise Unavailable("Vozo challenges a callback address that it was not given") from None
            # Polls tell the same: the task is made without a callback.
            return Verdict("working", memo={**work.memo, "callback": "refused"}, wait=0.0)
        if not made.task_id:
            raise Unavailable("Vozo's answer names no task")
        return Verdict("working", memo={**work.memo, "task": made.task_id}, ref=made.task_id, stage="queued")

    def test_step(self, account: Account) -> Step:
        """Asks for a task that does not exist: an accepted key is told that, any other is refused."""
        return Step(GET, call(account, "GET", f"{wire.TASKS}/{_NO_TASK}"), "read")

    def take_test(self, reply: WireReply) -> str:
        """Raises AccountRefused or Unavailable."""
        try:
            replies.read(reply, wire.Status)
        except (JobError, replies.CallbackRefused):
            pass
        except (AccountRefused, Unavailable):
            raise
        except Exception as error:
            return f"The key is accepted; Vozo is busy ({error})."
        return "The key is accepted."

    def verify_callback(self, account: Account, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Raises Forged unless it is a status of Vozo's schema; who knew the address is whom it was given to."""
        callbacks.read(body)

    def take_callback(self, work: Work, body: bytes) -> Verdict | None:
        """See callbacks.take."""
        return callbacks.take(work, body)
