"""What a job at a vendor is made of: a conversation, in plain Python.

The adapter says which request comes next (`next_step`) and reads its answer (`take`), both pure functions of a `Work` whose `memo`
is all that the adapter remembers between two steps. The jobs app drives it: it commits a ProviderCall before each step that makes
or changes something at the vendor, keeps the memo after each answer, leaves steps that only read to the poller, and stores outputs
at once. A killed process goes on from the memo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from apps.engine.transcript import Transcript
from apps.providers.orders import LipsyncOrder, Order, TranslationOrder


@dataclass(frozen=True, slots=True)
class Account:
    """As whom and where a vendor is called; secrets are in the clear here and only here: never log, store or compare it.

    `values` holds the AccountFields by name ("" when not filled in). `endpoint` has no slash at its end. `token` is the short-lived
    one of `token_step`, when the adapter has such. `now` is the moment of the call, unix seconds, for vendors that sign it.
    """

    id: str
    endpoint: str
    region: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    now: float = 0.0


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request that an adapter built. Headers hold credentials and are never kept; method, url and body are."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class WireReply:
    """A vendor's answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Kind = Literal["create", "change", "read"]
Repeat = Literal["harmless", "find", "once"]


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the conversation.

    `operation` is the vendor's own word for it. `kind`: create makes (paid) work, change alters it, read asks. `repeat` tells what
    may be done when the answer of a create or change was never seen: `harmless`, the same is sent again (a client-chosen id or an
    idempotent change); `find`, the vendor's list is asked first (`find_step`); `once`, the vendor can be asked nothing: it is sent
    once more after a pause and the console shows both calls.
    """

    operation: str
    request: WireRequest
    kind: Kind
    repeat: Repeat = "harmless"


@dataclass(frozen=True, slots=True)
class Output:
    """A file that the vendor made; its link may expire, so it is fetched at once.

    `body` instead of `url` when the answer itself holds the content. `kind` is one of the artefact kinds of apps.engine.outputs.
    """

    kind: str
    format: str
    url: str = ""
    body: bytes = b""
    language: str = ""
    main: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PinnedTerm:
    """One term of a pinned glossary version, for this job's target locale."""

    source: str
    target: str
    case_sensitive: bool = False
    do_not_translate: bool = False


@dataclass(frozen=True, slots=True)
class PinnedGlossary:
    """A glossary version that the job is bound to; (id, version) never changes its terms."""

    id: str
    version: int
    name: str
    terms: tuple[PinnedTerm, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt of a job as an adapter sees it: a translation into one language (`order`), or a lip-sync render (`lipsync`).

    `asked` is either order; `order.target_locales` holds exactly one. `client_id` is ours and unique for job and attempt.
    Links (`source_url`, `subtitle_url`, `links` by attachment name; of a lip-sync render `links` alone, by the input's name
    in the order) are absolute, signed, good for a day, and "" while a poll is built (so are `callback_url` and `title`;
    `glossaries` and `transcript` are empty then). `callback_url` is our inbound address for this very job, "" when the portal
    cannot be reached from outside. `memo` is what earlier steps remembered, JSON. `transcript` is the reviewed or edited text:
    after the gate (`reviewed` True), or for an iteration, whose `earlier` is the memo of the job that it starts from.
    """

    asked: Order
    client_id: str
    memo: Mapping[str, Any]
    source_url: str = ""
    subtitle_url: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    callback_url: str = ""
    title: str = ""
    iteration: int = 1
    earlier: Mapping[str, Any] = field(default_factory=dict)
    glossaries: tuple[PinnedGlossary, ...] = ()
    transcript: Transcript | None = None
    reviewed: bool = False

    @property
    def order(self) -> TranslationOrder:
        """The translation that is asked for. Raises TypeError for a lip-sync render: a provider without `lipsync` never gets one."""
        if not isinstance(self.asked, TranslationOrder):
            raise TypeError("a lip-sync render is no translation")
        return self.asked

    @property
    def lipsync(self) -> LipsyncOrder | None:
        """The lip-sync render that is asked for; None for a translation."""
        return self.asked if isinstance(self.asked, LipsyncOrder) else None

    @property
    def target_locale(self) -> str:
        """The one language that this job makes."""
        return self.order.target_locales[0]


Standing = Literal["working", "review", "succeeded", "failed", "canceled", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the conversation stands after an answer.

    `memo` replaces the kept one (None: unchanged). `ref` is the vendor's id of the work, once known. `wait` is the pause in seconds
    before the next step (None: the driver's own pace). `unknown` is for statuses that no document names: they never break a poll.
    `review` and `succeeded` may carry the vendor's text as `transcript`. `failed` needs `error_code` of the job table.
    """

    status: Standing
    memo: Mapping[str, Any] | None = None
    ref: str = ""
    wait: float | None = None
    fraction: float | None = None
    stage: str = ""
    error_code: int | None = None
    error: str = ""
    outputs: tuple[Output, ...] = ()
    transcript: Transcript | None = None
    measured_seconds: float | None = None
    remarks: tuple[str, ...] = ()


class Throttled(Exception):
    """The vendor asks us to slow down (429, or its own code); nothing was done. `retry_after` in seconds, None when not told."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class Unavailable(Exception):
    """The vendor is ill: 5xx, or an answer that cannot be read. A create may or may not have been done. Counts against its health."""


class AccountRefused(Exception):
    """The vendor does not accept our account (401, 403, out of points, ...): our trouble, not the customer's. Counts against its health."""


class Forged(Exception):
    """An inbound callback whose signature, address or time does not hold."""
