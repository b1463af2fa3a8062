"""Requests a minute: the same count for every process, told in RateLimit headers."""

from __future__ import annotations

import re

import pytest
from django.db import connection

from apps.accounts.models import Organization
from apps.plans.models import Plan
from tests.api.conftest import Api, order, problem
from tests.factories import make_key, owner_of

pytestmark = pytest.mark.django_db


def left(answer: object) -> int:
    match = re.fullmatch(r'"default";r=(\d+);t=(\d+)', answer["RateLimit"])  # type: ignore[index]
    assert match
    assert 1 <= int(match[2]) <= 60
    return int(match[1])


def test_every_answer_says_what_is_left(api: Api) -> None:
    Plan.objects.update(requests_per_minute=100)
    first = api.get("plan")
    assert first["RateLimit-Policy"] == '"default";q=100;w=60'
    assert left(first) == 99
    assert left(api.post("translations", order())) == 98
    assert left(api.post("translations", {})) == 97
    assert left(api.get("jobs/job_0000000000000000")) == 96


def test_over_the_limit(api: Api, organization: Organization) -> None:
    Plan.objects.update(requests_per_minute=3)
    for _ in range(3):
        assert api.get("plan").status_code == 200
    for answer in (api.get("plan"), api.post("translations", order())):
        problem(answer, 429, 4290)
        assert 1 <= int(answer["Retry-After"]) <= 60
        assert left(answer) == 0
    assert Api(make_key(organization)[1]).get("plan").status_code == 200, "each key has a count of its own"


def test_the_next_minute_starts_anew(api: Api) -> None:
    Plan.objects.update(requests_per_minute=1)
    api.get("plan")
    problem(api.get("plan"), 429, 4290)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE plans_request_window SET window_number = window_number - 1")
    assert api.get("plan").status_code == 200


def test_people_are_counted_too(organization: Organization) -> None:
    person = Api()
    user = owner_of(organization).user
    assert user is not None
    person.client.force_login(user)
    assert left(person.get("plan")) == left(person.get("plan")) + 1
