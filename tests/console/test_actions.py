"""What staff can do: every button asks first, goes through a service, tells who did it, and does nothing twice."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import ApiKey, Invitation, Organization
from apps.events.models import Event
from apps.plans.models import LedgerEntry, Wallet
from apps.plans.selectors import plan_for
from apps.plans.services import check_books
from tests.console.conftest import make_job
from tests.factories import make_organization
from tests.plans.holds import balance

pytestmark = pytest.mark.django_db


def key_in(page: bytes) -> str:
    """The hidden business key of a money form."""
    found = re.search(rb'name="key" value="([0-9a-f]{32})"', page)
    assert found is not None
    return found[1].decode()


def test_a_grant_posted_twice_grants_once(staff: Client) -> None:
    organization = make_organization(plan="free")
    url = reverse("admin:accounts_organization_grant", args=[organization.pk])
    form = staff.get(url)
    assert form.status_code == 200
    values = {"pool": "api", "amount": "12.5", "note": "goodwill", "key": key_in(form.content)}
    for _ in range(2):
        response = staff.post(url, values)
        assert response.status_code == 302
        assert response.headers["Location"] == reverse("admin:accounts_organization_change", args=[organization.pk])
    assert balance(organization) == (12_500, 0)
    entry = LedgerEntry.objects.get(kind="grant", wallet__organization=organization, wallet__pool="api")
    assert (entry.note, entry.actor["kind"]) == ("goodwill", "staff")
    event = Event.objects.get(type="credits.granted", organization_id=organization.pk, data__pool="api")
    assert event.actor["label"] == "staff"
    # A new form has a new key, and is a new grant.
    values["key"] = key_in(staff.get(url).content)
    staff.post(url, values)
    assert balance(organization) == (25_000, 0)
    assert check_books() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "0"},
        {"amount": "-3"},
        {"amount": "1.2345"},
        {"amount": "x"},
        {"note": ""},
        {"pool": "gold"},
        {"key": ""},
    ],
)
def test_a_bad_grant_says_what_is_wrong(staff: Client, wrong: dict[str, str]) -> None:
    organization = make_organization(plan="free")
    url = reverse("admin:accounts_organization_grant", args=[organization.pk])
    response = staff.post(url, {"pool": "api", "amount": "1", "note": "n", "key": "k" * 32, **wrong})
    assert response.status_code == 400
    assert response.context["form"].errors
    assert balance(organization) == (0, 0)


def test_a_correction_on_the_wallets_page(staff: Client) -> None:
    organization = make_organization(plan="business")
    wallet = Wallet.objects.get(organization=organization, pool="api")
    url = reverse("admin:plans_wallet_adjust", args=[wallet.pk])
    key = key_in(staff.get(url).content)
    values = {"pool": "api", "amount": "-2001", "note": "mistake", "key": key}
    refused = staff.post(url, values)
    assert refused.status_code == 400
    assert "(104)" in refused.content.decode()
    for _ in range(2):
        assert staff.post(url, values | {"amount": "-500"}).status_code == 302
    assert balance(organization) == (1_500_000, 0)


@pytest.mark.parametrize("page", ["accounts_organization_change_plan", "plans_subscription_change_plan"])
def test_a_plan_is_changed_once(staff: Client, page: str) -> None:
    organization = make_organization(plan="free")
    pk = organization.pk if page.startswith("accounts") else organization.subscription.pk
    url = reverse(f"admin:{page}", args=[pk])
    assert staff.get(url).context["form"].initial == {"plan": "free", "status": "active"}
    for _ in range(2):
        assert staff.post(url, {"plan": "business", "status": "active"}).status_code == 302
    plan = plan_for(organization)
    assert plan is not None and plan.code == "business"
    assert balance(organization) == (2_000_000, 0)
    assert staff.post(url, {"plan": "gold", "status": "active"}).status_code == 400


def test_asking_changes_nothing(staff: Client, populate: Callable[[], None]) -> None:
    populate()
    key, invitation = ApiKey.objects.all()[0], Invitation.objects.all()[0]
    assert staff.get(reverse("admin:accounts_apikey_revoke", args=[key.pk])).status_code == 200
    assert staff.get(reverse("admin:accounts_invitation_revoke", args=[invitation.pk])).status_code == 200
    key.refresh_from_db()
    assert key.revoked_at is None
    for name, row in (("apikey", key), ("invitation", invitation)):
        assert staff.post(reverse(f"admin:accounts_{name}_revoke", args=[row.pk]), {"sure": "yes"}).status_code == 302
        row.refresh_from_db()
        assert row.revoked_at is not None
    kinds = Event.objects.filter(type__in=["key.revoked", "invitation.revoked"]).values_list("actor__kind", flat=True)
    assert list(kinds) == ["staff", "staff"]


def test_editing_an_organization_is_told(staff: Client) -> None:
    organization = make_organization(name="Old")
    url = reverse("admin:accounts_organization_change", args=[organization.pk])
    response = staff.post(
        url,
        {
            "name": "New",
            "status": "suspended",
            "preferred_provider": "",
            "memberships-TOTAL_FORMS": "0",
            "memberships-INITIAL_FORMS": "0",
        },
    )
    assert response.status_code == 302, response.context["errors"]
    event = Event.objects.get(type="organization.updated", organization_id=organization.pk)
    assert event.data == {"name": "New", "status": "suspended"}
    assert event.actor["kind"] == "staff"


def test_staff_cancel_a_job(staff: Client) -> None:
    organization = make_organization(plan="business")
    job = make_job(organization)
    url = reverse("admin:jobs_job_cancel", args=[job.pk])
    assert staff.get(url).status_code == 200
    job.refresh_from_db()
    assert job.status == "processing"
    assert staff.post(url, {"sure": "yes"}).status_code == 302
    job.refresh_from_db()
    assert job.cancel_requested_at is not None or job.status == "canceled"
    # Retrying what was not failed or is under way is refused in words, not with a 500.
    assert staff.post(reverse("admin:jobs_job_resume", args=[job.pk]), {"sure": "yes"}).status_code == 400


def test_the_books_are_checked_on_demand(staff: Client) -> None:
    organization = make_organization(plan="business")
    url = reverse("console-books")
    assert staff.get(url).status_code == 200
    assert staff.post(url).status_code == 302
    Wallet.objects.filter(organization=organization, pool="api").update(available=1)
    page = staff.post(url)
    assert page.status_code == 200
    assert "available: ledger, wallet" in page.content.decode()
    cards = {card["title"]: card for card in staff.get(reverse("admin:index")).context["cards"]}
    assert cards["Books"]["bad"] is True


def test_rows_that_are_gone_are_not_acted_on(staff: Client) -> None:
    assert Organization.objects.count() == 0
    assert staff.get(reverse("admin:accounts_organization_grant", args=[1])).status_code == 403


def test_a_key_is_limited(staff: Client, populate: Callable[[], None]) -> None:
    populate()
    key = ApiKey.objects.all()[0]
    url = reverse("admin:accounts_apikey_limit", args=[key.pk])
    assert staff.get(url).status_code == 200
    for value, status, then in (("3", 302, 3), ("3", 302, 3), ("0", 400, 3), ("", 302, None)):
        assert staff.post(url, {"max_concurrency": value}).status_code == status
        key.refresh_from_db()
        assert key.max_concurrency == then
    assert [event.data["to"] for event in Event.objects.filter(type="key.limited").order_by("pk")] == [3, None]
