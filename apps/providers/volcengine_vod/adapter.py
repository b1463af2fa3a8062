"""The conversation with Volcengine VOD AI translation, as the driver calls it: `steps` builds, `answers` reads, `plan` decides. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from apps.core.errors import JobError
from apps.providers import volcengine_call as vc
from apps.providers.base import AccountField, RemoteAdapter
from apps.providers.conversation import Account, AccountRefused, Step, Throttled, Verdict, WireReply, Work
from apps.providers.volcengine_vod import answers, callbacks, plan, steps, texts, wire


class VolcengineVodAdapter(RemoteAdapter):
    """Carries orders out in one space of an account; a workflow cannot be stopped. The memo's words are in `plan`."""

    fields: tuple[AccountField, ...] = (
        *vc.FIELDS,
        AccountField(
            "space", "Space", help="SpaceName: media and projects are kept in it. It needs a playback domain."
        ),
        AccountField(
            "callback_key",
            "Callback key",
            secret=True,
            required=False,
            help="Console, Event notification, Callback authentication; events are checked with it.",
        ),
        AccountField(
            "accept_vids",
            "Accept Vids",
            required=False,
            default="no",
            help="yes: an order's link may name media of this space (#vod=<space>/<vid>). Only for an account of one organization.",
        ),
    )
    default_endpoint = wire.ENDPOINT
    submits_per_second = wire.SUBMITS_PER_SECOND
    polls_per_second = wire.CALLS_PER_SECOND
    poll_seconds = 20.0

    def attachments(self, work: Work) -> Mapping[str, bytes]:
        """The edited text as files: for an edit that adds or removes lines, and for an iteration that needs a project of its own."""
        if work.transcript is None:
            return {}
        # A file of ours may be stored before it is known to be needed; it is small.
        return {
            "edit.srt": texts.subtitle_file(work.transcript, plan.side_of(work)),
            "source.srt": texts.subtitle_file(work.transcript, "source", speakers=False),
            "target.srt": texts.subtitle_file(work.transcript, "target"),
        }

    def next_step(self, work: Work, account: Account) -> Step:
        """The next request. Raises JobError 10908 naming the terms that are over the vendor's limits, before anything is sent."""
        return steps.build(work, account)

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        """Reads the answer of a step. Raises JobError, Throttled, Unavailable or AccountRefused."""
        return answers.take(work, operation, reply)

    def find_step(self, work: Work, operation: str, account: Account) -> Step | None:
        """A Submit is looked for in the list of projects, a Continue or Refresh in the project itself."""
        if operation == wire.SUBMIT:
            return Step(wire.LIST, steps.projects(account, int(work.memo.get("page", 1))), "read")
        if operation in (wire.CONTINUE, wire.REFRESH):
            return Step(wire.GET, steps.get(account, plan.project_of(work)), "read")
        return None

    def take_found(self, work: Work, operation: str, reply: WireReply) -> Verdict | None:
        """See answers.find."""
        return answers.find(work, operation, reply)

    def forget_step(self, work: Work, account: Account) -> Step | None:
        """Deletes the media that we brought in and the result's; a project itself cannot be deleted."""
        vids = [
            str(work.memo[key])
            for key in ("vid", "made")
            if work.memo.get(key) and (key != "vid" or work.memo.get("ours"))
        ]
        if not vids:
            return None
        return Step(wire.DELETE_MEDIA, steps.request(account, wire.DELETE_MEDIA, {"Vids": ",".join(vids)}), "change")

    def test_step(self, account: Account) -> Step:
        """Lists the termbases: proves key, region and space, costs nothing."""
        fields = {"SpaceName": steps.space_of(account)}
        return Step(wire.LIST_TERMBASE, steps.request(account, wire.LIST_TERMBASE, fields), "read")

    def take_test(self, reply: WireReply) -> str:
        """Raises AccountRefused or Unavailable."""
        try:
            document = vc.read(reply)
        except Throttled:
            return "The key is accepted; Volcengine asks to slow down."
        except JobError as error:
            raise AccountRefused(error.reason) from None
        return f"Key and space are accepted; the space has {len(vc.rows(document, 'Result', 'Termbases'))} termbases."

    def verify_callback(self, account: Account, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Raises Forged; see callbacks.verify."""
        callbacks.verify(account.values.get("callback_key", ""), url, headers, body, now)

    def callback_key(self, body: bytes) -> str:
        """The event's RequestId."""
        return callbacks.key_of(body)

    def callback_ref(self, body: bytes) -> str:
        """The project of an event: all of an account come to one address."""
        return callbacks.project_of(body)
