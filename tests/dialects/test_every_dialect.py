"""Every route and action of every dialect, without a key, with a wrong one and as a stranger: the vendor's own error body, never a page,
never another organization's object; and the query counts of the calls that clients make all day."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts.models import Organization
from apps.dialects.base import DIALECTS
from apps.dialects.models import Resource
from apps.dialects.volcengine.actions import ACTIONS, NOT_SERVED
from apps.glossaries.models import Glossary
from apps.jobs.models import Job
from apps.projects.models import Project, Transcript
from tests.dialects.azure.conftest import Azure
from tests.dialects.volcengine.conftest import BOTH_SRT, add_clip, add_file, order, signer
from tests.dialects.vozo.conftest import Vozo
from tests.factories import make_key, make_organization, owner_of

TERMBASE = {
    "SpaceName": "test", "Name": "Secret words", "Scenario": "AITranslation", "SourceLanguage": "en", "TargetLanguage": "pt",
}  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
BAD_KEYS = ("", f"sk_00000000_{'a' * 43}", "nonsense")


def vozo_error(answer: Any) -> str:
    """The code of Vozo's error body."""
    body = json.loads(answer.content)
    assert set(body) == {"code", "message", "serverTs"} and all(isinstance(value, str) for value in body.values())
    return str(body["code"])


def azure_error(answer: Any) -> str:
    """The code of Azure's."""
    body = json.loads(answer.content)
    assert set(body) == {"error"} and body["error"]["message"] and answer["x-ms-error-code"] == body["error"]["code"]
    return str(body["error"]["code"])


def volcengine_error(answer: Any) -> str:
    """The code of Volcengine's."""
    body = json.loads(answer.content)
    error = body["ResponseMetadata"]["Error"]
    assert set(error) == {"CodeN", "Code", "Message"} and error["Message"] and body.get("Result") is None
    return str(error["Code"])


ERRORS: dict[str, Callable[[Any], str]] = {"vozo": vozo_error, "azure": azure_error, "volcengine": volcengine_error}


@dataclass(frozen=True)
class Route:
    """One address of a dialect; `path` with a name in each hole."""

    dialect: str
    path: str
    methods: tuple[str, ...]


def routes() -> list[Route]:
    """All addresses, from Django's own table."""
    found = []
    for pattern in _patterns(get_resolver()):
        dialect = getattr(pattern.callback, "dialect", "")
        if dialect:
            path = re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern))
            if path.startswith("^"):
                path = f"{path[1:].partition('(')[0]}/no/such/address"
            found.append(Route(dialect, f"/{path}", tuple(pattern.callback.methods)))
    return found


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _patterns(entry)
        else:
            yield entry


def refused(dialect: str, answer: Any, where: str) -> str:
    """The answer is the dialect's own refusal; its code."""
    assert answer["Content-Type"] == "application/json", (where, answer.status_code, answer.content[:200])
    assert b"<" not in answer.content[:1] and b"Traceback" not in answer.content, where
    assert answer["X-Request-Id"], where
    assert "sessionid" not in answer.cookies and "Set-Cookie" not in answer, where
    return ERRORS[dialect](answer)


def send(method: str, path: str, **headers: str) -> Any:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    return client.generic(method, path, b"{}", content_type="application/json", headers=headers)


def test_the_table_is_whole() -> None:
    """Each dialect has addresses and answers what it does not have."""
    assert set(ERRORS) == set(DIALECTS)
    by_name = {name: [route for route in routes() if route.dialect == name] for name in ("azure", "vozo")}
    for name, found in by_name.items():
        assert len(found) >= 3 and sum(not route.methods for route in found) == 1, name
    assert len(ACTIONS) >= 20


@pytest.mark.django_db
def test_without_a_key_every_route_refuses_in_its_own_words() -> None:
    for route in routes():
        path = re.sub(r"{\w+}", "x-1", route.path)
        for method in METHODS:
            for key in BAD_KEYS:
                sent = {"Authorization": f"Bearer {key}", "Ocp-Apim-Subscription-Key": key} if key else {}
                where = f"{method} {path} with {key!r}"
                answer = send(method, f"{path}?api-version=2026-03-01", **sent)
                refused(route.dialect, answer, where)
                served = method in route.methods
                expected = {"vozo": (400,), "azure": (401,)}[route.dialect] if served else (404, 405)
                assert answer.status_code in expected, (where, answer.status_code, answer.content)
    assert not Resource.objects.exists()


@pytest.mark.django_db
def test_without_a_signature_every_action_refuses_in_its_own_words() -> None:
    for name, version in [*ACTIONS, *NOT_SERVED, ("Nonsense", "2025-01-01"), ("ListUsers", "2018-01-01")]:
        for method in METHODS:
            answer = send(method, f"/?Action={name}&Version={version}")
            code = refused("volcengine", answer, f"{method} {name}")
            assert answer.status_code >= 400, (method, name, code)
        wrong = send(
            "POST", f"/?Action={name}&Version={version}", Authorization="HMAC-SHA256 Credential=a/b/c/d/request"
        )
        refused("volcengine", wrong, name)
    assert not Resource.objects.exists()


def test_the_front_page_stays_a_page(client: Client, db: None) -> None:
    assert "json" not in client.get("/").headers.get("Content-Type", "")
    assert client.get("/?action=x").status_code == client.get("/").status_code


def owned() -> tuple[list[Any], ...]:
    """All that a stranger could have touched."""
    return (
        list(Resource.objects.order_by("pk").values_list("pk", "subject", "data")),
        list(Job.objects.order_by("pk").values_list("pk", "status", "order")),
        list(Transcript.objects.order_by("pk").values_list("pk", "revision")),
        list(Project.objects.order_by("pk").values_list("pk", "name")),
        list(Glossary.objects.order_by("pk").values_list("pk", "name")),
    )


