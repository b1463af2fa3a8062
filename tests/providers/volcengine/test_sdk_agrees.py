"""What we send is what Volcengine's own SDKs would send: the same fields by their models, the same signature by their signers."""

from __future__ import annotations

import json
import time
from datetime import UTC
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from apps.providers.conversation import PinnedGlossary, PinnedTerm, WireRequest
from apps.providers.volcengine_vod.provider import VENDOR
from tests.providers.volcengine.gateway import ACCESS_KEY, REGION, SECRET_KEY
from tests.providers.volcengine.talk import Talk, order
from tests.providers.volcengine.vod_stub import VALUES, VodStub

vod = pytest.importorskip("volcenginesdkvod20250101")
signer = pytest.importorskip("volcenginesdkcore.signv4").SignerV4

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs, not ours


def by_their_object(kind: str, value: Any) -> Any:
    """A value as the SDK's models hold it; a model raises for a missing field, a name that it does not know is a KeyError."""
    if kind.startswith("list["):
        return [by_their_object(kind[5:-1], item) for item in value]
    model = getattr(vod, kind, None)
    if model is None:
        return value
    names = {wire: name for name, wire in model.attribute_map.items()}
    return model(
        **{names[wire]: by_their_object(model.swagger_types[names[wire]], item) for wire, item in value.items()}
    )


def written(value: Any) -> Any:
    """A model as the SDK writes it: by the names of its attribute_map, without what is not set."""
    if isinstance(value, list):
        return [written(item) for item in value]
    if not hasattr(value, "attribute_map"):
        return value
    given = {wire: getattr(value, name) for name, wire in value.attribute_map.items()}
    return {wire: written(item) for wire, item in given.items() if item is not None}


def signed_by_them(request: WireRequest) -> dict[str, str]:
    """The headers that the SDK's signer makes of a request of ours."""
    parts = urlsplit(request.url)
    headers = {name: value for name, value in request.headers.items() if name not in ("Authorization", "X-Date")}
    headers["Host"] = parts.netloc
    query = dict(parse_qsl(parts.query))
    signer.sign(
        parts.path, request.method, headers, request.body.decode(), None, query, ACCESS_KEY, SECRET_KEY, REGION, "vod"
    )
    return headers


@pytest.fixture
def job() -> Any:
    with VodStub() as vendor:
        glossary = PinnedGlossary("gls_1", 1, "Words", (PinnedTerm("a b", "ç"),))
        given = order(
            steps=["subtitles", "voice"],
            glossaries=["gls_00000001"],
            review_after="translate",
            subtitle_style={"burn_in": True},
        )
        made = Talk(VENDOR.remote, vendor, VALUES, asked=given, glossaries=(glossary,))
        made.until("GetAITranslationProject")
        yield made


def test_bodies_are_those_of_the_sdks_models(job: Any) -> None:
    checked = []
    for step in job.steps:
        if step.request.method == "POST" and "2025-01-01" in step.request.url:
            body = json.loads(step.request.body)
            assert written(by_their_object(f"{step.operation}Request", body)) == body
            checked.append(step.operation)
    assert checked == ["CreateAITermbase", "SetAITermItem", "SubmitAITranslationWorkflow"]


def test_the_upload_is_that_of_the_older_sdk(job: Any) -> None:
    pytest.importorskip("volcengine")
    from google.protobuf.json_format import MessageToDict, ParseDict
    from volcengine.vod.models.request.request_vod_pb2 import VodQueryUploadTaskInfoRequest, VodUrlUploadRequest

    form = dict(parse_qsl(job.steps[0].request.body.decode()))
    asked = form | {"URLSets": json.loads(form["URLSets"])}
    assert MessageToDict(ParseDict(asked, VodUrlUploadRequest())) == asked
    query = dict(parse_qsl(urlsplit(job.steps[1].request.url).query))
    assert (query.pop("Action"), query.pop("Version")) == ("QueryUploadTaskInfo", "2020-08-01")
    assert MessageToDict(ParseDict(query, VodQueryUploadTaskInfoRequest())) == query


def test_signatures_are_those_of_the_sdk(job: Any) -> None:
    """With the clock of the moment when the SDK signed."""
    from datetime import datetime

    from apps.providers.volcengine_sign import sign

    for step in job.steps:
        theirs = signed_by_them(step.request)
        at = datetime.strptime(theirs["X-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        assert abs(at - time.time()) < 60
        kept = {name: value for name, value in step.request.headers.items() if name in ("Accept", "Content-Type")}
        if step.request.method != "GET" and "Content-Type" not in kept:
            continue
        ours = sign(
            step.request.method, step.request.url, access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION, service="vod",
            now=at, body=step.request.body, headers=kept,
        )  # fmt: skip
        assert ours["Authorization"] == theirs["Authorization"], step.operation
