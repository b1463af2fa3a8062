"""An organization that requires two-factor sign-in lets nobody in without a second factor, and nobody out of the way to one."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from apps.accounts.models import Organization
from apps.accounts.services import update_organization
from tests.factories import make_key, make_organization, make_user, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    made = make_organization(owner=make_user("owner@example.org"))
    update_organization(actor=owner_of(made), require_mfa=True)
    return made


@pytest.fixture
def member(client: Client, organization: Organization) -> Client:
    client.force_login(organization.memberships.get().user)
    return client


def test_pages_lead_to_setting_one_up(member: Client) -> None:
    for path in ("/jobs/", "/keys/", "/billing/"):
        response = member.get(path)
        assert (response.status_code, response.headers["Location"]) == (302, "/accounts/2fa/")
    assert member.get("/accounts/2fa/").status_code == 200
    api = member.get("/api/v1/jobs")
    assert (api.status_code, api.json()["code"]) == (403, 4030)


def test_a_header_does_not_lead_around_it(member: Client) -> None:
    for header in ("Bearer sk_00000000_aaaaaaaaaaaaaaaaaaaaaaaa", "Basic eDp5", ""):
        assert member.get("/jobs/", headers={"Authorization": header}).status_code == 302
        assert member.post("/keys/new/", {}, headers={"Authorization": header}).status_code == 302
        assert member.get("/api/v1/jobs", headers={"Authorization": header}).status_code == 401


def test_a_second_factor_opens_the_door(member: Client, organization: Organization) -> None:
    Authenticator.objects.create(user=organization.memberships.get().user, type="totp", data={"secret": "x"})
    assert member.get("/jobs/").status_code == 200
    assert member.get("/api/v1/jobs").status_code == 200


def test_keys_and_other_organizations_are_not_concerned(client: Client, organization: Organization) -> None:
    _, text = make_key(organization)
    assert client.get("/api/v1/jobs", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    other = make_organization()
    client.force_login(other.memberships.get().user)
    assert client.get("/jobs/").status_code == 200


def test_managers_switch_it_on_and_off(client: Client) -> None:
    organization = make_organization(name="Studio")
    user = organization.memberships.get().user
    client.force_login(user)
    assert b"require_mfa" in client.get("/settings/").content
    assert client.post("/settings/", {"name": "Studio", "require_mfa": "on"}).status_code == 302
    organization.refresh_from_db()
    assert organization.require_mfa is True
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    assert client.post("/settings/", {"name": "Studio"}).status_code == 302
    organization.refresh_from_db()
    assert organization.require_mfa is False