@pytest.fixture
def victim(db: None) -> Organization:
    return make_organization(credits=10_000, name="The victim")


@pytest.fixture
def stranger(db: None) -> Organization:
    return make_organization(credits=10_000, name="The stranger")


@pytest.mark.usefixtures("model_dir")
def test_a_stranger_finds_nothing_by_azures_and_vozos_routes(victim: Organization, stranger: Organization) -> None:
    Azure(make_key(victim)[1]).ordered("tr-secret", displayName="Secret plans")
    task = Vozo(make_key(victim)[1]).create(project_mode="editable").json()["task_id"]
    names = {
        "translation_id": "tr-secret",
        "iteration_id": Resource.objects.get(kind="iteration").external_id,
        "operation_id": Resource.objects.filter(kind="operation").latest("pk").external_id,
        "task_id": task,
    }
    key = make_key(stranger)[1]
    before = owned()
    for route in routes():
        if "{" not in route.path:
            continue
        path = route.path.format_map(names)
        for method in (*route.methods, "PATCH"):
            answer = send(
                method, f"{path}?api-version=2026-03-01", Authorization=f"Bearer {key}", Operation_Id="op-x-1"
            )
            # Deleting what is not there is no error at Azure.
            if (method, answer.status_code) != ("DELETE", 204):
                refused(route.dialect, answer, f"{method} {path}")
                assert answer.status_code >= 400, (method, path, answer.content)
            assert b"Secret plans" not in answer.content and b"media.example.com" not in answer.content
    assert owned() == before
    listed = send("GET", "/videotranslation/translations?api-version=2026-03-01", Authorization=f"Bearer {key}")
    assert listed.status_code == 200 and json.loads(listed.content)["value"] == []


def test_a_stranger_finds_nothing_by_volcengines_actions(
    victim: Organization, stranger: Organization, tmp_path: Any
) -> None:
    """Every action with the ids of another organization's project, utterance, termbase, files and tasks."""
    owner = owner_of(victim)
    clip = add_clip(owner, tmp_path)
    add_file(owner, tmp_path, "both.srt", BOTH_SRT)
    theirs = signer(victim)
    project = theirs.post("SubmitAITranslationWorkflow", order()).result["ProjectBaseInfo"]["ProjectId"]
    termbase = theirs.post("CreateAITermbase", TERMBASE).result["Termbase"]["Id"]
    task = Job.objects.get().public_id
    sent: dict[str, Any] = order(Vid=clip.public_id) | {
        "ProjectId": project, "TermbaseId": termbase, "TaskId": task, "JobIds": task, "RefreshType": "whole", "UpdateType": "SourceText",
        "UtteranceId": "l1", "Utterances": [{"Id": "l1", "Text": "changed"}], "StartTime": 0, "EndTime": 900, "SpeakerId": "s1",
        "UpdateConfigType": "ProcessConfig", "ProcessConfig": {}, "SpeakerName": "A", "Voice": "v", "Speakers": [{"Id": "s1"}],
        "TermItems": [{"SourceText": "a", "TargetText": "b"}], "TermItemSourceTexts": ["a"], "Name": "changed",
    }  # fmt: skip
    before = owned()
    mine, missed = signer(stranger), []
    for name, version in ACTIONS:
        if name in ("CreateAITermbase", "SubmitAudio", "UploadMediaByUrl"):
            continue  # they name nothing that exists
        answer = mine.post(name, sent, version)
        text = json.dumps(answer.body)
        found = [secret for secret in ("Secret words", "Bom dia", "Good morning", "clip.mp4") if secret in text]
        # Lists, and what asks for many by id, are empty; all else is refused.
        if found or (answer.error is None and not re.match(r"List|QueryUpload", name)):
            missed.append((name, version, answer.status, text[:300]))
    assert missed == []
    assert owned() == before


class TestQueryCounts:
    """Calls of every client's loop: as many queries for three rows as for one."""

    def test_azure(self, victim: Organization, model_dir: Any, django_assert_num_queries: Any) -> None:
        azure = Azure(make_key(victim)[1])
        counts = []
        for number in (1, 2, 3):
            azure.ordered(f"tr-{number}")
            counts.append(
                [
                    _queries(partial(azure.get, path))
                    for path in ("/translations", "/translations/tr-1", "/translations/tr-1/iterations")
                ]
            )
        assert counts[0] == counts[2], counts
        assert max(counts[0]) <= 8, counts

    def test_volcengine(self, victim: Organization, tmp_path: Any) -> None:
        owner = owner_of(victim)
        add_clip(owner, tmp_path)
        add_file(owner, tmp_path, "both.srt", BOTH_SRT)
        volc = signer(victim)
        counts = []
        for number in range(3):
            project = volc.post("SubmitAITranslationWorkflow", order()).result["ProjectBaseInfo"]["ProjectId"]
            base = volc.post("CreateAITermbase", TERMBASE | {"Name": f"Words {number}"}).result["Termbase"]["Id"]
            calls = {
                "ListAITranslationProject": {"SpaceName": "test"},
                "GetAITranslationProject": {"SpaceName": "test", "ProjectId": project},
                "ListAITermbase": {"SpaceName": "test"},
                "GetAITermbase": {"SpaceName": "test", "TermbaseId": base},
            }
            counts.append({name: _queries(partial(volc.post, name, fields)) for name, fields in calls.items()})
        assert counts[0] == counts[2], counts
        assert max(counts[0].values()) <= 14, counts


def _queries(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as seen:
        call()
    return len(seen)
