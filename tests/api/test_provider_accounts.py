"""Accounts that an organization brings, by API: people only, secrets one way, real tests, and what GET /providers says of it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.jobs.models import Job, ProviderAccount
from tests.api.conftest import Api, order, problem
from tests.factories import add_member, make_organization, owner_of
from tests.jobs.token_vendor import KEY, NAME, TokenStub

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("token_provider")]


def signed_in(user: Any) -> Api:
    found = Api()
    found.client.force_login(user)
    return found


@pytest.fixture
def person(organization: Organization) -> Api:
    return signed_in(owner_of(organization).user)


def body(token_vendor: TokenStub, **change: Any) -> dict[str, Any]:
    return {
        "provider": NAME,
        "name": "Ours",
        "endpoint": token_vendor.base,
        "values": {"key": KEY, "team": "one"},
    } | change


def test_the_life_of_an_account(person: Api, token_vendor: TokenStub) -> None:
    answer = person.post("provider-accounts", body(token_vendor))
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["values"], made["secrets"], made["state"]) == ({"team": "one"}, ["key"], "new")
    assert KEY not in answer.content.decode()
    path = f"provider-accounts/{made['id']}"
    assert answer["Location"] == f"/api/v1/{path}"
    assert person.post(f"{path}/test", {}).json() | {"seconds": 0} == {
        "ok": True,
        "said": "Signed in as one.",
        "http_status": 200,
        "seconds": 0,
    }
    changed = person.call("PATCH", path, {"values": {"team": "two"}, "concurrency": 3}).json()
    assert (changed["values"], changed["concurrency"], changed["secrets"]) == ({"team": "two"}, 3, ["key"])
    assert person.post(f"{path}/test", {}).json()["said"] == "Signed in as two."
    token_vendor.plan("whoami", "500")
    assert person.post(f"{path}/test", {}).json()["ok"] is False
    assert [row["id"] for row in person.get("provider-accounts").json()["items"]] == [made["id"]]
    assert person.call("DELETE", path).status_code == 204
    problem(person.get(path), 404, 4040)
    assert person.get("provider-accounts").json() == {"items": []}


def test_keys_and_lesser_roles_are_refused(api: Api, organization: Organization, token_vendor: TokenStub) -> None:
    problem(api.get("provider-accounts"), 403, 1503)
    problem(api.post("provider-accounts", body(token_vendor)), 403, 1503)
    for role in ("editor", "viewer"):
        problem(signed_in(add_member(organization, role).user).get("provider-accounts"), 403, 1503)
    assert not ProviderAccount.objects.exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"provider": "nobody"}, "provider"),
        ({"values": {"key": ""}}, "values.key"),
        ({"values": {"key": "k", "other": "x"}}, "values.other"),
        ({"endpoint": "https://192.168.1.4"}, "endpoint"),
        ({"endpoint": "https://metadata.google.internal"}, "endpoint"),
        ({"concurrency": -1}, "concurrency"),
        ({"cost_per_minute": "0.1"}, "cost_per_minute"),
    ],
)
def test_what_is_wrong_is_named(person: Api, token_vendor: TokenStub, change: dict[str, Any], named: str) -> None:
    found = problem(person.post("provider-accounts", body(token_vendor, **change)), 400, 5)
    assert named in found["errors"]
    assert not ProviderAccount.objects.exists()


def test_providers_tell_what_can_be_ordered_from(
    api: Api, person: Api, organization: Organization, token_vendor: TokenStub
) -> None:
    def told() -> dict[str, Any]:
        return next(row for row in api.get("providers").json()["items"] if row["name"] == NAME)

    assert (told()["available"], told()["account"]) == (False, None) and "account" in told()["reason"]
    assert [field["name"] for field in told()["account_fields"]] == ["key", "team"]
    found = problem(api.post("translations", order(provider=NAME)), 400, 5)
    assert set(found["errors"]) == {"provider"}
    ProviderAccount.objects.create(organization=make_organization(), provider=NAME, name="a stranger's")
    assert told()["available"] is False
    person.post("provider-accounts", body(token_vendor))
    assert (told()["available"], told()["account"], told()["healthy"], told()["reason"]) == (True, "own", True, "")
    answer = api.post("translations", order(provider=NAME))
    assert answer.status_code == 202, answer.content
    assert Job.objects.get().order["provider"] == NAME
