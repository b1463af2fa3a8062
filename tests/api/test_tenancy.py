"""Tenancy: every address of the site is walked by a stranger, in the browser and with a key; nothing of others is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts.models import ApiKey, Organization
from apps.accounts.services import invite_member
from apps.jobs.models import Job
from apps.plans.models import Plan, Wallet
from apps.projects.models import Asset, Transcript, Upload
from tests.api.conftest import Api
from tests.api.rows import finished
from tests.factories import make_key, make_organization, owner_of

pytestmark = pytest.mark.django_db

# Staff pages and allauth's own pages know no organizations; the console has tests of its own.
OTHERS = ("console/", "accounts/")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
HEADERS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "If-Match": "*"}
# Fields of the pages' forms, well filled in, so that no form refuses before the object is looked up.
FORM = "overlap=24&role=viewer&name=x&email=new%40example.org"


def routes(resolver: URLResolver | Any, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every pattern as (route, names of its parameters)."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        elif isinstance(entry, URLPattern) and not route.startswith(OTHERS):
            yield route, list(entry.pattern.converters)


class Victim:
    """An organization with one of everything, and every text that would betray it."""

    def __init__(self) -> None:
        self.organization: Organization = make_organization(credits=777_123, name="Victim Unlimited")
        key, text = make_key(self.organization)
        api = Api(text)
        job = finished(api, self.organization, title="Secret takeover talks")
        owner = owner_of(self.organization)
        invited = invite_member(actor=owner, email="secret.guest@example.org", role="viewer")
        invitation = invited[0] if isinstance(invited, tuple) else invited
        upload = api.post("uploads", b"", Tus_Resumable="1.0.0", Upload_Length="10")["Location"].rsplit("/", 1)[1]
        assert job.translation is not None
        assert owner.user is not None
        self.ids = [
            job.public_id,
            job.translation.public_id,
            job.translation.project.public_id,
            Asset.objects.get(organization=self.organization).public_id,
            upload,
            key.key_id,
            invitation.public_id,
            self.organization.public_id,
            owner.user.public_id,
            api.post("glossaries", {"name": "Secret words", "source_language": "en"}).json()["id"],
            *job.artefacts.values_list("public_id", flat=True)[:1],
        ]
        self.numbers = list(self.organization.memberships.values_list("pk", flat=True))
        self.words = [
            *self.ids,
            "Victim Unlimited",
            "Secret takeover",
            "secret.guest",
            owner.user.email,
            "777123",
            "777,123",
        ]

    def state(self) -> Any:
        """What a stranger must not change."""
        mine = {"organization": self.organization}
        return (
            list(Job.objects.filter(**mine).values()),
            list(ApiKey.objects.filter(**mine).values("key_id", "revoked_at", "expires_at", "name")),
            list(Upload.objects.filter(**mine).values()),
            list(Wallet.objects.filter(**mine).values()),
            list(self.organization.memberships.values()),
            list(self.organization.invitations.values("pk", "revoked_at", "accepted_at")),
            Transcript.objects.count(),
        )


def content_of(answer: Any) -> str:
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(data.decode("utf-8", "replace")) + str(answer.headers)


def strangers() -> dict[str, tuple[Client, dict[str, str]]]:
    organization = make_organization(credits=100, name="Stranger Ltd")
    browser, program = Client(raise_request_exception=False), Client(raise_request_exception=False)
    user = owner_of(organization).user
    assert user is not None
    browser.force_login(user)
    return {"browser": (browser, {}), "program": (program, {"Authorization": f"Bearer {make_key(organization)[1]}"})}


def test_every_address_as_a_stranger() -> None:
    victim = Victim()
    Plan.objects.update(requests_per_minute=1_000_000)
    before = victim.state()
    walked = 0
    for who, (client, credentials) in strangers().items():
        for route, parameters in routes(get_resolver()):
            if route.endswith("^.*$"):
                continue
            values: list[Any] = victim.numbers if "membership_id" in parameters else victim.ids
            for value in values if parameters else [None]:
                path = "/" + route
                for name in parameters:
                    for converter in ("id", "str", "int", "slug", "uuid"):
                        path = path.replace(f"<{converter}:{name}>", str(value))
                assert "<" not in path, path
                for method in METHODS if parameters else ("GET",):
                    headers = {**HEADERS, **credentials}
                    kind = "application/offset+octet-stream" if "uploads" in path else "application/json"
                    kind, data = (kind, "{}") if "api/" in path else ("application/x-www-form-urlencoded", FORM)
                    answer = client.generic(method, path, data, content_type=kind, headers=headers)
                    where = (who, method, path, answer.status_code)
                    walked += 1
                    text = content_of(answer).replace(str(value), "") if parameters else content_of(answer)
                    told = [word for word in victim.words if word in text]
                    assert not told, (where, told)
                    if not parameters or "invitations/<str:token>" in route:
                        assert answer.status_code < 500, where
                    elif who == "program" and not route.startswith(("api/", "files/")):
                        # A key opens no page: the visitor is asked to sign in, whatever the address.
                        assert answer.status_code in (302, 403, 404, 405), where
                    else:
                        assert answer.status_code in (404, 405), where
    assert walked > 500
    assert victim.state() == before


def test_the_stranger_cannot_switch_into_the_organization() -> None:
    victim = Victim()
    client, _ = strangers()["browser"]
    client.post("/organizations/switch/", {"organization": victim.organization.public_id})
    assert "Victim Unlimited" not in content_of(client.get("/jobs/"))
    assert client.get("/api/v1/jobs").json()["items"] == []


def test_ids_of_others_in_bodies_do_not_exist() -> None:
    from tests.api.conftest import order, problem

    victim = Victim()
    api = Api(make_key(make_organization(credits=100))[1])
    asset = next(one for one in victim.ids if one.startswith("ast_"))
    project = next(one for one in victim.ids if one.startswith("prj_"))
    none = "ast_0000000000000000"
    theirs = problem(api.post("translations", order(source={"asset": asset})), 400, 5)["errors"]
    nobodys = problem(api.post("translations", order(source={"asset": none})), 400, 5)["errors"]
    assert theirs == nobodys
    assert "project" in problem(api.post("translations", order(project=project)), 400, 5)["errors"]
    problem(api.post("estimates", order(source={"asset": asset})), 400, 5)
