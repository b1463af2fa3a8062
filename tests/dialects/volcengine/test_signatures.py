"""Who is let in: signatures of both forms, the clock, replays, keys without the switch, rights and limits; and the error table."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from apps.accounts.models import ApiKey, Organization, UsedSignature
from apps.accounts.services import revoke_api_key
from apps.plans.models import Plan, Subscription
from tests.dialects.volcengine.conftest import HOST, VOD, Answer, Signer, signer
from tests.factories import make_organization, owner_of
from tests.providers.volcengine.presigned import presign

pytestmark = pytest.mark.django_db
WRONG = (401, "SignatureDoesNotMatch", 100010)
NO_KEY = (401, "InvalidAccessKey", 100009)
EXPIRED = (400, "InvalidTimestamp", 100006)
LIST = f"/?Action=ListAITranslationProject&Version={VOD}&SpaceName=test"


def ask(volc: Signer, **changes: Any) -> Answer:
    """One signed list request; changed after signing as told."""
    headers = volc.headers("GET", LIST, now=changes.pop("now", None)) | changes.pop("headers", {})
    return volc.send(changes.pop("method", "GET"), changes.pop("target", LIST), changes.pop("body", b""), headers)


def test_a_signed_request_is_answered_with_metadata(volc: Signer) -> None:
    answer = ask(volc)
    assert answer.result == {"Projects": [], "TotalCount": 0, "PageNumber": 1, "PageSize": 10}
    assert answer.meta | {"RequestId": ""} == {
        "RequestId": "",
        "Action": "ListAITranslationProject",
        "Version": VOD,
        "Service": "vod",
        "Region": "cn-north-1",
    }
    assert answer.meta["RequestId"] == answer.response["X-Request-Id"]
    assert "RateLimit" in answer.response
    assert "Set-Cookie" not in answer.response


@pytest.mark.parametrize(
    "change",
    [
        {"target": LIST + "&PageSize=20"},
        {"target": LIST.replace("test", "rest")},
        {"method": "POST"},
        {"method": "POST", "body": b"{}"},
        {"body": b"{}"},
        {"headers": {"X-Sdk-Request": "another"}},
        {"headers": {"X-Content-Sha256": "0" * 64}},
    ],
)
def test_whatever_was_signed_cannot_be_changed(volc: Signer, change: dict[str, Any]) -> None:
    assert ask(volc, **change).refusal == WRONG
    assert not UsedSignature.objects.exists(), "only good signatures are remembered"


def test_a_tampered_body_is_refused(volc: Signer) -> None:
    target = f"/?Action=SetAITermItem&Version={VOD}"
    body = json.dumps({"SpaceName": "test", "TermbaseId": "x", "TermItems": []}).encode()
    headers = volc.headers("POST", target, body, Content_Type="application/json")
    assert volc.send("POST", target, body.replace(b"test", b"rest"), headers).refusal == WRONG
    stated = headers | {"X-Content-Sha256": volc.headers("POST", target, b"other")["X-Content-Sha256"]}
    assert volc.send("POST", target, b"other", stated).refusal == WRONG


def test_signed_headers_must_be_those_that_were_sent(volc: Signer) -> None:
    headers = volc.headers("GET", LIST)
    for wrong in ("host;x-date;x-not-there", "host", ""):
        before, _, after = headers["Authorization"].partition("SignedHeaders=")
        changed = f"{before}SignedHeaders={wrong},{after.partition(',')[2]}"
        assert volc.send("GET", LIST, b"", headers | {"Authorization": changed}).refusal == WRONG


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic eDp5",
        "HMAC-SHA256 nonsense",
        "Bearer sk_abcdefgh_" + "x" * 43,
        "HMAC-SHA256 Credential=a/b, SignedHeaders=, Signature=x",
    ],
)
def test_other_authorizations_are_malformed_signatures(volc: Signer, authorization: str) -> None:
    assert ask(volc, headers={"Authorization": authorization}).refusal == WRONG


def test_without_a_signature_the_token_is_missing(volc: Signer) -> None:
    assert volc.send("GET", LIST, b"", {}).refusal == (401, "MissingAuthenticationToken", 100003)


@pytest.mark.parametrize(
    ("off", "good"), [(0, True), (-890, True), (890, True), (-910, False), (910, False), (-86400, False)]
)
def test_the_clock_may_be_a_quarter_of_an_hour_off(volc: Signer, off: int, good: bool) -> None:
    answer = ask(volc, now=time.time() + off)
    assert answer.refusal == EXPIRED if not good else answer.result["TotalCount"] == 0


def test_a_date_that_is_none_is_missing_information(volc: Signer) -> None:
    answer = ask(volc, headers={"X-Date": "yesterday"})
    assert answer.refusal == (400, "MissingRequestInfo", 100004)


def test_a_change_is_taken_once_and_a_read_may_come_again_at_once(volc: Signer) -> None:
    headers = volc.headers("GET", LIST)
    for _ in range(3):
        assert volc.send("GET", LIST, b"", headers).status == 200
    UsedSignature.objects.update(first_at="2020-01-01T00:00:00Z")
    assert volc.send("GET", LIST, b"", headers).refusal == EXPIRED, "a minute later it is a replay"

    target = f"/?Action=CreateAITermbase&Version={VOD}"
    body = json.dumps(
        {
            "SpaceName": "test",
            "Name": "Words",
            "Scenario": "AITranslation",
            "SourceLanguage": "en",
            "TargetLanguage": "pt",
        }
    ).encode()
    headers = volc.headers("POST", target, body, Content_Type="application/json")
    assert volc.send("POST", target, body, headers).status == 200
    again = volc.send("POST", target, body, headers)
    assert again.refusal == EXPIRED and "used before" in str(again.error)


def test_keys_that_cannot_sign_are_invalid(organization: Organization) -> None:
    plain = signer(organization, volcengine=False)
    assert ask(plain).refusal == NO_KEY
    revoked = signer(organization)
    revoke_api_key(actor=owner_of(organization), key_id=revoked.key.key_id)
    assert ask(revoked).refusal == NO_KEY
    expired = signer(organization)
    ApiKey.objects.filter(pk=expired.key.pk).update(expires_at="2020-01-01T00:00:00Z")
    assert ask(expired).refusal == NO_KEY
    unknown = signer(organization)
    unknown.access = "AKLTEXAMPLEaccesskey0001"
    assert ask(unknown).refusal == NO_KEY
    mixed = signer(organization)
    mixed.secret = signer(organization).secret
    assert ask(mixed).refusal == WRONG


def test_rights_are_those_of_the_key(organization: Organization) -> None:
    reader = signer(organization, ["billing:read"])
    assert ask(reader).refusal == (403, "AccessDenied", 100013)
    Subscription.objects.filter(organization=organization).update(status="canceled")
    assert ask(signer(organization)).refusal == (403, "AccessDenied", 100013)
    free = make_organization(plan="free")
    assert ask(signer(free)).refusal == (403, "AccessDenied", 100013)


def test_the_rate_limit_is_flow_limit_exceeded(volc: Signer) -> None:
    Plan.objects.update(requests_per_minute=2)
    found = [ask(volc) for _ in range(5)]
    refused = [answer for answer in found if answer.status == 429]
    assert len(refused) >= 1
    assert refused[-1].refusal == (429, "FlowLimitExceeded", 100018)
    assert int(refused[-1].response["Retry-After"]) >= 1


def test_actions_and_versions_that_are_not_there(volc: Signer) -> None:
    for target, fault in (
        ("/?Action=&Version=2025-01-01", (400, "MissingParameter", 100002)),
        ("/?Action=ListAITranslationProject", (400, "MissingParameter", 100002)),
        ("/?Action=Nothing&Version=2025-01-01", (404, "InvalidActionOrVersion", 100008)),
        ("/?Action=SubmitAudio&Version=2025-01-01", (404, "InvalidActionOrVersion", 100008)),
        ("/?Action=GetAITranslationProject&Version=1999-01-01", (404, "InvalidActionOrVersion", 100008)),
    ):
        assert volc.send("GET", target, b"", volc.headers("GET", target)).refusal == fault
    answer = volc.post("GenerateAITranslationUtteranceAudio", {})
    assert answer.refusal[1] == "InvalidActionOrVersion" and "RefreshAITranslationProject" in str(answer.error)


def test_a_signature_for_another_service_is_not_taken(volc: Signer) -> None:
    target = "/?Action=QueryAudio&Version=2020-06-01"
    headers = volc.headers("GET", f"/?Action=QueryAudio&Version={VOD}")
    assert volc.send("GET", target, b"", headers).refusal == (404, "ServiceNotFound", 100007)


def test_other_methods_and_bodies_that_are_none(volc: Signer) -> None:
    target = f"/?Action=GetAITranslationProject&Version={VOD}"
    assert volc.send("DELETE", target, b"", volc.headers("DELETE", target)).refusal == (405, "MethodNotAllowed", 100020)
    for body in (
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"SpaceName": 5, "ProjectId": "x"}',
        b'{"SpaceName": "a\\u0000", "ProjectId": "x"}',
    ):
        headers = volc.headers("POST", target, body, Content_Type="application/json")
        assert volc.send("POST", target, body, headers).refusal == (400, "InvalidParameter", 0)
    headers = volc.headers("POST", target, b"{}", Content_Type="application/json")
    missing = volc.send("POST", target, b"{}", headers)
    assert missing.refusal == (400, "MissingParameter", 100002) and "SpaceName" in str(missing.error)


def presigned(volc: Signer, target: str, method: str = "GET", **changes: Any) -> str:
    url = presign(
        method,
        HOST + target,
        access_key=volc.access,
        secret_key=volc.secret,
        region="cn-north-1",
        service="vod",
        now=time.time(),
        **changes,
    )
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize("sign_host", [False, True])
def test_a_presigned_url_needs_no_headers(volc: Signer, sign_host: bool) -> None:
    url = presigned(volc, LIST, sign_host=sign_host)
    assert volc.send("GET", url, b"", {}).result["TotalCount"] == 0
    assert volc.send("GET", url, b"", {}).status == 200, "a read"
    assert volc.send("GET", url + "&PageSize=5", b"", {}).refusal == WRONG, "not among the signed parameters"
    assert volc.send("GET", url.replace("SpaceName=test", "SpaceName=rest"), b"", {}).refusal == WRONG
    assert volc.send("GET", url[:-1] + ("0" if url[-1] != "0" else "1"), b"", {}).refusal == WRONG


def test_a_presigned_url_carries_no_body(volc: Signer) -> None:
    target = f"/?Action=DeleteAITermbase&Version={VOD}&SpaceName=test&TermbaseId=x"
    url = presigned(volc, target, "POST")
    assert volc.send("POST", url, b'{"TermbaseId": "y"}', {}).refusal == WRONG
    assert volc.send("POST", presigned(volc, target, "POST"), b"", {}).refusal[1] == "ResourceNotFound"


def test_the_front_page_stays_the_front_page(db: None) -> None:
    client = Client()
    assert client.get("/").status_code == 200
    assert b"<html" in client.get("/?next=/jobs/").content
    answer = client.get("/?Action=x&Version=y", headers={"Host": "elsewhere.example.org"})
    assert answer.status_code == 400 and answer.json()["ResponseMetadata"]["Error"]["Code"] == "InvalidParameter"
    assert client.post("/?Action=x&Version=y").status_code == 404, "no CSRF, no session"
