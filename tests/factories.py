"""Short makers of people, organizations and keys for tests, through the services that the product itself uses."""

from __future__ import annotations

import itertools
import uuid

from apps.accounts.actor import Actor
from apps.accounts.models import ApiKey, Membership, Organization, User
from apps.accounts.permissions import SCOPES
from apps.accounts.selectors import actor_for_user
from apps.accounts.services import create_api_key, sign_up_organization
from apps.core.money import MILLI
from apps.plans.services import grant_credits, set_subscription

_numbers = itertools.count(1)


def make_user(email: str | None = None, **extra: object) -> User:
    """A saved person with the password "correct horse"."""
    return User.objects.create_user(
        email or f"person{next(_numbers)}-{uuid.uuid4().hex[:6]}@example.org", "correct horse", **extra
    )


def make_organization(
    plan: str = "business", credits: int = 0, owner: User | None = None, name: str = ""
) -> Organization:
    """An organization with an owner on a plan, with so many extra credits (whole ones) in both wallets."""
    owner = owner or make_user()
    organization = sign_up_organization(user=owner, name=name)
    actor = actor_for_user(owner, organization)
    set_subscription(actor=actor, organization=organization, plan=plan)
    if credits:
        for pool in ("portal", "api"):
            key = f"test:{organization.public_id}:{pool}"
            grant_credits(actor=actor, organization=organization, pool=pool, amount=credits * MILLI, business_key=key)
    return organization


def add_member(organization: Organization, role: str, user: User | None = None) -> Actor:
    """A member with the role, as an actor."""
    user = user or make_user()
    Membership.objects.create(organization=organization, user=user, role=role)
    return actor_for_user(user, organization)


def owner_of(organization: Organization) -> Actor:
    """The organization's first owner, as an actor."""
    return actor_for_user(organization.memberships.filter(role="owner").order_by("pk")[0].user, organization)


def make_key(
    organization: Organization, scopes: list[str] | None = None, actor: Actor | None = None
) -> tuple[ApiKey, str]:
    """A key of the organization (all scopes unless told) and its whole text."""
    wanted = sorted(SCOPES) if scopes is None else scopes
    return create_api_key(actor=actor or owner_of(organization), name="test key", scopes=wanted)
