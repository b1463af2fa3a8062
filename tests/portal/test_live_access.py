"""Who may open a live stream: the real wiring of sessions and memberships, asked as the live app asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connections
from django.test import Client

from apps.accounts.models import Membership
from apps.accounts.services import remove_member, update_organization
from apps.core.errors import NO_MEMBERSHIP, REFUSED, UNAUTHENTICATED, ApiError
from apps.events.live import LiveRequest
from apps.events.tail import Grant
from portal.live_access import _pool, authorize
from tests.factories import add_member, make_organization, make_user, owner_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The test database cannot be dropped while a thread of the live app is connected to it."""
    yield
    _pool.submit(connections.close_all).result()


def ask(client: Client) -> Grant:
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    return asyncio.run(authorize(LiveRequest(None, {}, cookies)))


def test_signing_out_ends_it(client: Client) -> None:
    organization = make_organization()
    client.force_login(organization.memberships.get().user)
    assert ask(client).organization_id == organization.pk
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.logout()
    with pytest.raises(ApiError) as refused:
        asyncio.run(authorize(LiveRequest(None, {}, {settings.SESSION_COOKIE_NAME: cookie})))
    assert refused.value.code == UNAUTHENTICATED


def test_whoever_left_gets_another_grant_or_none(client: Client) -> None:
    organization, user = make_organization(name="A"), make_user()
    add_member(organization, "viewer", user)
    client.force_login(user)
    first = ask(client)
    membership = Membership.objects.get(organization=organization, user=user)
    remove_member(actor=owner_of(organization), membership_id=membership.pk)
    with pytest.raises(ApiError) as refused:
        ask(client)
    assert refused.value.code == NO_MEMBERSHIP
    make_organization(owner=user)
    assert ask(client) != first


def test_a_second_factor_is_required_here_too(client: Client) -> None:
    organization = make_organization()
    update_organization(actor=owner_of(organization), require_mfa=True)
    user = organization.memberships.get().user
    client.force_login(user)
    with pytest.raises(ApiError) as refused:
        ask(client)
    assert refused.value.code == REFUSED
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    assert ask(client).organization_id == organization.pk
