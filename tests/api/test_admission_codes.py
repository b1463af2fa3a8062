"""Each code of DESIGN section 4 through HTTP, and their order when several checks fail at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import ApiKey, Organization
from apps.accounts.services import revoke_api_key
from apps.jobs.models import Job
from apps.plans.models import Hold, Plan, Subscription, Wallet
from apps.plans.services import adjust_credits, check_books
from tests.api.conftest import Api, order, problem
from tests.factories import add_member, make_key, make_organization, owner_of
from tests.sites import challenged


def refused(api: Api, status: int, code: int, body: Any = None, **headers: str) -> dict[str, Any]:
    """The order is refused with this number and leaves nothing behind."""
    before = Job.objects.count(), Hold.objects.count()
    found = problem(api.post("translations", order() if body is None else body, **headers), status, code)
    assert (Job.objects.count(), Hold.objects.count()) == before
    assert check_books() == []
    return found


def test_admitted(api: Api, organization: Organization) -> None:
    answer = api.post("translations", order(target_locales=["pt-BR"], title="Keynote"))
    body = answer.json()
    assert answer.status_code == 202, body
    job = body["jobs"][0]
    assert (body["id"], body["status"]) == (job["id"], "processing")
    assert answer["Location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["stage"], job["target_locale"], job["error"], job["output"]) == ("queued", "pt-BR", "", None)
    assert job["estimate"] == job["held"] != "0.0"
    shown = api.get(f"jobs/{job['id']}").json()
    assert {**shown, "created_at": 0} == {**job, "created_at": 0}
    assert body["translations"] == [{"id": job["translation"], "target_locale": "pt-BR", "job": job["id"]}]
    assert Wallet.objects.get(organization=organization, pool="api").held > 0
    assert Wallet.objects.get(organization=organization, pool="portal").held == 0


class TestKeys:
    def test_7_no_credentials(self, anonymous: Api) -> None:
        answer = anonymous.post("translations", order())
        problem(answer, 401, 7)
        assert answer["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer sk_", "Basic abc", "sk_12345678_" + "a" * 43, "Bearer sk_00000000_" + "a" * 43]
    )
    def test_7_malformed_or_unknown(self, anonymous: Api, header: str) -> None:
        refused(anonymous, 401, 7, Authorization=header)
        problem(anonymous.get("jobs", Authorization=header), 401, 7)

    def test_7_wrong_secret_of_a_real_key(self, api: Api) -> None:
        refused(Api(api.key[:-4] + "AAAA"), 401, 7)

    def test_7_expired(self, api: Api) -> None:
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        refused(api, 401, 7)
        problem(api.get("jobs"), 401, 7)

    def test_1302_revoked(self, api: Api, organization: Organization) -> None:
        revoke_api_key(actor=owner_of(organization), key_id=ApiKey.objects.get().key_id)
        refused(api, 401, 1302)
        problem(api.get("jobs"), 401, 1302)

    @pytest.mark.parametrize("how", ["canceled", "none", "suspended", "maker left"])
    def test_814_no_membership_or_subscription(self, api: Api, organization: Organization, how: str) -> None:
        if how == "canceled":
            Subscription.objects.update(status="canceled")
        elif how == "none":
            Subscription.objects.all().delete()
        elif how == "suspended":
            Organization.objects.update(status="suspended")
        else:
            organization.memberships.all().delete()
        refused(api, 403, 814)
        problem(api.get("jobs"), 403, 814)

    def test_1503_missing_scope(self, organization: Organization) -> None:
        api = Api(make_key(organization, ["jobs:read"])[1])
        refused(api, 403, 1503)
        assert api.get("jobs").status_code == 200
        problem(api.get("balance"), 403, 1503)

    def test_1503_makers_role(self, organization: Organization) -> None:
        editor = add_member(organization, "admin")
        api = Api(make_key(organization, actor=editor)[1])
        organization.memberships.filter(user=editor.user).update(role="viewer")
        refused(api, 403, 1503)
        problem(api.get("jobs"), 403, 1503)

    def test_1305_plan_without_api(self, api: Api) -> None:
        Plan.objects.update(api_access=False)
        refused(api, 403, 1305)
        problem(api.get("plan"), 403, 1305)


class TestParameters:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"target_locales": ["xx-YY"]}, "target_locales.0"),
            ({"source_language": "klingon"}, "source_language"),
            ({"source": {}}, "source"),
            ({"source": {"url": "https://a.example/x.mp4", "asset": "ast_0000000000000000"}}, "source"),
            ({"source": {"asset": "ast_0000000000000000"}}, "source.asset"),
            ({"subtitle": None}, "subtitle"),
            ({"voice": {"background_volume": 101}}, "voice.background_volume"),
            ({"speaker_count": {"min": 5, "max": 2}}, "speaker_count.max"),
            ({"glossaries": ["gls_0000000000000000"]}, "glossaries.0"),
            ({"project": "prj_0000000000000000"}, "project"),
            ({"provider": "nobody"}, "provider"),
            ({"callback_url": "ftp://example.com/x"}, "callback_url"),
            ({"target_locales": []}, "target_locales"),
            ({"steps": ["voice"]}, "steps"),
            ({"export_type": "mp5"}, "export_type"),
        ],
    )
    def test_5_names_the_field(self, api: Api, changes: dict[str, Any], field: str) -> None:
        found = refused(api, 400, 5, order(**changes))["errors"]
        assert field in found or any(name.startswith(field) for name in found), found

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/x.mp4",
            "http://localhost:8000/x.mp4",
            "http://[::1]/x.mp4",
            "http://169.254.169.254/latest/meta-data",
            "http://10.0.0.7/x.mp4",
            "http://2130706433/x.mp4",
            "http://0x7f.1/x.mp4",
            "file:///etc/passwd",
            "gopher://example.com/",
            "http://user:password@192.168.0.1/",
        ],
    )
    def test_5_private_addresses_are_refused(self, api: Api, url: str) -> None:
        assert "source.url" in refused(api, 400, 5, order(source={"url": url}))["errors"]
        assert "url" in problem(api.post("assets", {"url": url}), 400, 5)["errors"]
        assert "callback_url" in refused(api, 400, 5, order(callback_url=url))["errors"]


class TestCallback:
    @pytest.mark.parametrize("mode", ["deaf", "broken"])
    def test_1301_challenge_not_answered(self, api: Api, settings: Any, mode: str) -> None:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        with challenged() as (base, seen):
            assert "callback_url" in refused(api, 400, 1301, order(callback_url=f"{base}/{mode}"))["errors"]
        assert seen[0]["type"] == "callback.challenge"

    def test_1301_nobody_there(self, api: Api, settings: Any) -> None:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        refused(api, 400, 1301, order(callback_url="http://127.0.0.1:9/hook"))

    @pytest.mark.parametrize("mode", ["json", "plain"])
    def test_answered_once_and_remembered(self, api: Api, settings: Any, mode: str) -> None:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        with challenged() as (base, seen):
            for _ in range(2):
                assert api.post("translations", order(callback_url=f"{base}/{mode}")).status_code == 202
            assert len(seen) == 1


class TestLimits:
    def test_1304_of_the_organization(self, api: Api, organization: Organization) -> None:
        Plan.objects.update(translate_concurrency=2)
        for _ in range(2):
            assert api.post("translations", order()).status_code == 202
        answer = Api(make_key(organization)[1]).post("translations", order())
        body = problem(answer, 429, 1304)
        assert int(answer["Retry-After"]) > 0
        assert "RateLimit" in answer
        assert (body["limit"], body["full"]) == (2, "organization")

    def test_1304_of_the_key(self, api: Api, organization: Organization) -> None:
        ApiKey.objects.update(max_concurrency=1)
        assert api.post("translations", order()).status_code == 202
        answer = api.post("translations", order())
        assert problem(answer, 429, 1304)["full"] == "key"
        assert int(answer["Retry-After"]) > 0
        other = Api(make_key(organization)[1])
        assert other.post("translations", order()).status_code == 202

    def test_104_says_needed_and_available(self, api: Api, organization: Organization) -> None:
        spend_all(organization, "api")
        body = refused(api, 402, 104)
        assert body["available"] == "0.0"
        assert float(body["needed"]) > 0

    def test_104_all_targets_or_none(self, organization: Organization, model_dir: object) -> None:
        api = Api(make_key(organization)[1])
        one = float(api.post("translations", order()).json()["jobs"][0]["held"])
        spend_all(organization, "api", leave=int(one * 1000) + 1)
        two = order(target_locales=["pt-BR", "pt-PT"], subtitle={"url": "https://media.example.com/t.srt"})
        body = problem(api.post("translations", two), 402, 104)
        assert Job.objects.count() == 1
        assert float(body["needed"]) >= 2 * one


def spend_all(organization: Organization, pool: str, leave: int = 0) -> None:
    available = Wallet.objects.get(organization=organization, pool=pool).available
    adjust_credits(
        actor=owner_of(organization),
        organization=organization,
        pool=pool,
        amount=leave - available,
        business_key=f"test:spend:{organization.pk}:{pool}:{available}",
        note="spent by the test",
    )


class TestOrder:
    """When several checks fail the first of the table answers."""

    def test_each_check_in_turn(self, settings: Any) -> None:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        organization = make_organization(credits=0)
        spend_all(organization, "api")
        _, text = make_key(organization, ["jobs:read"])
        api = Api(text)
        ApiKey.objects.update(revoked_at=timezone.now(), max_concurrency=0)
        Subscription.objects.update(status="canceled")
        Plan.objects.update(api_access=False, translate_concurrency=0)
        good = {"callback_url": "http://127.0.0.1:9/hook"}
        bad = order(target_locales=["xx"], **good)
        refused(Api(text + "x"), 401, 7, bad)
        refused(api, 401, 1302, bad)
        ApiKey.objects.update(revoked_at=None)
        refused(api, 403, 814, bad)
        Subscription.objects.update(status="active")
        refused(api, 403, 1503, bad)
        refused(api, 403, 1503, b"{")
        ApiKey.objects.update(scopes=["jobs:write"])
        refused(api, 403, 1305, bad)
        refused(api, 403, 1305, b"{")
        Plan.objects.update(api_access=True)
        refused(api, 400, 5, bad)
        refused(api, 400, 1301, order(**good))
        refused(api, 429, 1304, order())
        ApiKey.objects.update(max_concurrency=None)
        refused(api, 429, 1304, order())
        Plan.objects.update(translate_concurrency=5)
        refused(api, 402, 104, order())


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Everything here writes."""
