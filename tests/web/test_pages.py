"""The pages without a browser: who may see what, what a form answers, what is shown when there is nothing or too much."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import ApiKey, Invitation, Membership, Organization
from apps.accounts.services import create_api_key, invite_member
from apps.jobs.models import Job
from apps.plans.services import set_subscription
from tests.factories import add_member, make_organization, make_user, owner_of
from tests.jobs.helpers import submitted, subtitles_order
from tests.web.pages import member_pages
from tests.web.world import World, furnish, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    return browser_of(world.user)


def browser_of(user: Any) -> Client:
    browser = Client(raise_request_exception=True)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def text_of(response: Any) -> str:
    """What a reader sees, without tags and with single spaces."""
    html = response.content.decode()
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


MEMBER_ONLY = [
    "/jobs/",
    "/jobs/new/",
    "/lipsync/",
    "/keys/",
    "/billing/",
    "/team/",
    "/settings/",
    "/settings/providers/",
    "/account/",
    "/organizations/new/",
]


@pytest.mark.parametrize("path", MEMBER_ONLY)
def test_pages_of_members_ask_to_sign_in(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize(
    ("role", "closed"),
    [
        ("owner", set()),
        ("admin", set()),
        ("editor", {"/keys/", "/keys/new/", "/settings/providers/"}),
        ("reviewer", {"/keys/", "/keys/new/", "/billing/", "/jobs/new/", "/lipsync/", "/settings/providers/"}),
        ("viewer", {"/keys/", "/keys/new/", "/billing/", "/jobs/new/", "/lipsync/", "/settings/providers/"}),
    ],
)
def test_what_each_role_may_open(world: World, role: str, closed: set[str]) -> None:
    user = add_member(world.organization, role).user if role != "owner" else world.user
    browser = browser_of(user)
    for path in [*MEMBER_ONLY, "/keys/new/"]:
        assert browser.get(path).status_code == (403 if path in closed else 200), path
    shown = {
        link for link in re.findall(r'href="(/[a-z/]+)"', browser.get("/jobs/").content.decode()) if link in MEMBER_ONLY
    }
    assert not shown & closed, "the navigation leads nowhere that is closed"


def test_another_organizations_job_is_not_there(world: World, tmp_path: Path) -> None:
    job = submitted(world.actor, subtitles_order(world.actor, tmp_path))
    stranger = browser_of(owner_of(make_organization()).user)
    for tail in ("", "board/", "peaks.json", "transcript/"):
        assert stranger.get(f"/jobs/{job.public_id}/{tail}").status_code == 404
    for tail in ("cancel/", "retry/", "resume/"):
        assert stranger.post(f"/jobs/{job.public_id}/{tail}").status_code == 404
    job.refresh_from_db()
    assert job.status == "processing"


def test_no_page_needs_inline_style_or_script(world: World, client: Client, tmp_path: Path) -> None:
    """The policy has no 'unsafe-inline', and nothing on the pages would need it."""
    furnish(world, tmp_path)
    for name, path in member_pages(world).items():
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy and "script-src 'self'" in policy, name
        html = answer.content.decode()
        assert not re.search(r"<[^>]+\sstyle=", html), name
        assert not re.search(r"<[^>]+\son[a-z]+=", html), name
        for tag in re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", html):
            assert 'type="application/json"' in tag, (name, tag)


def test_the_list_costs_the_same_for_one_row_and_three(
    world: World, client: Client, tmp_path: Path, django_assert_num_queries: Any
) -> None:
    client.get("/jobs/")
    order = subtitles_order(world.actor, tmp_path)
    submitted(world.actor, order)
    with django_assert_num_queries(LIST_QUERIES):
        client.get("/jobs/")
    submitted(world.actor, order)
    submitted(world.actor, order)
    with django_assert_num_queries(LIST_QUERIES):
        assert client.get("/jobs/").content.count(b"data-href") == 3


# session, user, memberships, role, jobs, artefacts, members, running, wallets
LIST_QUERIES = 9


def test_the_list_filters_searches_and_pages(world: World, client: Client, tmp_path: Path) -> None:
    furnish(world, tmp_path)
    assert "Quarterly results" in text_of(client.get("/jobs/?status=paused"))
    assert "Meet your city guide" not in text_of(client.get("/jobs/?status=paused"))
    assert text_of(client.get("/jobs/?q=zzz")).count("Nothing matches") == 1
    found = text_of(client.get(f"/jobs/?q={world.jobs['failed']}"))
    assert "Dog in the park" in found and "Old trailer" not in found
    newest = Job.objects.order_by("-pk")[1]
    fragment = client.get(f"/jobs/?cursor={newest.pk}", headers={"HX-Request": "true"})
    assert b"<html" not in fragment.content and fragment.content.count(b"data-href") == 3


def test_a_failed_job_says_why_and_that_nothing_was_charged(world: World, client: Client, tmp_path: Path) -> None:
    furnish(world, tmp_path)
    words = text_of(client.get(f"/jobs/{world.jobs['failed']}/"))
    assert "10042: No speech" in words
    assert "Nobody speaks in this file." in words and "Nothing was charged" in words
    client.post(f"/jobs/{world.jobs['failed']}/retry/")
    assert world.job("failed").status == "processing"


def test_an_empty_organization_is_welcomed(client: Client) -> None:
    words = text_of(client.get("/jobs/"))
    assert "One video in, many languages out" in words
    assert "Try the sample clip" not in words, "not offered where the clip was not made"


def test_the_sample_clip_is_one_click(world: World, client: Client, tmp_path: Path, model_dir: Path) -> None:
    from tests.jobs.helpers import make_clip

    sample = Path(settings.DATA_DIR) / "sample" / "kinoglot-sample.mp4"
    sample.parent.mkdir(parents=True, exist_ok=True)
    make_clip(sample)
    try:
        assert "Try the sample clip" in text_of(client.get("/jobs/"))
        answer = client.post("/jobs/new/sample/")
        job = Job.objects.get()
        assert answer["Location"] == f"/jobs/{job.public_id}/"
        client.post("/jobs/new/sample/")
        assert Job.objects.count() == 2 and world.organization.assets.count() == 1
    finally:
        sample.unlink()


def test_lips_can_be_ordered_beside_a_dub(
    world: World, client: Client, settings: Any, tmp_path: Path, model_dir: Path
) -> None:
    form = {"source_kind": "link", "url": "https://media.example.org/talk.mp4", "source_language": "en-US"}
    form |= {"target_locales": "pt-BR", "steps": "voice", "lipsync": "1"}
    assert b'name="lipsync"' in client.get("/jobs/new/").content
    shown = client.post("/jobs/new/preview/", form).content.decode()
    assert "&quot;lipsync&quot;" in shown
    assert (
        "&quot;lipsync&quot;" not in client.post("/jobs/new/preview/", form | {"steps": "subtitles"}).content.decode()
    )
    settings.ENGINE = settings.ENGINE | {"model_dir": str(tmp_path)}
    assert b'name="lipsync"' not in client.get("/jobs/new/").content


def test_a_key_is_shown_once(world: World, client: Client) -> None:
    answer = client.post("/keys/new/", {"name": "Pipeline", "scopes": ["jobs:read"], "expires": "30"})
    key = ApiKey.objects.get()
    secret = re.search(rf"sk_{key.key_id}_[A-Za-z0-9_-]+", answer.content.decode())
    assert secret is not None
    assert "no-store" in answer["Cache-Control"]
    assert key.scopes == ["jobs:read"] and key.expires_at is not None
    assert secret[0] not in client.get("/keys/").content.decode()


def test_a_key_form_with_mistakes_comes_back_with_them(client: Client) -> None:
    answer = client.post("/keys/new/", {"name": "", "expires": ""})
    assert answer.status_code == 422
    assert answer.content.count(b'class="error"') == 2
    assert ApiKey.objects.count() == 0


def test_rotate_and_revoke(world: World, client: Client) -> None:
    key, _ = create_api_key(actor=world.actor, name="Pipeline", scopes=["jobs:read"])
    answer = client.post(f"/keys/{key.key_id}/rotate/", {"overlap": "24"})
    successor = ApiKey.objects.get(rotated_from=key)
    assert f"sk_{successor.key_id}_" in answer.content.decode()
    client.post(f"/keys/{successor.key_id}/revoke/")
    successor.refresh_from_db()
    assert successor.revoked_at is not None
    assert "Revoked" in text_of(client.get("/keys/"))


def test_without_api_access_the_page_says_so(world: World, client: Client) -> None:
    set_subscription(actor=world.actor, organization=world.organization, plan="free")
    words = text_of(client.get("/keys/"))
    assert "This plan has no API access." in words and "New key" not in words


def test_invite_and_join(world: World, client: Client) -> None:
    assert client.post("/team/invite/", {"email": "no address", "role": "viewer"}).status_code == 422
    client.post("/team/invite/", {"email": "new@example.org", "role": "viewer"})
    assert Invitation.objects.get().email == "new@example.org"
    words = text_of(client.get("/team/"))
    assert "new@example.org" in words and "Invitation sent" in words


def test_the_invitation_page_takes_a_click(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = make_user("guest@example.org")
    token = token_of(invite_member(actor=world.actor, email="guest@example.org", role="editor"), monkeypatch)
    browser = browser_of(guest)
    assert "Join Northbeam" in text_of(browser.get(f"/invitations/{token}/"))
    assert not Membership.objects.filter(user=guest, organization=world.organization).exists()
    browser.post(f"/invitations/{token}/")
    assert Membership.objects.get(user=guest, organization=world.organization).role == "editor"
    assert "Northbeam" in text_of(browser.get("/jobs/"))
    assert browser_of(guest).get("/invitations/nonsense/").status_code == 404


def token_of(invitation: Invitation, monkeypatch: pytest.MonkeyPatch) -> str:
    """The token as the mail would carry it: made again, since only its digest is kept."""
    from apps.accounts import tokens

    token = "t" * 40
    Invitation.objects.filter(pk=invitation.pk).update(token_digest=tokens.digest_of(token))
    return token


def test_roles_change_and_people_leave(world: World, client: Client) -> None:
    actor = add_member(world.organization, "viewer")
    member = Membership.objects.get(user=actor.user, organization=world.organization)
    client.post(f"/team/members/{member.pk}/role/", {"role": "editor"})
    member.refresh_from_db()
    assert member.role == "editor"
    client.post(f"/team/members/{member.pk}/remove/")
    assert not Membership.objects.filter(pk=member.pk).exists()


def test_make_and_switch_organizations(world: World, client: Client) -> None:
    client.post("/organizations/new/", {"name": "Second House"})
    second = Organization.objects.get(name="Second House")
    assert "Second House is ready." in text_of(client.get("/jobs/"))
    client.post("/organizations/switch/", {"organization": world.organization.public_id})
    assert text_of(client.get("/settings/")).count(world.organization.public_id) == 1
    client.post("/organizations/switch/", {"organization": make_organization().public_id})
    assert client.session[settings.SESSION_ORGANIZATION_KEY] == world.organization.public_id, "not a member there"
    client.post("/settings/", {"name": "Northbeam Studio"})
    world.organization.refresh_from_db()
    assert world.organization.name == "Northbeam Studio" and second.name == "Second House"


def test_someone_without_an_organization_is_led_to_make_one(db: None) -> None:
    user = make_user()
    Membership.objects.filter(user=user).delete()
    answer = browser_of(user).get("/jobs/")
    assert answer["Location"] == "/organizations/new/"


def test_colours_and_language_are_kept(client: Client) -> None:
    client.post("/theme/", {"theme": "dark", "next": "/jobs/"})
    assert 'data-theme="dark"' in client.get("/jobs/").content.decode()
    client.post("/theme/", {"theme": ""})
    assert "data-theme=" not in client.get("/jobs/").content.decode().split("<head")[0]
    client.post("/language/", {"language": "es", "next": "/jobs/"})
    page = client.get("/jobs/").content.decode()
    assert '<html lang="es" dir="ltr">' in page and "Trabajos" in page
    assert client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"})["Location"].startswith("/")


def test_times_are_in_the_readers_zone(world: World, client: Client, tmp_path: Path) -> None:
    job = submitted(world.actor, subtitles_order(world.actor, tmp_path))
    Job.objects.filter(pk=job.pk).update(created_at="2026-01-02T23:30:00Z")
    client.cookies["kinoglot_zone"] = "Asia/Tokyo"
    assert "Jan. 3, 2026 08:30" in text_of(client.get(f"/jobs/{job.public_id}/"))
    client.cookies["kinoglot_zone"] = "../../etc/passwd"
    assert "Jan. 2, 2026 23:30" in text_of(client.get(f"/jobs/{job.public_id}/"))


@pytest.mark.parametrize("language", ["en", "es", "zh-hans", "ru"])
def test_every_page_in_every_language(world: World, client: Client, tmp_path: Path, language: str) -> None:
    furnish(world, tmp_path)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    for name, path in member_pages(world).items():
        answer = client.get(path)
        assert answer.status_code in (200, 404), name
        assert f'<html lang="{language}"' in answer.content.decode(), name


def test_a_wrong_order_names_its_fields(world: World, client: Client) -> None:
    body = {
        "source_kind": "link",
        "url": "http://127.0.0.1/x.mp4",
        "source_language": "en-US",
        "target_locales": ["en-GB"],
        "steps": "subtitles",
    }
    answer = client.post("/jobs/new/", body)
    assert answer.status_code == 422
    assert "source.url" in text_of(answer)
    assert Job.objects.count() == 0
    nothing = client.post("/jobs/new/", {"source_language": "auto"})
    assert "Choose a video and at least one language." in text_of(nothing)
