"""Signatures of Volcengine: every vector of both SDKs is made and verified, and what is not signed so is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from apps.core.errors import JobError
from apps.providers import volcengine_call
from apps.providers import volcengine_sign as scheme
from apps.providers.conversation import AccountRefused, Throttled, WireReply
from tests.providers.volcengine.presigned import presign

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "fixtures" / "sign_vectors.json").read_text("utf-8")
)
IN_HEADERS = [vector for vector in VECTORS if "headers_sent" in vector]
IN_QUERY = [vector for vector in VECTORS if "signed_query_string" in vector]
NAMES = {"ids": lambda vector: vector["name"]}
NOW = 1767948994.0
"""20260109T085634Z, when the vectors were made."""


def received(vector: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in vector["headers_sent"].items()}


def check(vector: dict[str, Any], secret: str = "", **changes: Any) -> bool:
    headers = changes.pop("headers", received(vector))
    query = changes.pop("query", urlencode(vector["query"]))
    claim = scheme.parse_authorization(headers, query)
    sent = {"method": vector["method"], "path": vector["path"], "body": vector["body"].encode()} | changes
    return scheme.verify(claim, secret or vector["secret_key"], query=query, headers=headers, **sent)


def test_all_vectors_of_the_reference_are_here() -> None:
    assert (len(IN_HEADERS), len(IN_QUERY)) == (4, 1)
    shared = Path(__file__).parents[4] / "shared/reference/volcengine/sign_vectors.json"
    if shared.exists():
        names = [vector["name"] for vector in json.loads(shared.read_text("utf-8"))["vectors"]]
        assert names == [vector["name"] for vector in VECTORS]


@pytest.mark.parametrize("vector", IN_HEADERS, **NAMES)
def test_a_vector_is_made_to_the_letter(vector: dict[str, Any]) -> None:
    given = {
        name: value
        for name, value in vector["headers_sent"].items()
        if name not in ("Host", "X-Date", "X-Content-Sha256", "X-Security-Token", "Authorization")
    }
    made = scheme.sign(
        vector["method"],
        f"https://{vector['host']}{vector['path']}?{urlencode(vector['query'])}",
        access_key=vector["access_key"],
        secret_key=vector["secret_key"],
        session_token=vector.get("session_token", ""),
        region=vector["region"],
        service=vector["service"],
        now=NOW,
        body=vector["body"].encode(),
        headers=given,
    )
    assert made == vector["headers_sent"]


@pytest.mark.parametrize("vector", IN_HEADERS, **NAMES)
def test_each_step_of_a_vector(vector: dict[str, Any]) -> None:
    headers, names = received(vector), vector["signed_headers"].split(";")
    query = vector["canonical_request"].split("\n")[2]
    canonical = scheme.canonical_request(
        vector["method"], vector["path"], query, names, headers, headers["x-content-sha256"]
    )
    assert canonical == vector["canonical_request"]
    scope = f"{vector['x_date'][:8]}/{vector['region']}/{vector['service']}/request"
    assert scheme.string_to_sign(vector["x_date"], scope, canonical) == vector["string_to_sign"]
    key = scheme.signing_key(vector["secret_key"], vector["x_date"][:8], vector["region"], vector["service"])
    assert key.hex() == vector["signing_key_hex"]


@pytest.mark.parametrize("vector", IN_HEADERS, **NAMES)
def test_a_vector_is_verified_and_nothing_else(vector: dict[str, Any]) -> None:
    claim = scheme.parse_authorization(received(vector), urlencode(vector["query"]))
    assert (claim.access_key, claim.region, claim.service) == (
        vector["access_key"],
        vector["region"],
        vector["service"],
    )
    assert (claim.moment, claim.session_token) == (NOW, vector.get("session_token", ""))
    assert ";".join(claim.signed_headers) == vector["signed_headers"]
    assert check(vector)
    assert not check(vector, secret="another secret")
    assert not check(vector, body=vector["body"].encode() + b" ")
    assert not check(vector, method="PUT")
    assert not check(vector, path="/other")
    assert not check(vector, query=urlencode(vector["query"] | {"Version": "2024-01-01"}))
    assert not check(vector, query=urlencode(vector["query"] | {"More": "1"}))
    for name in vector["signed_headers"].split(";"):
        if name in ("x-date", "x-content-sha256"):
            continue
        assert not check(vector, headers=received(vector) | {name: "other"}), name
        left = {key: value for key, value in received(vector).items() if key != name}
        assert not check(vector, headers=left), name
    assert not check(vector, headers=received(vector) | {"x-content-sha256": "0" * 64})
    assert check(vector, headers=received(vector) | {"accept-language": "zh"}), (
        "what is not signed may change on the way"
    )


@pytest.mark.parametrize("vector", IN_QUERY, **NAMES)
def test_a_presigned_url_is_made_and_verified(vector: dict[str, Any]) -> None:
    base = f"https://vod.volcengineapi.com{vector['path']}?{urlencode(vector['query'])}"
    made = presign(
        vector["method"],
        base,
        access_key=vector["access_key"],
        secret_key=vector["secret_key"],
        region=vector["region"],
        service=vector["service"],
        now=NOW,
    )
    wanted = parse_qs(vector["signed_query_string"], keep_blank_values=True)
    assert parse_qs(urlsplit(made).query, keep_blank_values=True) == wanted
    query = vector["signed_query_string"]
    claim = scheme.parse_authorization({}, query)
    assert claim.by_query and not claim.body_signed and claim.moment == NOW

    def good(query: str, method: str = "GET") -> bool:
        return scheme.verify(claim, vector["secret_key"], method=method, path="/", query=query, headers={}, body=b"")

    assert good(query)
    assert not good(query, "POST")
    assert not good(query.replace("SpaceName=test", "SpaceName=rest"))


@pytest.mark.parametrize("token", ["", "STS2token"])
@pytest.mark.parametrize("sign_host", [True, False])
def test_presigned_urls_with_host_and_token(token: str, sign_host: bool) -> None:
    url = presign(
        "POST", "http://portal.test:8080/?Action=A&Name=a%20b", access_key="AK", secret_key="secret", region="r",
        service="vod", now=NOW, session_token=token, sign_host=sign_host,
    )  # fmt: skip
    query = urlsplit(url).query
    headers = {"host": "portal.test:8080"}
    claim = scheme.parse_authorization(headers, query)
    assert claim.session_token == token
    sent: dict[str, Any] = {"method": "POST", "path": "/", "query": query, "body": b"not signed"}
    assert scheme.verify(claim, "secret", headers=headers, **sent)
    assert scheme.verify(claim, "secret", headers={"host": "other"}, **sent) is not sign_host


def test_a_default_port_in_host_is_signed_without_it() -> None:
    signed = scheme.sign(
        "GET", "https://portal.test:443/?b=2&a=1&a=0", access_key="AK", secret_key="s", region="r", service="v", now=NOW
    )
    assert signed["Host"] == "portal.test"
    headers = {name.lower(): value for name, value in signed.items()} | {"host": "portal.test:443"}
    claim = scheme.parse_authorization(headers, "b=2&a=1&a=0")
    assert scheme.verify(claim, "s", method="GET", path="/", query="b=2&a=1&a=0", headers=headers, body=b"")


AUTHORIZATION = "HMAC-SHA256 Credential=AK/20260109/r/s/request, SignedHeaders=host, Signature=" + "0" * 64


@pytest.mark.parametrize(
    ("headers", "query", "reason"),
    [
        ({}, "", "missing"),
        ({}, "X-Algorithm=HMAC-SHA256", "missing"),
        ({"authorization": "Bearer sk_1_2", "x-date": "20260109T085634Z"}, "", "malformed"),
        ({"authorization": AUTHORIZATION[:-1], "x-date": "20260109T085634Z"}, "", "malformed"),
        ({"authorization": AUTHORIZATION.replace("/r/", "/"), "x-date": "20260109T085634Z"}, "", "malformed"),
        ({"authorization": AUTHORIZATION.replace("host", "host;host"), "x-date": "20260109T085634Z"}, "", "malformed"),
        ({"authorization": AUTHORIZATION}, "", "bad_date"),
        ({"authorization": AUTHORIZATION, "x-date": "20260110T085634Z"}, "", "bad_date"),
        ({"authorization": AUTHORIZATION, "x-date": "20260109T255634Z"}, "", "bad_date"),
        ({"authorization": AUTHORIZATION, "x-date": "2026-01-09T08:56:34Z"}, "", "bad_date"),
        ({}, "X-Signature=" + "0" * 64, "malformed"),
        ({}, "X-Algorithm=HMAC-MD5&X-Signature=" + "0" * 64, "malformed"),
        ({}, "a=1&" * 600, "malformed"),
    ],
)
def test_what_is_no_signature_is_told(headers: dict[str, str], query: str, reason: str) -> None:
    with pytest.raises(scheme.SignatureProblem) as caught:
        scheme.parse_authorization(headers, query)
    assert caught.value.reason == reason and str(caught.value).endswith(".")


RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "fixtures" / "recorded.json").read_text("utf-8"))


@pytest.mark.parametrize("place", range(len(RECORDED)), ids=lambda place: str(place))
def test_recorded_requests_of_real_clients_are_verified(place: int) -> None:
    """Both SDKs, seed 004's sample program, retries: signed with the vectors' secret."""
    recorded = RECORDED[place]
    headers = {name.lower(): value for name, value in recorded["headers"]}
    query = recorded["target"].partition("?")[2]
    claim = scheme.parse_authorization(headers, query)
    sent = {"method": recorded["method"], "path": "/", "query": query, "body": recorded["body"].encode()}
    assert scheme.verify(claim, VECTORS[0]["secret_key"], headers=headers, **sent)
    assert not scheme.verify(claim, VECTORS[0]["secret_key"], headers=headers | {"host": "elsewhere"}, **sent)


@pytest.mark.parametrize("place", range(len(RECORDED)), ids=lambda place: str(place))
def test_recorded_answers_are_read(place: int) -> None:
    """Good answers are documents; the common errors tell whose trouble it is."""
    told = RECORDED[place]["answer"]
    reply = WireReply(told["status"], {}, json.dumps(told["body"]).encode())
    error = (told["body"]["ResponseMetadata"].get("Error") or {}).get("Code")
    if error is None:
        assert volcengine_call.read(reply) == told["body"]
        return
    kinds = {"-400": JobError, "SignatureDoesNotMatch": AccountRefused, "FlowLimitExceeded": Throttled}
    with pytest.raises(kinds[error]):
        volcengine_call.read(reply)
