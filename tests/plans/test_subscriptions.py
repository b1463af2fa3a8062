"""Plans, their monthly credits, grants and corrections, and the reads of money."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.errors import ApiError
from apps.events.models import Event
from apps.plans import catalog
from apps.plans.models import LedgerEntry, Plan, RateCard, Subscription
from apps.plans.selectors import ledger_for, plan_for, wallets_for
from apps.plans.services import adjust_credits, check_books, grant_credits, grant_monthly, set_subscription
from apps.plans.services.subscriptions import next_month
from tests.factories import add_member, make_organization, make_user, owner_of
from tests.plans.holds import balance

pytestmark = pytest.mark.django_db


def test_the_catalog_is_installed_and_keeps_what_staff_changed() -> None:
    from django.apps import apps

    assert [plan.code for plan in Plan.objects.all()] == ["free", "creator", "business", "enterprise"]
    assert list(Plan.objects.filter(api_access=True).values_list("code", flat=True)) == ["business", "enterprise"]
    Plan.objects.filter(code="free").update(portal_credits=1)
    RateCard.objects.filter(item="voice").update(millicredits=1)
    count = RateCard.objects.count()
    catalog.install(apps)
    assert Plan.objects.get(code="free").portal_credits == 1
    assert set(RateCard.objects.filter(item="voice").values_list("millicredits", flat=True)) == {1}
    assert RateCard.objects.count() == count


def test_a_change_of_plan_grants_once_and_is_told() -> None:
    organization = make_organization(plan="free")
    actor = owner_of(organization)
    before = balance(organization, "portal")[0]
    for _ in range(2):
        set_subscription(actor=actor, organization=organization, plan="business")
    assert balance(organization, "api") == (2_000_000, 0)
    assert balance(organization, "portal") == (before + 2_000_000, 0)
    events = Event.objects.filter(type="subscription.changed", organization_id=organization.pk)
    assert [event.data["plan"] for event in events.order_by("id")] == ["free", "business"]
    assert plan_for(organization) == Plan.objects.get(code="business")
    assert check_books() == []


def test_canceling_and_coming_back_within_the_month_grants_nothing_more() -> None:
    organization = make_organization(plan="business")
    actor, before = owner_of(organization), balance(organization)
    set_subscription(actor=actor, organization=organization, plan="business", status="canceled")
    assert plan_for(organization) is None
    set_subscription(actor=actor, organization=organization, plan="business")
    assert balance(organization) == before
    set_subscription(actor=actor, organization=organization, plan="business", status="canceled")
    Subscription.objects.update(period_end=clock.now() - timedelta(days=1))
    assert grant_monthly() == 0
    set_subscription(actor=actor, organization=organization, plan="business")
    assert balance(organization)[0] == before[0] + 2_000_000


def test_months_begin_when_they_are_due() -> None:
    organization = make_organization(plan="business")
    before = balance(organization)[0]
    assert grant_monthly() == 0
    Subscription.objects.update(period_end=clock.now() - timedelta(seconds=1))
    assert (grant_monthly(), grant_monthly()) == (1, 0)
    assert balance(organization)[0] == before + 2_000_000


@pytest.mark.parametrize(
    ("day", "then"),
    [((2026, 1, 31), (2026, 2, 28)), ((2028, 1, 31), (2028, 2, 29)), ((2026, 12, 5), (2027, 1, 5))],
)
def test_next_month(day: tuple[int, int, int], then: tuple[int, int, int]) -> None:
    assert next_month(datetime(*day, 13, tzinfo=UTC)) == datetime(*then, 13, tzinfo=UTC)


@pytest.mark.parametrize(("plan", "status"), [("gold", "active"), ("free", "sleeping")])
def test_unknown_words_are_refused(plan: str, status: str) -> None:
    organization = make_organization()
    with pytest.raises(ApiError) as caught:
        set_subscription(actor=owner_of(organization), organization=organization, plan=plan, status=status)
    assert caught.value.code == 5


def test_a_grant_told_twice_is_one_entry() -> None:
    organization = Organization.objects.create(name="o")
    first, second = (
        grant_credits(actor=None, organization=organization, pool="api", amount=amount, business_key="k", note="gift")
        for amount in (500, 900)
    )
    assert first == second
    assert balance(organization) == (500, 0)
    assert Event.objects.filter(type="credits.granted").count() == 1


@pytest.mark.parametrize("amount", [0, -1, 10**18 + 1])
def test_a_grant_is_above_zero(amount: int) -> None:
    organization = Organization.objects.create(name="o")
    with pytest.raises(ApiError):
        grant_credits(actor=None, organization=organization, pool="api", amount=amount, business_key="k")
    with pytest.raises(ApiError):
        grant_credits(actor=None, organization=organization, pool="gold", amount=1, business_key="k")
    with pytest.raises(ValueError):
        grant_credits(actor=None, organization=organization, pool="api", amount=1, business_key="")


def test_a_correction_has_a_reason_and_cannot_go_below_zero() -> None:
    organization = make_organization(plan="business")
    actor = owner_of(organization)

    def adjust(amount: int, note: str = "mistake", key: str = "a") -> LedgerEntry:
        return adjust_credits(
            actor=actor, organization=organization, pool="api", amount=amount, business_key=key, note=note
        )

    assert adjust(-500_000).available_after == 1_500_000
    assert adjust(-500_000).available_after == 1_500_000
    for amount, note, code in ((0, "x", 5), (5, " ", 5), (-1_500_001, "x", 104)):
        with pytest.raises(ApiError) as caught:
            adjust(amount, note, key="b")
        assert caught.value.code == code
    assert caught.value.extra == {"needed": "1500.001", "available": "1500.0"}
    assert balance(organization) == (1_500_000, 0)
    assert check_books() == []


def test_the_ledger_is_paged_and_private() -> None:
    ours, theirs = make_organization(plan="business"), make_organization(plan="business")
    actor = owner_of(ours)
    for number in range(5):
        grant_credits(actor=actor, organization=ours, pool="api", amount=1, business_key=f"n{number}")
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = ledger_for(actor, "api", cursor, limit=2)
        seen += [entry.pk for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    expected = LedgerEntry.objects.filter(wallet__organization=ours, wallet__pool="api").order_by("-pk")
    assert seen == list(expected.values_list("pk", flat=True))
    assert len(seen) == 6
    both = ledger_for(actor).items
    assert [entry.pk for entry in both] == sorted((entry.pk for entry in both), reverse=True)
    walked, cursor = [], None
    while True:
        page = ledger_for(actor, None, cursor, limit=3)
        walked += [entry.pk for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert walked == [entry.pk for entry in both]
    assert {entry.wallet.pool for entry in both} == {"portal", "api"}
    assert not {entry.pk for entry in both} & {entry.pk for entry in ledger_for(owner_of(theirs)).items}
    for bad in ("x", "-1", "9" * 40):
        with pytest.raises(ApiError):
            ledger_for(actor, cursor=bad)
    with pytest.raises(ApiError):
        ledger_for(actor, "gold")


def test_wallets_are_two_and_reviewers_do_not_see_them() -> None:
    organization = make_organization(plan="business")
    assert [wallet.pool for wallet in wallets_for(owner_of(organization))] == ["portal", "api"]
    free = make_organization(plan="free")
    assert [(wallet.pool, wallet.available) for wallet in wallets_for(owner_of(free))] == [
        ("portal", 60_000),
        ("api", 0),
    ]
    for read in (wallets_for, ledger_for):
        with pytest.raises(ApiError) as caught:
            read(add_member(organization, "reviewer", make_user()))
        assert caught.value.code == 1503


def test_the_ledger_takes_one_query(django_assert_num_queries: object) -> None:
    organization = make_organization(plan="business")
    actor = owner_of(organization)
    with django_assert_num_queries(1):  # type: ignore[operator]
        for entry in ledger_for(actor).items:
            assert entry.wallet.pool
