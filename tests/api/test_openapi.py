"""The OpenAPI document: valid, complete, and true to what the views answer."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from django.urls import get_resolver

from apps.accounts.models import Organization
from apps.core import errors
from apps.jobs.models import ProviderAccount
from apps.webhooks.services.endpoints import create_endpoint, send_test
from tests.api.conftest import Api, order
from tests.api.rows import finished
from tests.api.test_tenancy import routes
from tests.factories import owner_of


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Made as `manage.py spectacular --validate --fail-on-warn` does."""
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, file=str(path))
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]


def test_version_and_ways_in(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document["components"]["securitySchemes"]) == {"apiKey", "session"}


def test_every_address_is_described(document: dict[str, Any]) -> None:
    known = {
        re.sub(r"<\w+:(\w+)>", r"{\1}", "/" + route)
        for route, _ in routes(get_resolver())
        if route.startswith("api/v1/")
    }
    known -= {"/api/v1/openapi.json", "/api/v1/docs", "/api/v1/^.*$"}
    assert set(document["paths"]) == known


def test_every_operation_has_examples_and_codes(document: dict[str, Any]) -> None:
    listed = set()
    for path, method, one in operations(document):
        assert one["summary"] and one["description"] and one["operationId"], (path, method)
        examples = []
        for status, answer in one["responses"].items():
            for kind, content in answer.get("content", {}).items():
                examples += content.get("examples", {}).values()
                if int(status) >= 400:
                    assert kind == "application/problem+json"
            listed |= {int(number) for number in re.findall(r"`(\d+)`", answer.get("description", ""))}
            assert "X-Request-Id" in answer["headers"]
        assert examples, (path, method)
        if method == "post":
            assert "Idempotency-Key" in {each["name"] for each in one.get("parameters", [])}, path
    # 405 is the answer of operations that do not exist.
    assert listed == set(errors.api_codes()) - {errors.METHOD}


def test_the_hot_path_is_described_though_drf_never_sees_it(document: dict[str, Any]) -> None:
    one = document["paths"]["/api/v1/translations"]["post"]
    assert one["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/TranslationOrder"
    }
    assert {"202", "400", "401", "402", "403", "429", "500"} <= one["responses"].keys()


@pytest.mark.django_db
def test_answers_are_as_described(document: dict[str, Any], api: Api, organization: Organization) -> None:
    job = finished(api, organization)
    assert job.translation is not None
    endpoint, _ = create_endpoint(actor=owner_of(organization), url="https://hooks.example.com/x")
    ids = {
        "endpoint_id": endpoint.public_id,
        "message_id": send_test(actor=owner_of(organization), endpoint=endpoint).public_id,
        "job_id": job.public_id,
        "translation_id": job.translation.public_id,
        "artefact_id": job.artefacts.first().public_id,  # type: ignore[union-attr]
        "asset_id": job.translation.project.source_asset.public_id,
        "account_id": ProviderAccount.objects.create(organization=organization, provider="azure", name="x").public_id,
    }
    person = Api()
    person.client.force_login(organization.memberships.get().user)
    checked = 0
    for path, method, one in operations(document):
        if method != "get" or "{upload_id}" in path or "{glossary_id}" in path or path.endswith(".zip"):
            continue
        for_people = "/provider-accounts" in path
        answer = (person if for_people else api).get(path.format(**ids))
        assert answer.status_code in (200, 302), (path, answer.content)
        if answer.status_code == 200:
            check(document, one, answer)
            checked += 1
    check(document, document["paths"]["/api/v1/translations"]["post"], api.post("translations", order()))
    check(document, document["paths"]["/api/v1/translations"]["post"], api.post("translations", {}))
    check(document, document["paths"]["/api/v1/estimates"]["post"], api.post("estimates", order()))
    check(document, document["paths"]["/api/v1/jobs/{job_id}"]["get"], api.get("jobs/nothing"))
    assert checked > 10


def check(document: dict[str, Any], one: dict[str, Any], answer: Any) -> None:
    kind = answer["Content-Type"].partition(";")[0]
    described = one["responses"][str(answer.status_code)]["content"][kind]["schema"]
    schema = {**described, "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())


@pytest.mark.django_db
def test_served_with_an_etag(anonymous: Api) -> None:
    answer = anonymous.get("openapi.json")
    assert answer.json()["info"]["title"] == "Kinoglot API"
    assert anonymous.get("openapi.json", If_None_Match=answer["ETag"]).status_code == 304


@pytest.mark.django_db
def test_the_page_needs_nothing_from_elsewhere(anonymous: Api) -> None:
    answer = anonymous.get("docs")
    html = answer.content.decode()
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", html)
    nonce = re.search(r"script nonce=\"([^\"]+)\"", html)
    assert nonce
    assert f"'nonce-{nonce[1]}'" in answer["Content-Security-Policy"]
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
