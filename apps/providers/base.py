"""What every provider tells about itself, and what a remote adapter is made of. Plain Python: no Django, no database.

A job at a vendor is a conversation: the adapter says which request comes next (`next_step`) and reads its answer (`take`), both
pure functions of a `Work` whose `memo` is all that the adapter remembers between two steps. The jobs app drives it: it commits a
ProviderCall before each step that makes or changes something at the vendor, keeps the memo after each answer, leaves steps
that only read to the poller, and stores outputs at once. A killed process goes on from the memo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, runtime_checkable

from apps.engine.transcript import Transcript
from apps.providers.lipsync import LipsyncAbility, lipsync_problems
from apps.providers.orders import LipsyncOrder, Order, TranslationOrder

ANY: Final = "auto"
PairCheck = Callable[[str, str, bool, bool], str]
"""(source language or "auto", target locale, from speech, with voice) -> "" when covered, else the reason in a sentence."""


# ---- what a provider can do


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, enum value, status or result of the vendor's document, and where it lives with us.

    `ours` is a path of the order ("voice.kind"), "artefact.<kind>", "stage.<stage>", "error.<code>", ... or "" when we neither send
    nor read it; `note` says how values map, or why it is refused. Rows of docs/providers.md.
    """

    theirs: str
    ours: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class AccountField:
    """One thing that staff (or an organization that brings its own account) fill in; `secret` ones are sealed, never shown again."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    default: str = ""
    help: str = ""


def no_pair(source: str, target: str, heard: bool, speaks: bool) -> str:
    """The PairCheck of a provider that does not translate."""
    return "It does not translate."


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, as data. Sizes in bytes, lengths in seconds; 0 means no limit of its own.

    `options` names the optional parts of an order that it honours (keys of asked_options). What it does not honour is an error
    naming the field, never silently dropped (DESIGN section 3). `check` may refuse what needs more than a look at one field:
    it gives field -> reasons. `lipsync` tells the same of lip-sync orders, by their model; one that only does those leaves the
    other fields as they are (no steps: it does not translate).
    """

    steps: frozenset[str] = frozenset()
    subtitle_sources: frozenset[str] = frozenset()
    export_types: frozenset[str] = frozenset()
    media_types: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    pair: PairCheck = no_pair
    lipsync: Mapping[str, LipsyncAbility] = field(default_factory=dict)
    max_bytes: int = 0
    max_seconds: int = 0
    remarks: tuple[str, ...] = ()
    check: Callable[[TranslationOrder], Mapping[str, list[str]]] | None = None
    parameters: tuple[Parameter, ...] = ()


# ---- the conversation


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


