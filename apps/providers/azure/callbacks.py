"""What Azure sends of its own accord: nothing over HTTP. Events go to an Event Hub of the customer, which we do not read.

So whatever arrives at our inbound address for Azure is nobody's: it is refused, and polling tells how the work stands.
"""

from __future__ import annotations

from collections.abc import Mapping

from apps.providers.azure import accounts, requests
from apps.providers.conversation import Account, Forged, Step, Verdict, WireReply, Work


class AzureCallbacks:
    """The parts of `RemoteAdapter` that belong to no job: callbacks, the account's test and its token."""

    def verify_callback(self, account: Account, url: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Always raises Forged."""
        raise Forged("Azure Video Translation calls nobody back")

    def callback_key(self, body: bytes) -> str:
        """Never asked for a genuine one."""
        return ""

    def take_callback(self, work: Work, body: bytes) -> Verdict | None:
        """None: poll."""
        return None

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
