"""The permissions table: every permission x role x scope, told independently of the code that reads it."""

from __future__ import annotations

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import Organization, Role
from apps.accounts.permissions import PERMISSIONS, SCOPES, allows, require, roles_for, scope_for
from apps.core.errors import ApiError

# permission: (owner, admin, editor, reviewer, viewer), scope. "yes" or "no" for each role, as a customer would read it.
EXPECTED = {
    "api.use": ("yes yes yes no no", None),
    "jobs.view": ("yes yes yes yes yes", "jobs:read"),
    "jobs.submit": ("yes yes yes no no", "jobs:write"),
    "jobs.manage": ("yes yes yes no no", "jobs:write"),
    "jobs.resume": ("yes yes yes yes no", "jobs:write"),
    "transcripts.edit": ("yes yes yes yes no", "jobs:write"),
    "assets.write": ("yes yes yes no no", "assets:write"),
    "glossaries.write": ("yes yes yes no no", "glossaries:write"),
    "billing.view": ("yes yes yes no no", "billing:read"),
    "webhooks.view": ("yes yes yes no no", "jobs:read"),
    "webhooks.manage": ("yes yes no no no", "webhooks:write"),
    "members.manage": ("yes yes no no no", None),
    "keys.manage": ("yes yes no no no", None),
    "org.manage": ("yes yes no no no", None),
}
ROLES = [str(role) for role in Role.values]


def person(role: str) -> Actor:
    return Actor(organization=Organization(name="o"), kind="user", role=role)


def key(role: str, *scopes: str) -> Actor:
    return Actor(organization=Organization(name="o"), kind="api_key", role=role, scopes=frozenset(scopes))


def test_the_expectation_covers_the_whole_table() -> None:
    assert EXPECTED.keys() == PERMISSIONS.keys()
    assert {scope for _, scope in EXPECTED.values() if scope} == set(SCOPES)


@pytest.mark.parametrize("permission", sorted(EXPECTED))
@pytest.mark.parametrize("role", [*ROLES, "", "stranger"])
def test_people_pass_by_role(permission: str, role: str) -> None:
    words = dict(zip(ROLES, EXPECTED[permission][0].split(), strict=True))
    assert allows(person(role), permission) is (words.get(role) == "yes")


@pytest.mark.parametrize("permission", sorted(EXPECTED))
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("scope", [None, *SCOPES])
def test_keys_pass_by_scope_and_their_makers_role(permission: str, role: str, scope: str | None) -> None:
    words, needed = EXPECTED[permission]
    by_role = dict(zip(ROLES, words.split(), strict=True))[role] == "yes"
    actor = key(role, scope) if scope else key(role)
    by_scope = permission == "api.use" or (needed is not None and scope == needed)
    assert allows(actor, permission) is (by_role and by_scope)
    if not (by_role and by_scope):
        with pytest.raises(ApiError) as caught:
            require(actor, permission)
        assert caught.value.code == 1503
        assert caught.value.http_status == 403


@pytest.mark.parametrize("permission", sorted(EXPECTED))
@pytest.mark.parametrize("kind", ["staff", "system"])
def test_staff_and_the_system_may_do_everything(permission: str, kind: str) -> None:
    assert allows(Actor(organization=Organization(name="o"), kind=kind), permission)  # type: ignore[arg-type]


def test_the_database_gets_roles_and_scope_from_the_same_table() -> None:
    assert roles_for("jobs.submit") == ["owner", "admin", "editor"]
    assert scope_for("jobs.submit") == "jobs:write"
    assert scope_for("keys.manage") is None
    with pytest.raises(KeyError):
        roles_for("jobs.fly")
