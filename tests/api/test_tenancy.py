"""Tenancy: every address of the site is walked by a stranger, in the browser and with a key; nothing of others is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts.models import ApiKey, Organization
from apps.accounts.services import invite_member
from apps.jobs.models import Job, ProviderAccount
from apps.plans.models import Plan, Wallet
from apps.projects.models import Asset, Transcript, Upload
from apps.webhooks.models import Endpoint, Message
from apps.webhooks.services.endpoints import create_endpoint, send_test
from tests.api.conftest import Api
from tests.api.rows import finished
from tests.factories import make_key, make_organization, owner_of

pytestmark = pytest.mark.django_db

# Staff pages and allauth's own pages know no organizations; the console has tests of its own.
OTHERS = ("console/", "accounts/")
# They answer as their vendors do, which is not always 404; that nothing of others shows or changes holds for them too.
DIALECTS = ("videotranslation", "v1/", "callbacks/")
PREFIX_OF = {
    "job_id": "job_",
    "translation_id": "trn_",
    "artefact_id": "art_",
    "asset_id": "ast_",
    "upload_id": "upl_",
    "glossary_id": "gls_",
    "account_id": "pac_",
    "endpoint_id": "whe_",
    "message_id": "whm_",
}
PAGES = {"jobs/": "job_", "settings/providers/": "pac_", "team/invitations/": "inv_"}
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
        ProviderAccount.objects.create(
            organization=self.organization, provider="azure", name="Secret subscription", values={"team": "secret team"}
        )
        upload = api.post("uploads", b"", Tus_Resumable="1.0.0", Upload_Length="10")["Location"].rsplit("/", 1)[1]
        endpoint, _ = create_endpoint(actor=owner, url="https://secret.hooks.example.com/x")
        message = send_test(actor=owner, endpoint=endpoint)
        assert job.translation is not None
        assert owner.user is not None
        self.ids = [
            job.public_id,
            job.translation.public_id,
            job.translation.project.public_id,
            Asset.objects.get(organization=self.organization).public_id,
            upload,
            endpoint.public_id,
            message.public_id,
            key.key_id,
            invitation.public_id,
            self.organization.public_id,
            owner.user.public_id,
            api.post("glossaries", {"name": "Secret words", "source_language": "en"}).json()["id"],
            *ProviderAccount.objects.filter(organization=self.organization).values_list("public_id", flat=True),
            *job.artefacts.values_list("public_id", flat=True)[:1],
        ]
        self.numbers = list(self.organization.memberships.values_list("pk", flat=True))
        self.words = [
            *self.ids,
            "Victim Unlimited",
            "Secret takeover",
            "secret.guest",
            "Secret subscription",
            "secret team",
            "secret.hooks",
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
            list(Endpoint.objects.filter(**mine).values()),
            list(Message.objects.filter(**mine).values()),
            list(ProviderAccount.objects.filter(**mine).values()),
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


def ids_for(who: str, route: str, parameters: list[str], victim: Victim) -> list[str]:
    """Every id of the victim that could mean something there, and one that means nothing.

    An address of the API says by its parameter what it takes; a key opens no page whatever the id, a browser no dialect.
    """
    dialect = route.lstrip("^").startswith(DIALECTS)
    prefixes = tuple(PREFIX_OF[name] for name in parameters if name in PREFIX_OF) if route.startswith("api/") else ()
    prefixes += tuple(prefix for page, prefix in PAGES.items() if route.startswith(page))
    if (who == "program" and not route.startswith(("api/", "files/")) and not dialect) or (
        who == "browser" and dialect
    ):
        return victim.ids[:2]
    if prefixes:
        return [*(one for one in victim.ids if one.startswith(prefixes)), victim.organization.public_id]
    return victim.ids


@pytest.mark.long
def test_every_address_as_a_stranger() -> None:
    victim = Victim()
    Plan.objects.update(requests_per_minute=1_000_000)
    before = victim.state()
    walked = 0
    for who, (client, credentials) in strangers().items():
        for route, parameters in routes(get_resolver()):
            if route.endswith("^.*$"):
                continue
            values: list[Any] = (
                victim.numbers if "membership_id" in parameters else ids_for(who, route, parameters, victim)
            )
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
                    elif route.lstrip("^").startswith(DIALECTS):
                        assert 400 <= answer.status_code < 500, where
                    elif who == "program" and not route.startswith(("api/", "files/")):
                        # A key opens no page: the visitor is asked to sign in, whatever the address.
                        assert answer.status_code in (302, 403, 404, 405), where
                    elif who == "program" and "/provider-accounts/" in route:
                        # For people only: a key is refused whatever the id, before anything is looked up.
                        assert answer.status_code in (403, 405), where
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
