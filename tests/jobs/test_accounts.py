"""Provider accounts: made, sealed, opened with a token, tested, paced, rested, resealed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.apps import apps as installed
from django.core.management import CommandError, call_command

from apps.accounts.actor import Actor
from apps.core import clock
from apps.core.errors import ApiError
from apps.events.models import Event
from apps.events.sealed import SEALED
from apps.jobs.models import Job, ProviderAccount
from apps.jobs.services import account_health, account_limits, accounts
from apps.jobs.services.account_changes import AccountDraft, Staff, change_account, create_account, delete_account
from apps.jobs.services.account_check import check_account
from apps.providers.conversation import AccountRefused
from tests.factories import add_member, make_key, make_organization, make_user, owner_of
from tests.jobs.helpers import order, submitted
from tests.jobs.token_vendor import KEY, NAME, TokenStub

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("token_provider")]


@pytest.fixture
def staff() -> Staff:
    return Staff(make_user(is_staff=True))


def owner() -> Actor:
    return owner_of(make_organization())


def made(actor: Actor | Staff, **fields: Any) -> ProviderAccount:
    given = {"name": "Main", "values": {"key": KEY}} | fields
    return create_account(actor=actor, provider=NAME, draft=AccountDraft(**given))


# ---- making and changing


def test_a_secret_is_sealed_and_never_told(staff: Staff) -> None:
    row = made(staff, values={"key": KEY, "team": "night shift"})
    row.refresh_from_db()
    assert KEY not in row.sealed and KEY not in str(row.values)
    assert row.values == {"team": "night shift"}
    assert dict(accounts.plain_account(row).values) == {"key": KEY, "team": "night shift"}
    change_account(actor=staff, account=row, draft=AccountDraft(values={"key": "", "team": ""}))
    row.refresh_from_db()
    assert dict(accounts.plain_account(row).values) == {"key": KEY, "team": "everyone"}
    change_account(actor=staff, account=row, draft=AccountDraft(values={"key": "another one"}))
    events = list(Event.objects.filter(subject_id=row.public_id).order_by("pk"))
    assert [event.type for event in events] == [
        "provider_account.created",
        "provider_account.changed",
        "provider_account.changed",
    ]
    assert events[2].data["fields"] == ["values.key"]
    assert events[0].actor["kind"] == "staff"
    for event in events:
        assert KEY not in str(event.data) and "another one" not in str(event.data)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"values": {}}, "values.key"),
        ({"values": {"key": "a\r\nX-Other: 1"}}, "values.key"),
        ({"values": {"key": "k", "colour": "red"}}, "values.colour"),
        ({"endpoint": "https://10.0.0.8/api"}, "endpoint"),
        ({"endpoint": "https://169.254.169.254"}, "endpoint"),
        ({"endpoint": "http://vendor.example.com"}, "endpoint"),
        ({"endpoint": "https://user:pw@vendor.example.com"}, "endpoint"),
        ({"endpoint": "https://vendor.example.com/?x=1"}, "endpoint"),
        ({"endpoint": "ftp://vendor.example.com"}, "endpoint"),
        ({"region": "west/../europe"}, "region"),
        ({"concurrency": -1}, "concurrency"),
        ({"submits_per_second": float("nan")}, "submits_per_second"),
        ({"cost_per_minute": Decimal("0.1")}, "cost_per_minute"),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_made(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ApiError) as caught:
        made(owner(), **fields)
    assert (caught.value.code, set(caught.value.errors)) == (5, {named})
    assert not ProviderAccount.objects.exists()


def test_unknown_and_local_providers_have_no_accounts() -> None:
    for name in ("nobody", "local"):
        with pytest.raises(ApiError) as caught:
            create_account(actor=owner(), provider=name, draft=AccountDraft(name="x"))
        assert set(caught.value.errors) == {"provider"}


def test_only_managers_of_the_same_organization_and_no_keys() -> None:
    mine = owner()
    row = made(mine)
    stranger = owner()
    for verb in (
        lambda who: change_account(actor=who, account=row, draft=AccountDraft(name="taken")),
        lambda who: delete_account(actor=who, account=row),
        lambda who: check_account(actor=who, account=row),
    ):
        with pytest.raises(ApiError) as caught:
            verb(stranger)
        assert caught.value.http_status == 404
        with pytest.raises(ApiError) as caught:
            verb(Staff(make_user(is_staff=True)))  # staff's own door has staff's own accounts only
        assert caught.value.http_status == 404
        for who in (add_member(mine.organization, "editor"), _key_actor(mine)):
            with pytest.raises(ApiError) as caught:
                verb(who)
            assert caught.value.code == 1503
    with pytest.raises(ApiError):
        Staff(make_user())
    row.refresh_from_db()
    assert row.name == "Main"


def _key_actor(actor: Actor) -> Actor:
    key, _ = make_key(actor.organization)
    return Actor(
        organization=actor.organization, kind="api_key", api_key=key, role="owner", scopes=frozenset(key.scopes)
    )


def test_an_account_with_work_under_way_stays() -> None:
    actor = owner()
    row = made(actor)
    job = submitted(actor, order())
    Job.objects.filter(pk=job.pk).update(provider_account=row)
    with pytest.raises(ApiError) as caught:
        delete_account(actor=actor, account=row)
    assert caught.value.code == 4090
    Job.objects.filter(pk=job.pk).update(status="canceled")
    delete_account(actor=actor, account=row)
    job.refresh_from_db()
    assert job.provider_account is None and not ProviderAccount.objects.exists()


# ---- opening and testing


def test_the_token_is_fetched_once_and_again_after_a_change(token_vendor: TokenStub, staff: Staff) -> None:
    row = made(staff, endpoint=token_vendor.base)
    with ThreadPoolExecutor(4) as pool:
        tokens = {account.token for account in pool.map(accounts.open_account, [row] * 8)}
    assert tokens == {"t1"} and token_vendor.tokens == 1
    accounts.forget_token(row)
    assert accounts.open_account(row).token == "t2"
    change_account(actor=staff, account=row, draft=AccountDraft(values={"key": "wrong"}))
    row.refresh_from_db()
    with pytest.raises(AccountRefused):
        accounts.open_account(row)


def test_a_token_that_is_about_to_end_is_not_used(token_vendor: TokenStub, staff: Staff) -> None:
    token_vendor.life = 0.2
    row = made(staff, endpoint=token_vendor.base)
    assert accounts.open_account(row).token == "t1"
    time.sleep(0.15)
    assert accounts.open_account(row).token == "t2"


def test_a_seal_that_cannot_be_opened_is_the_accounts_trouble(staff: Staff, settings: Any) -> None:
    row = made(staff)
    settings.SEALING_KEYS = ["a key that came later"]
    with pytest.raises(AccountRefused, match="SEALING_KEYS"):
        accounts.plain_account(row)
    # ...and giving the credentials anew mends it.
    change_account(actor=staff, account=row, draft=AccountDraft(values={"key": "new"}))
    row.refresh_from_db()
    assert accounts.plain_account(row).values["key"] == "new"


def test_the_test_button_makes_a_real_call(token_vendor: TokenStub, staff: Staff) -> None:
    row = made(staff, endpoint=token_vendor.base, values={"key": KEY, "team": "day shift"})
    ProviderAccount.objects.filter(pk=row.pk).update(failures=7, open_until=clock.now() + timedelta(hours=1))
    checked = check_account(actor=staff, account=row)
    assert (checked.ok, checked.said, checked.operation, checked.status) == (
        True,
        "Signed in as day shift.",
        "whoami",
        200,
    )
    assert "day shift" in checked.body and KEY not in checked.body  # the vendor told the key; we do not
    row.refresh_from_db()
    assert (row.failures, row.open_until, row.last_error) == (0, None, "") and row.tested_at and row.last_ok_at
    token_vendor.plan("whoami", "401")
    checked = check_account(actor=staff, account=row)
    assert (checked.ok, checked.said, checked.status) == (False, "The vendor does not know this key.", 401)
    token_vendor.plan(
        "whoami", "lost", "lost"
    )  # the door tries a broken connection once more or not: both are no answer
    checked = check_account(actor=staff, account=row)
    assert not checked.ok and checked.status == 0
    row.refresh_from_db()
    assert row.last_error.startswith("test: ") and row.open_until is None


def test_an_organization_does_not_see_what_its_host_answers(token_vendor: TokenStub) -> None:
    actor = owner()
    checked = check_account(actor=actor, account=made(actor, endpoint=token_vendor.base))
    assert checked.ok and checked.body == ""


# ---- pace


def test_submits_are_handed_out_at_the_accounts_pace(staff: Staff, django_assert_num_queries: Any) -> None:
    row = made(staff, submits_per_second=4)
    with django_assert_num_queries(1):
        waits = [account_limits.reserve_submit(row)]
    waits += [account_limits.reserve_submit(row) for _ in range(8)]
    for place, wait in enumerate(waits):
        assert wait == pytest.approx(place * 0.25, abs=0.15)
    far = account_limits.reserve_submit(row)
    row.refresh_from_db()
    kept = row.next_submit_at
    assert far > account_limits.SOON and account_limits.reserve_submit(row) > account_limits.SOON
    row.refresh_from_db()
    assert row.next_submit_at == kept, "who has to come back reserves nothing"


def test_retry_after_holds_the_whole_account(staff: Staff) -> None:
    row = made(staff, submits_per_second=100)
    account_limits.hold_back(row, 30)
    assert 29 < account_limits.reserve_submit(row) < 40
    account_limits.hold_back(row, 1)  # a shorter one shortens nothing
    assert account_limits.reserve_submit(row) > 29


# ---- health


def trouble(row: ProviderAccount, times: int, kind: Any = "unavailable") -> None:
    for _ in range(times):
        account_health.forget_writes()
        account_health.saw_trouble(row, "it answered 503", kind)


def fresh(row: ProviderAccount) -> ProviderAccount:
    return ProviderAccount.objects.get(pk=row.pk)


def test_trouble_in_a_row_opens_the_breaker_and_a_good_answer_before_that_does_not(staff: Staff) -> None:
    row = made(staff)
    trouble(row, 4)
    assert account_health.may_send(fresh(row)) == 0.0
    account_health.saw_ok(fresh(row), reading=True)
    assert fresh(row).failures == 0
    trouble(row, 5)
    assert 10 < account_health.may_send(fresh(row)) <= 15
    assert "503" in fresh(row).last_error
    account_health.forget_writes()
    account_health.saw_ok(fresh(row), reading=True)
    assert account_health.may_send(fresh(row)) > 0, "an answered poll does not close it"
    event = Event.objects.get(type="provider_account.resting")
    assert event.organization_id is None and event.data["kind"] == "unavailable"


def test_a_refused_account_rests_at_once_and_longer_each_time(staff: Staff) -> None:
    row = made(staff)
    trouble(row, 1, "refused")
    assert 50 < account_health.may_send(fresh(row)) <= 60
    trouble(row, 3, "refused")  # answers to what was sent before: they count nothing
    assert account_health.may_send(fresh(row)) <= 60
    rests = []
    for _ in range(8):
        ProviderAccount.objects.filter(pk=row.pk).update(open_until=clock.now() - timedelta(seconds=1))
        tried = fresh(row)
        assert account_health.may_send(tried) == 0.0, "half open: the first one tries"
        assert account_health.may_send(fresh(row)) > 0, "and only that one"
        account_health.forget_writes()
        account_health.saw_trouble(tried, "still no", "refused")
        rests.append(round(account_health.rests(fresh(row)), -1))
    assert rests[:3] == [120, 240, 480] and rests[-1] == 1800


def test_one_good_trial_closes_it(staff: Staff) -> None:
    row = made(staff)
    trouble(row, 5)
    ProviderAccount.objects.filter(pk=row.pk).update(open_until=clock.now() - timedelta(seconds=1))
    assert account_health.may_send(fresh(row)) == 0.0
    account_health.forget_writes()
    account_health.saw_ok(fresh(row))
    assert (fresh(row).failures, fresh(row).open_until) == (0, None)
    assert Event.objects.filter(type="provider_account.recovered").count() == 1


def test_only_one_of_many_is_the_trial(staff: Staff) -> None:
    row = made(staff)
    trouble(row, 5)
    ProviderAccount.objects.filter(pk=row.pk).update(open_until=clock.now() - timedelta(seconds=1))
    seen = [fresh(row) for _ in range(6)]  # all of them saw it half open
    assert [account_health.may_send(one) for one in seen].count(0.0) == 1


def test_healthy_work_writes_nothing(staff: Staff, django_assert_num_queries: Any) -> None:
    row = made(staff)
    account_health.saw_ok(row, reading=True)
    row = fresh(row)
    with django_assert_num_queries(0):
        for _ in range(1000):
            account_health.saw_ok(row, reading=True)


# ---- keys of the seal


def test_reseal_moves_every_secret_to_the_newest_key(staff: Staff, settings: Any) -> None:
    settings.SEALING_KEYS = ["the old key"]
    rows = [made(staff, name=f"n{number}") for number in range(3)]
    settings.SEALING_KEYS = ["the new key", "the old key"]
    out = StringIO()
    call_command("reseal", stdout=out)
    assert "jobs.ProviderAccount.sealed: 3 sealed again" in out.getvalue()
    settings.SEALING_KEYS = ["the new key"]
    for row in rows:
        assert accounts.plain_account(fresh(row)).values["key"] == KEY
    settings.SEALING_KEYS = ["a third key"]
    before = fresh(rows[0]).sealed
    with pytest.raises(CommandError, match="3 secrets"):
        call_command("reseal", stdout=StringIO())
    assert fresh(rows[0]).sealed == before


def test_every_sealed_column_is_known_to_reseal() -> None:
    found = {
        (f"{model._meta.app_label}.{model.__name__}", field.name)
        for model in installed.get_models()
        for field in model._meta.get_fields()
        if field.name.startswith("sealed")
    }
    assert found == set(SEALED)
