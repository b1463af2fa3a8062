"""A session that was ended somewhere else is over here too: no process keeps one in its own memory."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from tests.factories import make_organization

pytestmark = pytest.mark.django_db


def test_what_another_process_ended_is_over(client: Client) -> None:
    client.force_login(make_organization().memberships.get().user)
    assert client.get("/jobs/").status_code == 200
    Session.objects.all().delete()  # what signing out in another process leaves behind
    response = client.get("/jobs/")
    assert (response.status_code, response.headers["Location"].split("?")[0]) == (302, "/accounts/login/")
