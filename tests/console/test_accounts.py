"""Provider accounts in the console: entered, tested with a real call, switched, removed; secrets go in and never out."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.events.models import Event
from apps.jobs.models import InboundCallback, ProviderAccount, ProviderCall
from apps.jobs.services.account_changes import AccountDraft, create_account
from apps.jobs.services.vendor.work import account_callback_url
from tests.console.conftest import make_job
from tests.factories import make_organization, make_user, owner_of
from tests.jobs.token_vendor import KEY, NAME, TokenStub

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("token_provider")]
LIST = "admin:jobs_provideraccount_changelist"


def entered(token_vendor: TokenStub, **change: str) -> dict[str, str]:
    return {
        "name": "Main",
        "enabled": "on",
        "endpoint": token_vendor.base,
        "region": "",
        "values.key": KEY,
        "values.team": "night shift",
        "submits_per_second": "2",
        "polls_per_second": "0",
        "concurrency": "50",
        "priority": "10",
        "cost_per_minute": "0.25",
    } | change


def test_an_account_is_entered_tested_changed_and_removed(staff: Client, token_vendor: TokenStub) -> None:
    new = reverse("admin:jobs_provideraccount_new_account")
    assert new in staff.get(reverse(LIST)).content.decode()
    chosen = staff.post(new, {"provider": NAME})
    assert chosen.status_code == 302
    page = staff.get(chosen["Location"]).content.decode()
    assert re.search(r'<input[^>]*type="password"[^>]*name="values.key"', page) and "From the vendor" in page
    assert staff.post(chosen["Location"], entered(token_vendor)).status_code == 302
    row = ProviderAccount.objects.get()
    assert (row.organization, row.concurrency, row.cost_per_minute) == (None, 50, Decimal("0.25"))

    test = reverse("admin:jobs_provideraccount_test", args=[row.pk])
    assert "costs nothing" in staff.get(test).content.decode() and not token_vendor.requests
    page = staff.post(test).content.decode()
    assert "It works." in page and "Signed in as night shift." in page and "200" in page
    assert KEY not in page and [request.operation for request in token_vendor.requests] == ["token", "whoami"]

    edit = reverse("admin:jobs_provideraccount_change_it", args=[row.pk])
    page = staff.get(edit).content.decode()
    assert "night shift" in page and KEY not in page
    assert staff.post(edit, entered(token_vendor, **{"values.key": "", "name": "Renamed"})).status_code == 302
    assert "It works." in staff.post(test).content.decode(), "an empty secret stays as it was"
    staff.post(edit, entered(token_vendor, **{"values.key": "wrong"}))
    page = staff.post(test).content.decode()
    assert "It does not work." in page and "does not know this key" in page

    detail = staff.get(reverse("admin:jobs_provideraccount_change", args=[row.pk])).content.decode()
    assert "Kept encrypted" in detail and KEY not in detail
    switch = reverse("admin:jobs_provideraccount_switch", args=[row.pk])
    staff.post(switch, {"sure": "yes"})
    row.refresh_from_db()
    assert (row.name, row.enabled) == ("Main", False)
    assert staff.post(reverse("admin:jobs_provideraccount_remove", args=[row.pk]), {"sure": "yes"}).status_code == 302
    assert not ProviderAccount.objects.exists()
    events = Event.objects.filter(subject_id=row.public_id).order_by("pk")
    assert [event.type.partition(".")[2] for event in events] == [
        *("created", "tested", "changed", "tested", "changed", "tested", "changed", "deleted")
    ]
    assert {event.actor["kind"] for event in events} == {"staff"}


def test_what_is_wrong_is_said_at_its_field(staff: Client, token_vendor: TokenStub) -> None:
    url = f"{reverse('admin:jobs_provideraccount_new_account')}?provider={NAME}"
    response = staff.post(url, entered(token_vendor, **{"values.key": "", "endpoint": "http://10.0.0.1"}))
    assert response.status_code == 400
    assert set(response.context["form"].errors) == {"values.key", "endpoint"}
    assert not ProviderAccount.objects.exists()


def test_a_customers_account_is_acted_on_in_their_name(staff: Client, token_vendor: TokenStub) -> None:
    customer = owner_of(make_organization())
    draft = AccountDraft(name="Theirs", endpoint=token_vendor.base, values={"key": KEY})
    row = create_account(actor=customer, provider=NAME, draft=draft)
    assert "It works." in staff.post(reverse("admin:jobs_provideraccount_test", args=[row.pk])).content.decode()
    staff.post(reverse("admin:jobs_provideraccount_switch", args=[row.pk]), {"sure": "yes"})
    row.refresh_from_db()
    assert not row.enabled
    event = Event.objects.filter(subject_id=row.public_id).order_by("-pk")[0]
    assert (event.organization_id, event.actor["kind"]) == (customer.organization.pk, "staff")


def test_looking_is_not_acting(client: Client, token_vendor: TokenStub) -> None:
    row = ProviderAccount.objects.create(provider=NAME, name="Main", endpoint=token_vendor.base)
    client.force_login(make_user(is_staff=True))
    for page in ("test", "change_it", "switch", "remove"):
        url = reverse(f"admin:jobs_provideraccount_{page}", args=[row.pk])
        assert client.get(url).status_code == 403
        assert client.post(url, {"sure": "yes"}).status_code == 403
    assert client.get(reverse("admin:jobs_provideraccount_new_account")).status_code == 403
    assert not token_vendor.requests and ProviderAccount.objects.get().enabled


def test_the_overview_shows_the_health_of_accounts(staff: Client) -> None:
    well = ProviderAccount.objects.create(provider=NAME, name="well", last_ok_at=clock.now())
    ill = ProviderAccount.objects.create(
        provider=NAME, name="ill", failures=5, open_until=clock.now() + timedelta(minutes=5), last_error="401"
    )
    job = make_job(make_organization(), provider=NAME, provider_account=well)
    for outcome in ("ok", "ok", "refused"):
        ProviderCall.objects.create(
            job=job, provider=NAME, operation="create", client_id="x", account=well, outcome=outcome
        )
    response = staff.get(reverse("admin:index"))
    card = response.context["cards"][-1]
    assert (card["value"], card["bad"]) == ("1 of 2 fit for work", True)
    (table,) = [table for title, table in response.context["tables"] if title == "Provider accounts"]
    assert [[str(cell) for cell in row[1:]] for row in table["rows"]] == [
        ["Well", "1", "Accepted: 2, Refused: 1"],
        ["Resting after trouble", "0", "-"],
    ]
    page = staff.get(reverse("admin:jobs_provideraccount_change", args=[ill.pk])).content.decode()
    assert "Resting after trouble" in page
    page = staff.get(reverse("admin:jobs_provideraccount_change", args=[well.pk])).content.decode()
    assert "Accepted: 2" in page


def test_a_jobs_story_tells_account_cost_calls_and_callbacks(staff: Client) -> None:
    account = ProviderAccount.objects.create(provider=NAME, name="Main", cost_per_minute=Decimal("0.2"))
    job = make_job(make_organization(), provider=NAME, provider_account=account, measured_ms=90_000)
    InboundCallback.objects.create(provider=NAME, job=job, key=b"k" * 32, url="https://x", body=b'{"a": 1}', note="why")
    page = staff.get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
    assert "0.3000 (1.50 min × 0.2000)" in page
    assert reverse("admin:jobs_provideraccount_change", args=[account.pk]) in page
    for name in ("providercall", "inboundcallback"):
        url = f"{reverse(f'admin:jobs_{name}_changelist')}?q={job.public_id}"
        assert url in page and staff.get(url).status_code == 200
    assert "why" in page


def test_the_address_for_all_callbacks_of_an_account(staff: Client, settings: Any) -> None:
    """Volcengine VOD posts an account's events to one address, which staff enter over there; others are told one with each job."""
    values = {"access_key_id": "AKLT", "secret_access_key": KEY, "space": "talks"}
    rows = {
        name: ProviderAccount.objects.create(provider=name, name=name, values=values)
        for name in ("volcengine-vod", "lipsync-studio")
    }

    def page(name: str) -> str:
        return staff.get(reverse("admin:jobs_provideraccount_change", args=[rows[name].pk])).content.decode()

    settings.PUBLIC_URL = "https://portal.example.com"
    address = account_callback_url(rows["volcengine-vod"])
    assert address.startswith("https://portal.example.com/callbacks/volcengine-vod/pac_")
    shown = page("volcengine-vod")
    assert f'data-copy-text="{address}"' in shown and "js/copy.js" in shown
    assert "/callbacks/" not in page("lipsync-studio")
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    assert "/callbacks/" not in page("volcengine-vod") and "PUBLIC_URL" in page("volcengine-vod")


def test_the_console_is_english_for_every_reader(staff: Client) -> None:
    """Django's own words would be Russian beside our English ones."""
    answer = staff.get(reverse(LIST), headers={"Accept-Language": "ru"})
    assert answer.status_code == 200
    assert not re.search("[А-Яа-я]", re.sub(r"<select.*?</select>", "", answer.content.decode(), flags=re.S))
    assert re.search("[А-Яа-я]", Client().get("/accounts/login/", headers={"Accept-Language": "ru"}).content.decode())
