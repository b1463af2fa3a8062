"""Idempotency-Key: one effect, one answer, whatever the client repeats; and what races do."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import IdempotencyRecord, Organization
from apps.jobs.models import Job
from apps.plans.services import check_books
from apps.projects.models import Asset, Upload
from tests.api.conftest import Api, order, problem
from tests.factories import make_key, make_organization
from tests.threads import at_once


@pytest.mark.django_db
class TestOrders:
    def test_the_same_body_gets_the_stored_answer(self, api: Api) -> None:
        first = api.post("translations", order(), Idempotency_Key="abc")
        again = api.post("translations", order(), Idempotency_Key="abc")
        assert (first.status_code, again.status_code) == (202, 202)
        assert first.content == again.content
        assert "Idempotency-Replayed" not in first
        assert again["Idempotency-Replayed"] == "true"
        assert again["Location"] == first["Location"]
        assert again["X-Request-Id"] != first["X-Request-Id"]
        assert Job.objects.count() == 1

    def test_another_body_is_a_conflict(self, api: Api) -> None:
        api.post("translations", order(), Idempotency_Key="abc")
        problem(api.post("translations", order(title="other"), Idempotency_Key="abc"), 409, 4090)
        problem(api.post("assets", {"url": "https://example.com/a.mp4"}, Idempotency_Key="abc"), 409, 4090)
        assert Job.objects.count() == 1

    def test_a_refusal_does_not_use_the_key_up(self, api: Api, organization: Organization) -> None:
        from apps.plans.models import Plan

        Plan.objects.update(translate_concurrency=0)
        problem(api.post("translations", order(), Idempotency_Key="abc"), 429, 1304)
        Plan.objects.update(translate_concurrency=5)
        assert api.post("translations", order(), Idempotency_Key="abc").status_code == 202

    def test_keys_belong_to_the_organization(self, api: Api, stranger: Api) -> None:
        mine = api.post("translations", order(), Idempotency_Key="abc").json()
        theirs = stranger.post("translations", order(), Idempotency_Key="abc").json()
        assert mine["id"] != theirs["id"]

    def test_forgotten_after_a_day(self, api: Api) -> None:
        first = api.post("translations", order(), Idempotency_Key="abc").json()
        IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
        assert api.post("translations", order(title="other"), Idempotency_Key="abc").json()["id"] != first["id"]

    @pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "ключ"])
    def test_a_key_must_be_printable_ascii(self, api: Api, key: str) -> None:
        body = problem(api.post("translations", order(), Idempotency_Key=key), 400, 5)
        assert "Idempotency-Key" in body["errors"]


@pytest.mark.django_db
class TestOtherPosts:
    def test_assets(self, api: Api) -> None:
        body = {"url": "https://example.com/a.mp4"}
        first = api.post("assets", body, Idempotency_Key="k1")
        again = api.post("assets", body, Idempotency_Key="k1")
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert again["Location"] == first["Location"]
        assert Asset.objects.count() == 1
        problem(api.post("assets", {"url": "https://example.com/b.mp4"}, Idempotency_Key="k1"), 409, 4090)

    def test_uploads(self, api: Api) -> None:
        headers = {"Tus_Resumable": "1.0.0", "Upload_Length": "5", "Idempotency_Key": "u1"}
        first, again = (api.post("uploads", b"", **headers) for _ in range(2))
        assert first["Location"] == again["Location"]
        assert again["Tus-Resumable"] == "1.0.0"
        assert Upload.objects.count() == 1

    def test_a_refused_request_is_refused_again_in_the_same_words(self, api: Api) -> None:
        first = problem(api.post("assets", {"url": "http://127.0.0.1/"}, Idempotency_Key="k2"), 400, 5)
        again = problem_like(api.post("assets", {"url": "http://127.0.0.1/"}, Idempotency_Key="k2"))
        assert again["errors"] == first["errors"]

    def test_in_flight_is_409_with_retry_after(self, api: Api, organization: Organization) -> None:
        from apps.api import idempotency

        body = {"url": "https://example.com/a.mp4"}
        api.post("assets", body, Idempotency_Key="k3")
        IdempotencyRecord.objects.update(status=None, body="", created_at=timezone.now())
        answer = api.post("assets", body, Idempotency_Key="k3")
        problem(answer, 409, 4090)
        assert int(answer["Retry-After"]) >= 1
        # The worker that held it was killed: after a while the key can be used again.
        IdempotencyRecord.objects.update(
            created_at=timezone.now() - timedelta(seconds=idempotency.ABANDONED_SECONDS + 1)
        )
        assert api.post("assets", body, Idempotency_Key="k3").status_code == 201

    def test_our_own_failures_are_not_stored(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        body = {"url": "https://example.com/a.mp4"}
        with monkeypatch.context() as patch:
            patch.setattr("apps.projects.services.create_asset_from_url", lambda **_: 1 / 0)
            problem(api.post("assets", body, Idempotency_Key="k4"), 500, 1000)
        assert IdempotencyRecord.objects.count() == 0
        assert api.post("assets", body, Idempotency_Key="k4").status_code == 201


def problem_like(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (400, 5)
    return body


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_one_key_many_threads_one_job(self) -> None:
        organization = make_organization(credits=10_000)
        text = make_key(organization)[1]
        answers = at_once(8, lambda _: Api(text).post("translations", order(), Idempotency_Key="race"))
        found = Counter(answer.status_code for answer in answers)
        assert set(found) <= {202, 409}, found
        assert found[202] >= 1
        assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
        assert all("Retry-After" in answer for answer in answers if answer.status_code == 409)
        assert Job.objects.count() == 1
        assert check_books() == []

    def test_one_key_many_threads_one_asset(self) -> None:
        text = make_key(make_organization())[1]
        body = {"url": "https://example.com/a.mp4"}
        answers = at_once(6, lambda _: Api(text).post("assets", body, Idempotency_Key="race"))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert Asset.objects.count() == 1

    def test_concurrency_limit_is_exact_under_a_rush(self) -> None:
        from apps.plans.models import Plan

        organization = make_organization(credits=10_000)
        Plan.objects.update(translate_concurrency=3)
        text = make_key(organization)[1]
        answers = at_once(10, lambda _: Api(text).post("translations", order()))
        assert Counter(answer.status_code for answer in answers) == {202: 3, 429: 7}
        assert Job.objects.count() == 3
        assert check_books() == []
