"""check_books finds every kind of mismatch, tells it as an Event, and the command fails loudly."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Organization
from apps.events.models import Event
from apps.plans.models import Hold, Wallet
from apps.plans.services import check_books, grant_credits
from tests.plans.holds import place

pytestmark = pytest.mark.django_db


@pytest.fixture
def hold() -> Hold:
    organization = Organization.objects.create(name="Books")
    grant_credits(actor=None, organization=organization, pool="api", amount=10_000, business_key="g")
    made = place(organization, 4000)
    assert made is not None
    return made


def test_right_books_are_silent(hold: Hold) -> None:
    out = StringIO()
    call_command("check_books", stdout=out)
    assert "balance" in out.getvalue()
    assert not Event.objects.filter(type="books.mismatch").exists()


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        ("wallet available", {"available: ledger, wallet"}),
        ("wallet held", {"held: ledger, wallet", "held: holds, wallet"}),
        ("hold amount", {"held: holds, wallet", "held: hold, ledger"}),
        ("hold status", {"held: holds, wallet", "held: hold, ledger"}),
        ("hold captured", {"captured: hold, ledger"}),
    ],
)
def test_every_spoiled_row_is_found(hold: Hold, spoil: str, what: set[str]) -> None:
    wallets, holds = Wallet.objects.filter(pk=hold.wallet_id), Hold.objects.filter(pk=hold.pk)
    {
        "wallet available": lambda: wallets.update(available=1),
        "wallet held": lambda: wallets.update(held=1),
        "hold amount": lambda: holds.update(amount=1),
        "hold status": lambda: holds.update(status="released"),
        "hold captured": lambda: holds.update(captured=1),
    }[spoil]()
    found = check_books()
    assert {row.what for row in found} == what
    events = Event.objects.filter(type="books.mismatch")
    assert events.count() == len(what)
    assert {event.organization_id for event in events} == {hold.wallet.organization_id}
    with pytest.raises(CommandError, match="do not balance"):
        call_command("check_books", stdout=StringIO())