class RemoteAdapter(Protocol):
    """Carries orders out at a vendor; all pure.

    A definite refusal of the order raises JobError (apps.core.errors) with a code of the job table; besides that only Throttled,
    Unavailable and AccountRefused come out of the reading functions. Unknown fields in answers are passed over.
    """

    fields: tuple[AccountField, ...]
    default_endpoint: str
    submits_per_second: float
    polls_per_second: float
    poll_seconds: float
    """Pause between two polls of one job that the vendor's document recommends."""

    def attachments(self, work: Work) -> Mapping[str, bytes]:
        """Small files that the vendor must fetch from a link (an edited WebVTT): the driver stores them and fills `work.links`."""
        ...

    def next_step(self, work: Work, account: Account) -> Step:
        """What to send now. The same work gives the same step."""
        ...

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        """Reads the answer of that step. Raises JobError, Throttled, Unavailable or AccountRefused."""
        ...

    def find_step(self, work: Work, operation: str, account: Account) -> Step | None:
        """The list call that tells whether a create with an unseen answer arrived; None where there is none."""
        ...

    def take_found(self, work: Work, operation: str, reply: WireReply) -> Verdict | None:
        """None: it is not there. Verdict "working": found, with memo and ref. "unknown": ask on with the memo given (next page)."""
        ...

    def cancel_step(self, work: Work, account: Account) -> Step | None:
        """Stops the work, best effort; None where the vendor cannot."""
        ...

    def forget_step(self, work: Work, account: Account) -> Step | None:
        """Removes the work and its files at the vendor once ours are kept; None where it cannot."""
        ...

    def test_step(self, account: Account) -> Step:
        """A harmless call that proves endpoint and credentials."""
        ...

    def take_test(self, reply: WireReply) -> str:
        """What the test found, in a sentence. Raises AccountRefused or Unavailable."""
        ...

    def token_step(self, account: Account) -> Step | None:
        """Asks for a short-lived token (Microsoft Entra); None when the account has a fixed key. Only headers of later steps hold it."""
        ...

    def take_token(self, reply: WireReply) -> tuple[str, float]:
        """Token and its life in seconds. Raises AccountRefused or Unavailable."""
        ...

    def verify_callback(self, account: Account, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Raises Forged. `now` in unix seconds; header names in lower case."""
        ...

    def callback_key(self, body: bytes) -> str:
        """What makes two deliveries of one callback the same; "" when only the bytes can tell."""
        ...

    def take_callback(self, work: Work, body: bytes) -> Verdict | None:
        """Reads a verified callback; None (the rule): it only says that it is time to poll."""
        ...


@runtime_checkable
class HearsAccount(Protocol):
    """The part of an adapter whose vendor posts all callbacks of an account to one address."""

    def callback_ref(self, body: bytes) -> str:
        """The vendor's id of the work that a verified callback is about, or our `client_id`; "" when it is about none."""
        ...


class Provider(Protocol):
    """An entry of the registry. `remote` is None for an engine that works in our own processes."""

    name: str
    title: str

    def capabilities(self) -> Capabilities:
        """What it can do now; cheap, asked at every order."""
        ...

    @property
    def remote(self) -> RemoteAdapter | None:
        """The adapter of a vendor elsewhere."""
        ...


# ---- what an order asks for


def asked_options(order: TranslationOrder) -> dict[str, str]:
    """The optional parts that an order really asks for: option -> field of the order that asks."""
    asked = {
        "personal_voice": ("voice.kind", order.voice.kind == "personal"),
        "emotion": ("voice.emotion", order.voice.emotion == "on"),
        "by_scene": ("voice.by_scene", order.voice.by_scene),
        "lexicon": ("voice.lexicon_url", order.voice.lexicon_url is not None),
        "background_volume": ("voice.background_volume", order.voice.background_volume != 100),
        "burn_in": ("subtitle_style.burn_in", order.subtitle_style.burn_in),
        "erase_source": ("subtitle_style.erase_source", order.subtitle_style.erase_source),
        "adjust_video_speed": ("timing.adjust_video_speed", order.timing.adjust_video_speed),
        "rewrite": ("timing.rewrite", order.timing.rewrite),
        "ocr_correction": ("ocr_correction", order.ocr_correction),
        "vision": ("vision", order.vision),
        "glossaries": ("glossaries", bool(order.glossaries)),
        "prompt": ("prompt", bool(order.prompt)),
        "review": ("review_after", order.review_after != "never"),
        "hls": ("hls", order.hls),
        "speaker_count": ("speaker_count", order.speaker_count.min is not None or order.speaker_count.max is not None),
    }
    return {option: name for option, (name, is_asked) in asked.items() if is_asked}


def problems(provider: Provider, order: Order) -> dict[str, list[str]]:
    """Field -> reasons why this provider cannot carry the order out; empty when it can."""
    able = provider.capabilities()
    if isinstance(order, LipsyncOrder):
        return lipsync_problems(provider.title, able.lipsync, order)
    found: dict[str, list[str]] = {}

    def wrong(name: str, reason: str) -> None:
        found.setdefault(name, []).append(reason)

    for place, step in enumerate(order.steps):
        if step not in able.steps:
            wrong(f"steps.{place}", f"{provider.title} does not offer {step}.")
    if order.subtitle_source not in able.subtitle_sources:
        wrong("subtitle_source", f"{provider.title} cannot take the text from {order.subtitle_source}.")
    if order.export_type not in able.export_types:
        wrong("export_type", f"{provider.title} does not export {order.export_type}.")
    if order.media_type not in able.media_types:
        wrong("media_type", f"{provider.title} does not take {order.media_type}.")
    for option, name in asked_options(order).items():
        if option not in able.options:
            wrong(name, f"{provider.title} does not offer this.")
    translated = not (order.subtitle is not None and order.subtitle.usage in ("final_translated", "bilingual"))
    speaks = "voice" in order.steps or "lipsync" in order.steps
    for place, target in enumerate(order.target_locales):
        heard = order.subtitle_source == "asr" and translated
        source = order.source_language if translated else target
        if reason := able.pair(source, target, heard, speaks):
            wrong(f"target_locales.{place}", reason)
    if able.check is not None:
        for name, reasons in able.check(order).items():
            for reason in reasons:
                wrong(name, reason)
    return found
