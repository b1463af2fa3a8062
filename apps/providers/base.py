"""What an entry of the registry is, and what an adapter of a vendor has to do. Plain Python: no Django, no database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from apps.providers.abilities import Capabilities, asked_options
from apps.providers.conversation import Account, Forged, Step, Verdict, WireReply, Work
from apps.providers.lipsync import lipsync_problems
from apps.providers.orders import LipsyncOrder, Order


@dataclass(frozen=True, slots=True)
class AccountField:
    """One thing that staff (or an organization that brings its own account) fill in; `secret` ones are sealed, never shown again."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    default: str = ""
    help: str = ""


class RemoteAdapter(ABC):
    """Carries orders out at a vendor; all pure. Four functions are needed; the others say here what a vendor without such a thing says.

    A definite refusal of the order raises JobError (apps.core.errors) with a code of the job table; besides that only Throttled,
    Unavailable and AccountRefused come out of the reading functions. Unknown fields in answers are passed over.
    """

    fields: tuple[AccountField, ...]
    default_endpoint: str
    submits_per_second: float
    polls_per_second: float
    poll_seconds: float
    """Pause between two polls of one job that the vendor's document recommends."""
    regional: bool = False
    """Whether accounts are asked for a region although `default_endpoint` has no place for it."""

    @abstractmethod
    def next_step(self, work: Work, account: Account) -> Step:
        """What to send now. The same work gives the same step."""

    @abstractmethod
    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        """Reads the answer of that step. Raises JobError, Throttled, Unavailable or AccountRefused."""

    @abstractmethod
    def test_step(self, account: Account) -> Step:
        """A harmless call that proves endpoint and credentials."""

    @abstractmethod
    def take_test(self, reply: WireReply) -> str:
        """What the test found, in a sentence. Raises AccountRefused or Unavailable."""

    def attachments(self, work: Work) -> Mapping[str, bytes]:
        """Small files that the vendor must fetch from a link (an edited WebVTT): the driver stores them and fills `work.links`."""
        return {}

    def find_step(self, work: Work, operation: str, account: Account) -> Step | None:
        """The list call that tells whether a create with an unseen answer arrived; None where there is none."""
        return None

    def take_found(self, work: Work, operation: str, reply: WireReply) -> Verdict | None:
        """None: it is not there. Verdict "working": found, with memo and ref. "unknown": ask on with the memo given (next page)."""
        return None

    def cancel_step(self, work: Work, account: Account) -> Step | None:
        """Stops the work, best effort; None where the vendor cannot."""
        return None

    def forget_step(self, work: Work, account: Account) -> Step | None:
        """Removes the work and its files at the vendor once ours are kept; None where it cannot."""
        return None

    def token_step(self, account: Account) -> Step | None:
        """Asks for a short-lived token (Microsoft Entra); None when the account has a fixed key. Only headers of later steps hold it."""
        return None

    def take_token(self, reply: WireReply) -> tuple[str, float]:
        """Token and its life in seconds. Raises AccountRefused or Unavailable; asked only after a `token_step`."""
        raise NotImplementedError

    def verify_callback(self, account: Account, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Raises Forged: always, for a vendor that calls nobody back. `now` in unix seconds; header names in lower case."""
        raise Forged("this vendor calls nobody back")

    def callback_key(self, body: bytes) -> str:
        """What makes two deliveries of one callback the same; "" when only the bytes can tell."""
        return ""

    def take_callback(self, work: Work, body: bytes) -> Verdict | None:
        """Reads a verified callback; None (the rule): it only says that it is time to poll."""
        return None


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


@dataclass(slots=True)
class Vendor:
    """The `Provider` of a vendor elsewhere, whose abilities are always the same."""

    name: str
    title: str
    able: Capabilities
    remote: RemoteAdapter

    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.able


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
