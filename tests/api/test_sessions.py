"""The browser's session on the API: the organization of the session, its wallet, and CSRF."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Organization
from apps.jobs.models import Job
from apps.plans.models import Plan, Wallet
from tests.api.conftest import Api, order, problem
from tests.factories import add_member, make_organization, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(organization: Organization) -> Api:
    found = Api()
    user = owner_of(organization).user
    assert user is not None
    found.client.force_login(user)
    return found


def test_work_is_paid_from_the_portal_wallet(person: Api, organization: Organization) -> None:
    answer = person.post("translations", order())
    assert answer.status_code == 202, answer.content
    assert Job.objects.get().pool == "portal"
    assert Wallet.objects.get(organization=organization, pool="portal").held > 0
    assert person.get("balance").json()["pool"] == "portal"


def test_the_browser_follows_its_own_plan_limits(person: Api) -> None:
    Plan.objects.update(api_access=False)
    assert person.post("translations", order()).status_code == 202


def test_changes_need_the_csrf_token(organization: Organization) -> None:
    person = Api()
    person.client = Client(enforce_csrf_checks=True)
    user = owner_of(organization).user
    assert user is not None
    person.client.force_login(user)
    assert person.get("jobs").status_code == 200
    problem(person.post("translations", order()), 403, 4030)
    problem(person.post("assets", {"url": "https://example.com/a.mp4"}), 403, 4030)
    problem(person.post("uploads", b"", Tus_Resumable="1.0.0", Upload_Length="5"), 403, 4030)
    assert Job.objects.count() == 0
    token = person.client.get("/jobs/new/").context["csrf_token"]
    assert person.post("translations", order(), X_CSRFToken=str(token)).status_code == 202


def test_a_key_needs_no_csrf_token(api: Api) -> None:
    api.client = Client(enforce_csrf_checks=True)
    assert api.post("translations", order()).status_code == 202


def test_a_viewer_sees_and_does_not_order(organization: Organization) -> None:
    viewer = Api()
    user = add_member(organization, "viewer").user
    assert user is not None
    viewer.client.force_login(user)
    assert viewer.get("jobs").status_code == 200
    problem(viewer.post("translations", order()), 403, 1503)
    problem(viewer.get("balance"), 403, 1503)


def test_without_any_organization(db: None) -> None:
    from tests.factories import make_user

    person = Api()
    person.client.force_login(make_user())
    problem(person.get("jobs"), 403, 814)
    problem(person.post("translations", order()), 403, 814)


def test_a_wrong_key_is_not_saved_by_a_session(person: Api) -> None:
    problem(person.get("jobs", Authorization="Bearer sk_00000000_" + "a" * 43), 401, 7)


def test_another_organization_of_the_same_person(person: Api, organization: Organization) -> None:
    from apps.accounts.models import Membership

    user = owner_of(organization).user
    assert user is not None
    other = make_organization(credits=5, name="zzz other")
    Membership.objects.create(organization=other, user=user, role="owner")
    person.post("translations", order())
    session = person.client.session
    session["organization"] = other.public_id
    session.save()
    assert person.get("jobs").json()["items"] == []
