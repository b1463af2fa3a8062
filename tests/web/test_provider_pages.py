"""The pages of providers: own accounts are brought, tested, switched and removed; an order may name who works on it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.jobs.models import Job, ProviderAccount
from apps.jobs.services.vendor.work import account_callback_url
from tests.factories import add_member, make_organization, owner_of
from tests.jobs.token_vendor import KEY, NAME, TokenStub
from tests.web.test_pages import browser_of, text_of
from tests.web.world import World, make_world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("token_provider")]
PAGE = "/settings/providers/"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    return browser_of(world.user)


def filled(token_vendor: TokenStub, **change: str) -> dict[str, str]:
    return {
        "name": "Night shift",
        "values.key": KEY,
        "values.team": "night",
        "region": "",
        "endpoint": token_vendor.base,
        "concurrency": "4",
    } | change


def test_an_account_is_brought_and_leaves_again(client: Client, token_vendor: TokenStub) -> None:
    assert "No accounts yet" in text_of(client.get(PAGE))
    choose = client.get(f"{PAGE}new/").content.decode()
    assert f'value="{NAME}"' in choose
    form = client.get(f"{PAGE}new/?provider={NAME}").content.decode()
    assert re.search(r'type="password"[^>]*name="values.key"|name="values.key"[^>]*type="password"', form)
    answer = client.post(f"{PAGE}new/?provider={NAME}", filled(token_vendor), follow=True)
    words = text_of(answer)
    assert "Night shift works: Signed in as night." in words and "0 / 4" in words
    row = ProviderAccount.objects.get()
    here = f"{PAGE}{row.public_id}/"
    form = client.get(here).content.decode()
    assert KEY not in form and 'value="night"' in form
    answer = client.post(here, filled(token_vendor, **{"values.key": "", "values.team": "day"}), follow=True)
    assert "works: Signed in as day." in text_of(answer)
    answer = client.post(here, filled(token_vendor, **{"values.key": "wrong"}), follow=True)
    assert "does not work: The vendor does not know this key." in text_of(answer)
    assert KEY not in answer.content.decode()
    assert "is not used for new jobs" in text_of(client.post(f"{here}switch/", follow=True))
    row.refresh_from_db()
    assert not row.enabled
    assert "are gone" in text_of(client.post(f"{here}remove/", follow=True))
    assert not ProviderAccount.objects.exists()


def test_what_is_wrong_stands_at_its_field(client: Client, token_vendor: TokenStub) -> None:
    answer = client.post(
        f"{PAGE}new/?provider={NAME}", filled(token_vendor, **{"values.key": "", "endpoint": "https://10.1.1.1"})
    )
    assert answer.status_code == 422
    answer = client.post(f"{PAGE}new/?provider={NAME}", filled(token_vendor, endpoint="https://10.1.1.1"))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"endpoint"}
    assert KEY not in answer.content.decode(), "a password field is not filled in again"
    assert not ProviderAccount.objects.exists()


def test_the_one_address_of_a_vendor_that_knows_no_other(client: Client, world: World, settings: Any) -> None:
    row = ProviderAccount.objects.create(organization=world.organization, provider="volcengine-vod", name="Ours")
    settings.PUBLIC_URL = "https://portal.example.com"
    page = client.get(f"{PAGE}{row.public_id}/").content.decode()
    address = account_callback_url(row)
    assert address and f">{address}</code>" in page and 'data-copy="callback-url"' in page
    settings.PUBLIC_URL = "http://localhost:8000"
    page = client.get(f"{PAGE}{row.public_id}/").content.decode()
    assert "/callbacks/" not in page and "none that can be reached from outside" in page
    other = ProviderAccount.objects.create(organization=world.organization, provider=NAME, name="Other")
    assert "callback-title" not in client.get(f"{PAGE}{other.public_id}/").content.decode()
    member = browser_of(add_member(world.organization, "member").user)
    assert member.get(f"{PAGE}{row.public_id}/").status_code in (403, 404)


def test_for_managers_of_the_organization_only(world: World, token_vendor: TokenStub) -> None:
    row = ProviderAccount.objects.create(organization=world.organization, provider=NAME, name="Ours")
    admin = browser_of(add_member(world.organization, "admin").user)
    assert "Ours" in text_of(admin.get(PAGE))
    editor = browser_of(add_member(world.organization, "editor").user)
    stranger = browser_of(owner_of(make_organization()).user)
    for browser, status in ((editor, 403), (stranger, 404)):
        assert browser.get(f"{PAGE}{row.public_id}/").status_code == status
        for verb in ("test", "switch", "remove"):
            assert browser.post(f"{PAGE}{row.public_id}/{verb}/").status_code in (status, 302)
    assert editor.get(PAGE).status_code == 403 and editor.get(f"{PAGE}new/").status_code == 403
    assert "Ours" not in text_of(stranger.get(PAGE))
    assert PAGE not in editor.get("/jobs/").content.decode(), "the navigation leads nowhere that is closed"
    row.refresh_from_db()
    assert row.enabled and not token_vendor.requests


def test_the_preference_is_kept(client: Client, world: World) -> None:
    client.post(f"{PAGE}prefer/", {"provider": NAME})
    world.organization.refresh_from_db()
    assert world.organization.preferred_provider == "", "a provider without an account is no choice"
    ProviderAccount.objects.create(organization=world.organization, provider=NAME, name="Ours")
    client.post(f"{PAGE}prefer/", {"provider": NAME})
    world.organization.refresh_from_db()
    assert world.organization.preferred_provider == NAME


def test_an_order_may_name_who_works_on_it(client: Client, world: World) -> None:
    page = client.get("/jobs/new/").content.decode()
    assert re.search(rf'<option value="{NAME}" disabled>', page) and "It needs an account" in page
    able = client.get("/jobs/new/languages.json", {"source": "en-US", "provider": NAME}).json()
    assert able == {}
    ProviderAccount.objects.create(organization=world.organization, provider=NAME, name="Ours")
    assert re.search(rf'<option value="{NAME}">', client.get("/jobs/new/").content.decode())
    able = client.get("/jobs/new/languages.json", {"source": "en-US", "provider": NAME}).json()
    assert able["ja-JP"] == "The token vendor" and "en-US" not in able
    every = client.get("/jobs/new/languages.json", {"source": "en-US"}).json()
    assert every["ja-JP"] == "The token vendor"
    form = {
        "source_kind": "link",
        "url": "https://media.example.org/talk.mp4",
        "source_language": "en-US",
        "target_locales": ["ja-JP"],
        "steps": "voice",
        "provider": NAME,
    }
    assert client.post("/jobs/new/", form).status_code == 302
    assert Job.objects.get().order["provider"] == NAME
    ProviderAccount.objects.update(enabled=False)
    answer = client.post("/jobs/new/", form)
    assert answer.status_code == 422 and "is not set up here" in text_of(answer)
