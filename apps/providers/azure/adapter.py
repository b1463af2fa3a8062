"""Azure Video Translation as a RemoteAdapter: translation, operation, iteration, its metadata text, and the files that it made.

The road: PUT translation (2026-03-01: with its first iteration) -> poll the operation -> read the translation -> PUT iteration where
none was made by itself -> poll -> read the iteration -> fetch its metadata WebVTT -> done, or the review gate. After the gate, and for
a later iteration of ours, the edited text goes out as WebVTT with one more iteration of the same translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from apps.core.errors import PROVIDER_FAILED, JobError
from apps.providers.azure import accounts, failures, requests, results, wire
from apps.providers.azure.accounts import ACCOUNT_FIELDS, DEFAULT_ENDPOINT
from apps.providers.azure.requests import (
    CREATE_ITERATION,
    CREATE_TRANSLATION,
    GET_ITERATION,
    GET_METADATA,
    GET_OPERATION,
    GET_TRANSLATION,
)
from apps.providers.azure.state import Phase, State, attached, read_state, settled
from apps.providers.azure.webvtt import read_metadata
from apps.providers.base import RemoteAdapter
from apps.providers.conversation import Account, Step, Verdict, WireReply, Work

AT_ONCE: Final = 0.0
MOST_UNREADABLE: Final = 3
"""How often a metadata file that cannot be read is asked for again."""
_GONE: Final = frozenset({401, 403, 404, 410})
"""How a storage says that a signed link has had its time."""


class AzureAdapter(RemoteAdapter):
    """Carries orders out at Microsoft.

    Azure sends nothing over HTTP of its own accord: events go to an Event Hub of the customer, which we do not read; polling tells.
    """

    fields = ACCOUNT_FIELDS
    default_endpoint = DEFAULT_ENDPOINT
    submits_per_second = 2.0
    polls_per_second = 10.0
    poll_seconds = 10.0
    regional = True

    # ---- the conversation

    def attachments(self, work: Work) -> Mapping[str, bytes]:
        """The edited text as WebVTT while a step that names it is next."""
        return attached(work)

    def next_step(self, work: Work, account: Account) -> Step:
        """What to send now. Raises JobError for an order that this account's api-version cannot carry."""
        state = read_state(work)
        match state.phase:
            case Phase.TRANSLATION:
                return requests.create_translation(work, account, state)
            case Phase.TRANSLATION_OPERATION | Phase.ITERATION_OPERATION:
                return requests.get_operation(account, state)
            case Phase.TRANSLATION_READ:
                return requests.get_translation(account, state)
            case Phase.ITERATION:
                return requests.create_iteration(work, account, state)
            case Phase.METADATA:
                return requests.get_metadata(state)
            case _:
                return requests.get_iteration(account, state)

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        """Reads the answer of a step. Raises JobError, Throttled, Unavailable or AccountRefused."""
        takers = {
            CREATE_TRANSLATION: self._created_translation,
            GET_OPERATION: self._operation,
            GET_TRANSLATION: self._translation,
            CREATE_ITERATION: self._created_iteration,
            GET_ITERATION: self._iteration,
            GET_METADATA: self._metadata,
        }
        return takers[operation](work, reply)

    def _created_translation(self, work: Work, reply: WireReply) -> Verdict:
        state = read_state(work)
        if (
            reply.status != 409
        ):  # 409: it is there already, and only we can have made it: its id is derived from the job
            failures.read(reply)
        return _working(state, Phase.TRANSLATION_OPERATION, operation=state.operation_id(work))

    def _created_iteration(self, work: Work, reply: WireReply) -> Verdict:
        state = read_state(work)
        if reply.status == 404:
            return _lost(state)
        if reply.status != 409:
            failures.read(reply)
        made: dict[str, Any] = {"iteration": state.iteration_id(work), "operation": state.operation_id(work)}
        return _working(state, Phase.ITERATION_OPERATION, **made)

    def _operation(self, work: Work, reply: WireReply) -> Verdict:
        state = read_state(work)
        first = state.phase == Phase.TRANSLATION_OPERATION
        reading = Phase.TRANSLATION_READ if first else Phase.ITERATION_READ
        if reply.status == 404:  # operations are forgotten sooner than what they made
            return _working(state, reading, wait=AT_ONCE)
        status = failures.read(reply).get("status")
        if status in (wire.NOT_STARTED, wire.RUNNING):
            return Verdict("working", ref=state.translation)
        if status in wire.STATUSES:  # succeeded, failed or canceled: the thing itself says what came of it, and why
            return _working(state, reading, wait=AT_ONCE)
        return Verdict("unknown", ref=state.translation, error=f"operation status {status!r}")

    def _translation(self, work: Work, reply: WireReply) -> Verdict:
        state = read_state(work)
        if reply.status == 404:
            return _lost(state)
        document = failures.read(reply)
        iteration = document.get("latestIteration")
        if isinstance(iteration, dict) and isinstance(iteration.get("id"), str) and iteration["id"]:
            return _working(state, Phase.ITERATION_READ, wait=AT_ONCE, iteration=iteration["id"])
        status, reason = document.get("status"), document.get("failureReason")
        if status in (wire.FAILED, wire.CANCELED) or reason:
            return _ended(str(status or wire.FAILED), reason)
        given = document.get("input")
        makes_it = isinstance(given, dict) and given.get("autoCreateFirstIteration") is True
        if makes_it or status in (wire.NOT_STARTED, wire.RUNNING):
            return Verdict(
                "working", ref=state.translation
            )  # its first iteration is still to appear: none of ours beside it
        return _working(state, Phase.ITERATION, wait=AT_ONCE)

    def _iteration(self, work: Work, reply: WireReply) -> Verdict:
        state = read_state(work)
        if reply.status == 404:
            return _lost(state)
        document = failures.read(reply)
        status = document.get("status")
        if status in (wire.NOT_STARTED, wire.RUNNING):
            # The phase is kept: after the gate this may be the state that was only derived.
            return _working(state, Phase.ITERATION_READ)
        if status in (wire.FAILED, wire.CANCELED):
            return _ended(status, document.get("failureReason"))
        if status != wire.SUCCEEDED:
            return Verdict("unknown", ref=state.translation, error=f"iteration status {status!r}")
        links = results.links_of(document)
        if "metadataJsonWebvttFileUrl" in links:
            return _working(state, Phase.METADATA, wait=AT_ONCE, links=links)
        return settled(work, state, links, None)

    def _metadata(self, work: Work, reply: WireReply) -> Verdict:
        state = read_state(work)
        if reply.status in _GONE:  # a link that has expired: the iteration is asked for new ones
            return _working(state, Phase.ITERATION_READ, wait=AT_ONCE)
        if reply.status != 200:
            failures.refuse(reply)
        source = "" if work.order.source_language == "auto" else work.order.source_language
        try:
            found = read_metadata(reply.body, source_language=source, target_locale=work.target_locale)
        except JobError:
            if state.unreadable < MOST_UNREADABLE:  # cut off, perhaps: another link, another try
                return _working(state, Phase.ITERATION_READ, unreadable=state.unreadable + 1)
            found = None  # the film is there; only the gate cannot do without its text
        return settled(work, state, state.links, found)

    # ---- finding, canceling, forgetting

    def find_step(self, work: Work, operation: str, account: Account) -> Step | None:
        """The list of translations, or of a translation's iterations; the page to ask for is remembered in the memo."""
        state = read_state(work)
        if operation == CREATE_TRANSLATION:
            return requests.list_translations(account, state.page)
        return requests.list_iterations(account, state) if operation == CREATE_ITERATION else None

    def take_found(self, work: Work, operation: str, reply: WireReply) -> Verdict | None:
        """Looks for our id on one page."""
        state = read_state(work)
        first = state.phase == Phase.TRANSLATION
        wanted = work.client_id if first else state.iteration_id(work)
        if reply.status == 404 and not first:
            return None
        document = failures.read(reply)
        rows = document.get("value")
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and row.get("id") == wanted:
                found: dict[str, Any] = {"operation": state.operation_id(work)} | (
                    {} if first else {"iteration": wanted}
                )
                phase = Phase.TRANSLATION_OPERATION if first else Phase.ITERATION_OPERATION
                return _working(state, phase, page="", **found)
        following = document.get("nextLink")
        page = requests.page_of(following) if isinstance(following, str) else ""
        if not page or page == state.page:
            return None
        return Verdict("unknown", memo=state.memo(page=page), ref=state.translation)

    def cancel_step(self, work: Work, account: Account) -> Step | None:
        """The service cannot stop work; deleting our own translation ends it with all that it made."""
        return self.forget_step(work, account)

    def forget_step(self, work: Work, account: Account) -> Step | None:
        """DELETE of the translation, unless it is an earlier job's."""
        if not work.memo:
            return None
        state = read_state(work)
        return requests.delete_translation(account, state) if state.translation == work.client_id else None

    # ---- the account

    def test_step(self, account: Account) -> Step:
        """One row of the list of translations. Raises AccountRefused when the account is not filled in."""
        return requests.list_translations(account, "", size=1)

    def take_test(self, reply: WireReply) -> str:
        """Raises AccountRefused or Unavailable."""
        return accounts.take_test(reply)

    def token_step(self, account: Account) -> Step | None:
        """Raises AccountRefused when the account is not filled in."""
        return accounts.token_step(account)

    def take_token(self, reply: WireReply) -> tuple[str, float]:
        """Raises AccountRefused or Unavailable."""
        return accounts.take_token(reply)


def _working(state: State, phase: Phase, *, wait: float | None = None, **changes: Any) -> Verdict:
    return Verdict("working", memo=state.memo(phase=phase, **changes), ref=state.translation, wait=wait)


def _lost(state: State) -> Verdict:
    """What we build on is gone at the vendor: an earlier job's translation is made anew, our own is an end."""
    if state.borrowed:
        return Verdict("working", memo={"phase": Phase.TRANSLATION, "fresh": True}, wait=AT_ONCE)
    _gone()


def _gone() -> NoReturn:
    raise JobError(PROVIDER_FAILED, "the translation is no longer there at Azure")


def _ended(status: str, reason: object) -> Verdict:
    if status == wire.CANCELED:
        return Verdict("canceled", error=str(reason or "Azure canceled the work"))
    error = failures.job_error(reason if isinstance(reason, str) else "")
    return Verdict("failed", error_code=error.code, error=error.reason)
