"""Routing: who may carry an order out, through which account, and where a job goes when that one fails it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.core import clock
from apps.events.models import Event
from apps.jobs.models import Job, ProviderAccount, ProviderCall
from apps.jobs.services import account_health, routing
from apps.jobs.services.account_changes import AccountDraft, Staff, change_account, create_account
from apps.jobs.services.estimating import estimate_order
from apps.providers import registry
from tests.factories import make_key, make_organization, make_user, owner_of
from tests.jobs.helpers import order, parsed, refused, submitted
from tests.jobs.token_vendor import KEY, TokenProvider

pytestmark = pytest.mark.django_db
FIRST, SECOND = "vendor-one", "vendor-two"
# What the built-in engine has no emotion for, these vendors do.
ONLY_THEIRS: dict[str, Any] = {"voice": {"emotion": "on"}, "steps": ["subtitles", "voice"]}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FIRST, SECOND):
        monkeypatch.setitem(registry.PROVIDERS, name, TokenProvider(name, name.title()))
    account_health.forget_writes()


@pytest.fixture
def actor() -> Actor:
    return owner_of(make_organization())


@pytest.fixture
def staff() -> Staff:
    return Staff(make_user(is_staff=True))


def account(who: Actor | Staff, provider: str = FIRST, **fields: Any) -> ProviderAccount:
    draft = AccountDraft(**({"name": "Main", "values": {"key": KEY}} | fields))
    return create_account(actor=who, provider=provider, draft=draft)


def rest(row: ProviderAccount, seconds: float = 600.0) -> None:
    until = clock.now() + timedelta(seconds=seconds)
    ProviderAccount.objects.filter(pk=row.pk).update(failures=5, open_until=until)


def job_of(actor: Actor, **fields: Any) -> Job:
    return submitted(actor, order(**(ONLY_THEIRS | fields)))


# ---- admission


def test_a_named_provider_needs_an_account_that_is_in_use(actor: Actor, staff: Staff) -> None:
    wanted = order(provider=FIRST, **ONLY_THEIRS)
    _, text = make_key(actor.organization)
    for who in (actor, parsed(text)):
        assert set(refused(who, wanted).errors) == {"provider"}
    stranger = owner_of(make_organization())
    account(stranger)
    assert set(refused(parsed(text), wanted).errors) == {"provider"}, "another organization's account is not ours"
    row = account(staff, enabled=False)
    assert set(refused(actor, wanted).errors) == {"provider"}
    change_account(actor=staff, account=row, draft=AccountDraft(enabled=True))
    assert estimate_order(actor=actor, order=wanted).total > 0
    assert submitted(actor, wanted).order["provider"] == FIRST


def test_an_own_account_is_enough(actor: Actor) -> None:
    account(actor)
    _, text = make_key(actor.organization)
    assert submitted(parsed(text), order(provider=FIRST, **ONLY_THEIRS))  # type: ignore[arg-type]


def test_what_nobody_usable_honours_is_named(actor: Actor, staff: Staff) -> None:
    assert set(refused(actor, order(**ONLY_THEIRS)).errors) >= {"voice.emotion"}
    account(staff)
    assert submitted(actor, order(**ONLY_THEIRS))
    wrong = refused(actor, order(provider=FIRST, review_after="translate", **ONLY_THEIRS)).errors
    assert set(wrong) == {"review_after"}


def test_orders_that_the_engine_covers_ask_for_no_accounts(
    actor: Actor, staff: Staff, django_assert_num_queries: Any
) -> None:
    account(staff)
    asked = []

    def usable() -> list[str]:
        asked.append(1)
        return []

    with django_assert_num_queries(0):
        assert routing.check_order(order(), usable) == {}
    assert asked == []


# ---- which provider, which account


def test_the_first_that_covers_it_then_the_preferred_one(actor: Actor, staff: Staff) -> None:
    account(staff, FIRST)
    account(staff, SECOND)
    assert routing.route(job_of(actor)).name == FIRST
    actor.organization.preferred_provider = SECOND
    actor.organization.save(update_fields=["preferred_provider"])
    assert routing.route(job_of(actor)).name == SECOND
    assert routing.route(submitted(actor, order())).name == SECOND, "also where the engine could"
    assert routing.route(job_of(actor, provider=FIRST)).name == FIRST


def test_a_provider_that_rests_is_passed_over_when_another_can(actor: Actor, staff: Staff) -> None:
    row = account(staff, FIRST)
    rest(row)
    assert routing.route(job_of(actor, provider=FIRST)).name == FIRST
    assert routing.route(job_of(actor)).name == FIRST, "nobody else can: it waits there"
    account(staff, SECOND)
    assert routing.route(job_of(actor)).name == SECOND


def test_the_own_account_goes_first_then_priority(actor: Actor, staff: Staff) -> None:
    account(staff, name="late", priority=9)
    early = account(staff, name="early", priority=1)
    job = job_of(actor)
    routing.route(job)
    assert routing.account_for(job) == early
    own = account(actor, name="own", priority=500)
    job = job_of(actor)
    routing.route(job)
    assert routing.account_for(job) == own
    job.refresh_from_db()
    assert (job.provider, job.provider_account) == (FIRST, own)


def test_a_full_account_takes_no_more(actor: Actor, staff: Staff) -> None:
    small = account(staff, concurrency=1)
    first, second = job_of(actor), job_of(actor)
    for job in (first, second):
        routing.route(job)
    assert routing.account_for(first) == small
    assert routing.account_for(first) == small, "the same job again is no second one"
    with pytest.raises(routing.Resting) as caught:
        routing.account_for(second)
    assert caught.value.seconds > 0
    Job.objects.filter(pk=first.pk).update(status="completed")
    assert routing.account_for(second) == small


def test_what_has_begun_stays_whatever_happens(actor: Actor, staff: Staff) -> None:
    row = account(staff)
    job = job_of(actor)
    routing.route(job)
    routing.account_for(job)
    ProviderCall.objects.create(
        job=job, provider=FIRST, operation="create", client_id=routing.client_id(job), outcome="unknown"
    )
    rest(row)
    account(staff, FIRST, name="other")
    account(staff, SECOND)
    assert routing.route(job).name == FIRST
    assert routing.account_for(job) == row
    onward = routing.fail_over(job)
    assert onward.action == "wait" and onward.seconds > 500


def test_an_account_that_was_taken_away_is_waited_for(actor: Actor, staff: Staff) -> None:
    row = account(staff)
    job = job_of(actor, provider=FIRST)
    routing.route(job)
    change_account(actor=staff, account=row, draft=AccountDraft(enabled=False))
    with pytest.raises(routing.NoAccount):
        routing.account_for(job)
    assert routing.fail_over(job).action == "wait"
    Job.objects.filter(pk=job.pk).update(provider="")
    assert routing.route(Job.objects.get(pk=job.pk)).name == FIRST
    change_account(actor=staff, account=row, draft=AccountDraft(enabled=True))
    assert routing.account_for(job) == row


# ---- failover


def test_failover_goes_to_the_next_account_then_the_next_provider_then_waits(actor: Actor, staff: Staff) -> None:
    one, two = account(staff, FIRST, priority=1), account(staff, FIRST, name="two", priority=2)
    other = account(staff, SECOND)
    job = job_of(actor)
    routing.route(job)
    assert routing.account_for(job) == one
    account_health.saw_trouble(one, "401", "refused")
    assert routing.fail_over(job).action == "again"
    assert routing.account_for(job) == two
    account_health.saw_trouble(two, "401", "refused")
    assert routing.fail_over(job).action == "again"
    job.refresh_from_db()
    assert job.provider == SECOND and job.provider_account is None
    assert routing.route(job).name == SECOND
    assert routing.account_for(job) == other
    account_health.saw_trouble(other, "401", "refused")
    onward = routing.fail_over(job)
    assert onward.action == "wait" and 0 < onward.seconds <= 60
    moves = [event.data for event in Event.objects.filter(type="job.routed", subject_id=job.public_id).order_by("pk")]
    assert moves == [{"provider": FIRST}, {"provider": SECOND, "from": FIRST}]


def test_a_named_provider_is_not_left_and_patience_ends(actor: Actor, staff: Staff) -> None:
    row = account(staff, FIRST)
    account(staff, SECOND)
    job = job_of(actor, provider=FIRST)
    routing.route(job)
    routing.account_for(job)
    account_health.saw_trouble(row, "out of points", "refused")
    assert routing.fail_over(job).action == "wait"
    job.refresh_from_db()
    assert job.provider == FIRST
    job.started_at = clock.now() - routing.PATIENCE - timedelta(minutes=1)
    job.save(update_fields=["started_at"])
    onward = routing.fail_over(job)
    assert onward.action == "fail"
    assert "points" not in onward.reason, "what the vendor says of our account is not the customer's"


def test_the_engine_takes_over_what_it_covers(actor: Actor, staff: Staff) -> None:
    actor.organization.preferred_provider = FIRST
    actor.organization.save(update_fields=["preferred_provider"])
    row = account(staff, FIRST)
    job = submitted(actor, order())
    assert routing.route(job).name == FIRST
    routing.account_for(job)
    account_health.saw_trouble(row, "403", "refused")
    assert routing.fail_over(job).action == "again"
    assert routing.route(job).name == "local"
