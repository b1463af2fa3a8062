"""Webhooks by API: the whole life of an endpoint, the log, what is refused, and who may do it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.events import log
from apps.events.models import Event
from apps.webhooks.models import CallbackSecret, Endpoint, Message
from tests.api.conftest import Api, problem
from tests.factories import add_member, make_key, make_organization, owner_of
from tests.webhooks.receiver import Answer, Receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> Api:
    made = Api(make_key(make_organization())[1])
    return made


def organization_of() -> Any:
    return Endpoint.objects.get().organization


def test_the_life_of_an_endpoint(api: Api, receiver: Receiver, send: Callable[[], int]) -> None:
    answer = api.post(
        "webhook-endpoints", {"url": receiver.url(), "description": " order  desk ", "event_types": ["asset.ready"]}
    )
    assert answer.status_code == 201
    made = answer.json()
    assert (made["url"], made["description"], made["event_types"]) == (receiver.url(), "order desk", ["asset.ready"])
    assert (made["enabled"], made["version"]) == (True, "2026-11-01")
    assert "whsec_" not in answer.content.decode()
    path = f"webhook-endpoints/{made['id']}"
    assert answer["Location"] == f"/api/v1/{path}"
    assert api.get(path).json() == made == api.get("webhook-endpoints").json()["items"][0]
    secret = api.get(f"{path}/secret").json()["secret"]
    assert secret.startswith("whsec_")

    test = api.post(f"{path}/test")
    assert test.status_code == 202
    receiver.plan["/hook"] = [Answer(204)]
    assert send() == 1
    seen = api.get(test["Location"].removeprefix("/api/v1/")).json()
    assert (seen["status"], seen["attempts"], seen["test"], seen["last_status"]) == ("delivered", 1, True, 204)
    assert seen["body"].encode() == receiver.got[0].body
    assert seen["history"][0]["request_headers"]["webhook-id"] == seen["id"] == receiver.got[0].headers["webhook-id"]

    rotated = api.post(f"{path}/rotate-secret", {"overlap_seconds": 60}).json()
    assert rotated["previous_secret_until"] is not None
    assert api.get(f"{path}/secret").json()["secret"] != secret
    api.post(f"{path}/test")
    send()
    assert len(receiver.got[1].headers["webhook-signature"].split()) == 2

    assert api.call("PATCH", path, {"enabled": False}).json()["disabled_reason"] == "person"
    log.record(
        type="asset.ready", actor=None, organization_id=organization_of().pk, subject=("asset", "ast_missed"), data={}
    )
    assert send() == 0
    (missed,) = api.get("webhook-messages?status=failed").json()["items"]
    assert (missed["subject"], missed["attempts"]) == ("ast_missed", 0)
    problem(api.post(f"webhook-messages/{missed['id']}/resend"), 409, 4090)
    since = clock.to_text(clock.now() - timedelta(hours=1))
    problem(api.post(f"{path}/recover", {"since": since}), 409, 4090)
    on = api.call("PATCH", path, {"enabled": True, "event_types": []}).json()
    assert (on["enabled"], on["disabled_reason"], on["event_types"]) == (True, "", [])
    assert api.post(f"{path}/recover", {"since": since}).json() == {"messages": 1}
    assert send() == 1
    assert api.post(f"webhook-messages/{missed['id']}/resend").status_code == 202
    assert send() == 1
    assert api.get(f"webhook-messages/{missed['id']}").json()["attempts"] == 2

    assert api.call("DELETE", path).status_code == 204
    problem(api.get(path), 404, 4040)
    problem(api.post(f"webhook-messages/{missed['id']}/resend"), 409, 4090)
    assert Endpoint.objects.get().sealed == ""
    assert len(api.get("webhook-messages").json()["items"]) == 3
    told = set(Event.objects.filter(type__startswith="webhook").values_list("type", flat=True))
    assert told == {
        f"webhook_endpoint.{verb}" for verb in ("created", "changed", "tested", "disabled", "recovered", "deleted")
    } | {"webhook_secret.rotated", "webhook_message.resent"}
    assert "whsec" not in str(list(Event.objects.values()))


def test_what_is_refused_names_its_field(api: Api, settings: Any) -> None:
    settings.WEBHOOK_MAX_ENDPOINTS = 2
    settings.PRIVATE_HOSTS_ALLOWED = ("inside.example.org",)
    for url in (
        "http://hooks.example.com/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://user:pw@hooks.example.com/x",
        "https://hooks.example.com:25/x",
        "https://hooks.example.com/x#part",
        "ftp://hooks.example.com",
        "no address",
    ):
        assert "url" in problem(api.post("webhook-endpoints", {"url": url}), 400, 5)["errors"], url
    good = {"url": "https://hooks.example.com/x"}
    assert (
        "event_types" in problem(api.post("webhook-endpoints", good | {"event_types": ["job.gone"]}), 400, 5)["errors"]
    )
    assert "description" in problem(api.post("webhook-endpoints", good | {"description": "x" * 201}), 400, 5)["errors"]
    assert "no" in problem(api.post("webhook-endpoints", good | {"no": 1}), 400, 5)["errors"]
    assert not Endpoint.objects.exists()
    one = api.post("webhook-endpoints", {"url": "http://inside.example.org/x"}).json()
    api.post("webhook-endpoints", good)
    problem(api.post("webhook-endpoints", good), 409, 4090)
    path = f"webhook-endpoints/{one['id']}"
    assert "since" in problem(api.post(f"{path}/recover", {"since": "2020-01-01T00:00:00Z"}), 400, 5)["errors"]
    assert "since" in problem(api.post(f"{path}/recover", {"since": "2099-01-01T00:00:00Z"}), 400, 5)["errors"]
    assert "since" in problem(api.post(f"{path}/recover", {"since": "2026-11-22T00:00:00"}), 400, 5)["errors"]
    assert "overlap_seconds" in problem(api.post(f"{path}/rotate-secret", {"overlap_seconds": -1}), 400, 5)["errors"]
    assert "url" in problem(api.call("PATCH", path, {"url": "http://hooks.example.com/"}), 400, 5)["errors"]
    assert "status" in problem(api.get("webhook-messages?status=odd"), 400, 5)["errors"]
    problem(api.get("webhook-messages?endpoint=whe_0000000000000000"), 404, 4040)


def test_the_same_idempotency_key_makes_one_endpoint(api: Api) -> None:
    body = {"url": "https://hooks.example.com/x"}
    answers = [api.post("webhook-endpoints", body, Idempotency_Key="once") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Endpoint.objects.count() == 1


def test_the_callback_secret_is_each_organizations_own(api: Api) -> None:
    first = api.get("callback-secret").json()
    assert first == api.get("callback-secret").json()
    assert first["secret"].startswith("whsec_")
    other = Api(make_key(make_organization())[1])
    assert other.get("callback-secret").json()["secret"] != first["secret"]
    assert api.post("callback-secret/rotate", {}).status_code == 204
    assert api.post("callback-secret/rotate").status_code == 204
    later = api.get("callback-secret").json()
    assert later["secret"] != first["secret"]
    assert later["previous_secret_until"] is not None
    assert not CallbackSecret.objects.filter(sealed__contains="whsec").exists()


def test_the_log_is_paged_and_filtered(api: Api, receiver: Receiver, send: Callable[[], int]) -> None:
    made = api.post("webhook-endpoints", {"url": receiver.url()}).json()
    for number in range(5):
        api.post(f"webhook-endpoints/{made['id']}/test")
        log.record(
            type="asset.ready",
            actor=None,
            organization_id=organization_of().pk,
            subject=("asset", f"ast_{number}"),
            data={},
        )
    send()
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"webhook-messages?limit=3&cursor={cursor}").json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == Message.objects.count() == 10
    assert len(api.get("webhook-messages?type=asset.ready").json()["items"]) == 5
    assert [one["subject"] for one in api.get("webhook-messages?subject=ast_3").json()["items"]] == ["ast_3"]
    assert api.get("webhook-messages?endpoint=callbacks").json()["items"] == []
    types = api.get("webhook-event-types").json()
    assert {one["type"] for one in types["items"]} >= {"job.completed", "asset.ready"}


def test_who_may_what() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    reader = Api(make_key(organization, ["jobs:read"])[1])
    writer = Api(make_key(organization, ["webhooks:write"], actor=owner)[1])
    assert reader.get("webhook-endpoints").status_code == 200
    problem(reader.post("webhook-endpoints", {"url": "https://hooks.example.com/x"}), 403, 1503)
    problem(reader.get("callback-secret"), 403, 1503)
    made = writer.post("webhook-endpoints", {"url": "https://hooks.example.com/x"}).json()
    problem(reader.get(f"webhook-endpoints/{made['id']}/secret"), 403, 1503)
    problem(writer.get("webhook-messages"), 403, 1503)
    stranger = Api(make_key(make_organization())[1])
    for verb, path in (("GET", ""), ("GET", "/secret"), ("POST", "/test"), ("DELETE", ""), ("POST", "/rotate-secret")):
        problem(stranger.call(verb, f"webhook-endpoints/{made['id']}{path}"), 404, 4040)
    assert add_member(organization, "viewer").role == "viewer"
