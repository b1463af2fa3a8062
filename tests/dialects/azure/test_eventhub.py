"""Event Hub configuration: kept as sent, proved by a challenge, pinged, and told of the ends of jobs in a post of their own shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.dialects.azure.shape import AzureShape
from apps.events.models import Event
from apps.jobs.models import Job
from apps.jobs.services import cancel_job
from tests.dialects.azure.conftest import Azure, Hooks, refused
from tests.factories import owner_of

CONFIGURATION = "/configurations/event-hub"
REAL: dict[str, Any] = {
    "isEnabled": True,
    "eventHubNamespaceHostName": "our-namespace.servicebus.windows.net",
    "eventHubName": "videos",
    "managedIdentityClientId": "4b9ccd1c-c751-4afa-a430-a49a5471fd68",
    "enabledEvents": ["TranslationCompletion", "IterationCompletion"],
}


def test_kept_shown_and_removed(azure: Azure, stranger: Azure) -> None:
    """A namespace at Azure is accepted as its clients send it; it cannot be pinged from here, and the answer says so."""
    answer = azure.call("PUT", CONFIGURATION, REAL | {"somethingNew": None})
    assert answer.status_code == 200 and answer.json() == REAL
    assert azure.get(CONFIGURATION).json() == REAL
    refused(stranger.get(CONFIGURATION), 404, "NotFound")
    refused(azure.call("POST", f"{CONFIGURATION}:ping"), 400, "InvalidRequest", "eventHubNamespaceHostName")
    assert azure.ordered().callback_url == ""
    assert [azure.call("DELETE", CONFIGURATION).status_code for _ in range(2)] == [204, 204]
    refused(azure.call("POST", f"{CONFIGURATION}:ping"), 404, "NotFound")


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"isEnabled": None}, "isEnabled"),
        ({"eventHubName": "a/b"}, "eventHubName"),
        ({"eventHubNamespaceHostName": "user@host"}, "eventHubNamespaceHostName"),
        ({"managedIdentityClientId": "me"}, "managedIdentityClientId"),
        ({"enabledEvents": ["Everything"]}, "enabledEvents.0"),
    ],
)
def test_refused(azure: Azure, changes: dict[str, Any], target: str) -> None:
    refused(azure.call("PUT", CONFIGURATION, REAL | changes), 400, "InvalidRequest", target)


def test_a_webhook_in_its_place(azure: Azure, hooks: Hooks) -> None:
    """Challenged when it is set, pinged when asked, and the jobs are told to it."""
    config = REAL | {"eventHubNamespaceHostName": hooks.base}
    assert azure.call("PUT", CONFIGURATION, config).status_code == 200
    ping = azure.call("POST", f"{CONFIGURATION}:ping")
    assert ping.status_code == 200 and ping.content == b""
    challenge, sent = hooks.requests
    assert challenge.json()["type"] == "callback.challenge" and sent.path == "/videos/messages"
    (event,) = sent.json()
    assert event["kind"] == "Ping" and sent.headers["webhook-signature"].startswith("v1,")
    assert azure.ordered("tr-1").callback_url == f"{hooks.base}/videos/messages"
    azure.call("PUT", CONFIGURATION, config | {"isEnabled": False})
    assert azure.ordered("tr-2").callback_url == ""
    hooks.deaf = True
    refused(azure.call("PUT", CONFIGURATION, config), 400, "InvalidRequest", "eventHubNamespaceHostName")
    assert azure.get(CONFIGURATION).json()["isEnabled"] is False


@pytest.mark.parametrize(
    ("enabled", "kinds"),
    [
        (["TranslationCompletion", "IterationCompletion"], ["IterationCompletion", "TranslationCompletion"]),
        (["TranslationCompletion"], ["TranslationCompletion"]),
    ],
)
def test_events(azure: Azure, hooks: Hooks, enabled: list[str], kinds: list[str]) -> None:
    """One post with the events that are enabled, the same ids at every attempt."""
    config = REAL | {"eventHubNamespaceHostName": hooks.base, "enabledEvents": enabled}
    azure.call("PUT", CONFIGURATION, config)
    job = azure.ordered("tr-1")
    cancel_job(actor=owner_of(job.organization), job=Job.objects.get())
    shape = AzureShape()
    event = Event.objects.get(type="job.canceled")
    assert shape.wants(event.type, event.data) and not shape.wants("job.stage", {})
    body = json.loads(shape.body(job, event))
    assert [one["kind"] for one in body] == kinds and shape.body(job, event) == shape.body(job, event)
    for one in body:
        assert (one["translationId"], one["iterationId"], one["status"]) == ("tr-1", "Initial", "Canceled")
    assert len({one["id"] for one in body}) == len(body)
    # An iteration alone ends no translation.
    azure.translate("tr-2")
    azure.put("/translations/tr-2/iterations/it-1", {"input": {}})
    told = "IterationCompletion" in enabled
    assert Job.objects.latest("pk").callback_url == (f"{hooks.base}/videos/messages" if told else "")
