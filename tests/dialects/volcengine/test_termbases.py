"""Termbases over our glossaries, and files brought in by URL."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from apps.glossaries.models import Glossary, GlossaryVersion
from apps.projects.models import Asset
from tests.dialects.volcengine.conftest import Signer

pytestmark = pytest.mark.django_db
MEDIA = "2020-08-01"
BASE = {
    "SpaceName": "test",
    "Name": "产品名",
    "Scenario": "AITranslation",
    "SourceLanguage": "zh",
    "TargetLanguage": "en",
}


def made(volc: Signer, **changes: Any) -> str:
    return str(volc.post("CreateAITermbase", BASE | changes).result["Termbase"]["Id"])


def items(volc: Signer, termbase: str) -> dict[str, str]:
    found = volc.get("GetAITermbase", {"SpaceName": "test", "TermbaseId": termbase}).result["Termbase"]
    return {item["SourceText"]: item["TargetText"] for item in found["TermItems"]}


def test_items_make_versions_of_a_glossary(volc: Signer) -> None:
    termbase = made(volc, Description="words")
    glossary = Glossary.objects.get(public_id=termbase)
    assert (glossary.name, glossary.source_language, glossary.target_locale) == ("产品名", "zh-CN", "en-US")
    there = {"SpaceName": "test", "TermbaseId": termbase}

    def put(**texts: str) -> Any:
        rows = [{"SourceText": source, "TargetText": target} for source, target in texts.items()]
        return volc.post("SetAITermItem", there | {"TermItems": rows})

    assert put(人工智能="Artificial Intelligence", 云="cloud").body.keys() == {"ResponseMetadata"}
    put(云="Cloud").result  # noqa: B018
    put(云="Cloud").result  # noqa: B018
    assert items(volc, termbase) == {"人工智能": "Artificial Intelligence", "云": "Cloud"}
    assert GlossaryVersion.objects.filter(glossary=glossary).count() == 3, "the same again makes no version"
    volc.post("DeleteAITermItem", there | {"TermItemSourceTexts": ["云", "nothing"]}).result  # noqa: B018
    assert items(volc, termbase) == {"人工智能": "Artificial Intelligence"}
    volc.post("UpdateAITermbase", there | {"Name": "Names"}).result  # noqa: B018
    (listed,) = volc.get("ListAITermbase", {"SpaceName": "test"}).result["Termbases"]
    assert listed == {
        "Id": termbase,
        "Name": "Names",
        "Description": "words",
        "Scenario": "AITranslation",
        "SourceLanguage": "zh",
        "TargetLanguage": "en",
        "TermItems": [{"SourceText": "人工智能", "TargetText": "Artificial Intelligence"}],
    }
    volc.post("DeleteAITermbase", there).result  # noqa: B018
    assert volc.get("ListAITermbase", {"SpaceName": "test"}).result["Termbases"] == []
    glossary.refresh_from_db()
    assert glossary.archived_at is not None
    assert volc.post("DeleteAITermbase", there).refusal == (404, "ResourceNotFound", 0)


def test_limits_and_names(volc: Signer) -> None:
    termbase = made(volc)
    there = {"SpaceName": "test", "TermbaseId": termbase}
    for changes, named in (
        ({"Name": "x" * 31}, "Name"),
        ({"Name": "产" * 11}, "Name"),
        ({"Name": ""}, "Name"),
        ({"Name": BASE["Name"]}, "Name"),
        ({"Name": "n", "Scenario": "Other"}, "Scenario"),
        ({"Name": "n", "Description": "x" * 101}, "Description"),
        ({"Name": "n", "SourceLanguage": "xx"}, "SourceLanguage"),
    ):
        answer = volc.post("CreateAITermbase", BASE | changes)
        assert answer.refusal == (400, "InvalidParameter", 0) and named in str(answer.error), changes
    assert volc.post("CreateAITermbase", BASE | {"Name": "n", "TargetLanguage": ""}).refusal[1] == "MissingParameter"
    long = volc.post("SetAITermItem", there | {"TermItems": [{"SourceText": "好", "TargetText": "x" * 31}]})
    assert long.refusal == (400, "InvalidParameter", 0) and "TermItems.0.TargetText" in str(long.error)
    many = [{"SourceText": f"s{n}", "TargetText": "t"} for n in range(100)]
    volc.post("SetAITermItem", there | {"TermItems": many}).result  # noqa: B018
    full = volc.post("SetAITermItem", there | {"TermItems": [{"SourceText": "one more", "TargetText": "t"}]})
    assert full.refusal == (400, "InvalidParameter", 0) and len(items(volc, termbase)) == 100


def test_the_same_call_of_the_sdk_makes_one(volc: Signer) -> None:
    first, second = (
        volc.post("CreateAITermbase", BASE, X_Sdk_Invocation_Id="one", X_Sdk_Request=f"attempt={n}").result
        for n in (1, 2)
    )
    assert first == second and Glossary.objects.count() == 1


def test_a_strangers_termbase_and_another_space(volc: Signer, stranger: Signer) -> None:
    termbase = made(volc)
    for action, fields in (
        ("UpdateAITermbase", {"Name": "mine"}),
        ("DeleteAITermbase", {}),
        ("SetAITermItem", {"TermItems": [{"SourceText": "a", "TargetText": "b"}]}),
        ("DeleteAITermItem", {"TermItemSourceTexts": ["a"]}),
    ):
        answer = stranger.post(action, {"SpaceName": "test", "TermbaseId": termbase} | fields)
        assert answer.refusal == (404, "ResourceNotFound", 0), action
        elsewhere = volc.post(action, {"SpaceName": "other", "TermbaseId": termbase} | fields)
        assert elsewhere.refusal == (404, "ResourceNotFound", 0), action
    assert stranger.get("ListAITermbase", {"SpaceName": "test"}).result["Termbases"] == []
    assert volc.get("ListAITermbase", {"SpaceName": "other"}).result["Termbases"] == []


def test_a_link_becomes_a_vid(volc: Signer, stranger: Signer) -> None:
    sources = [
        {"SourceUrl": "https://media.example.org/a.mp4"},
        {"SourceUrl": "https://media.example.org/b", "FileName": "words.srt"},
    ]
    sent = volc.post("UploadMediaByUrl", {"SpaceName": "test", "URLSets": sources}, MEDIA).result["Data"]
    again = volc.get("UploadMediaByUrl", {"SpaceName": "test", "URLSets": json.dumps(sources[:1])}, MEDIA).result[
        "Data"
    ]
    assert [row["SourceUrl"] for row in sent] == [row["SourceUrl"] for row in sources] and len(again) == 1
    first, second = (Asset.objects.get(public_id=row["JobId"]) for row in sent)
    assert (first.kind, second.kind, second.file_name) == ("media", "subtitle", "words.srt")

    def state(caller: Signer) -> dict[str, Any]:
        ids = f"{first.public_id},nothing"
        return dict(caller.get("QueryUploadTaskInfo", {"JobIds": ids}, MEDIA).result["Data"])

    assert state(volc)["MediaInfoList"][0] | {"SourceInfo": 0} == {
        "JobId": first.public_id, "SourceUrl": first.source_url, "State": "processing", "Vid": "", "SourceInfo": 0,
    }  # fmt: skip
    assert state(volc)["NotExistJobIds"] == ["nothing"]
    assert state(stranger)["MediaInfoList"] == []
    Asset.objects.filter(pk=first.pk).update(status="stored", duration_ms=1500)
    assert (state(volc)["MediaInfoList"][0]["State"], state(volc)["MediaInfoList"][0]["Vid"]) == (
        "success",
        first.public_id,
    )
    Asset.objects.filter(pk=first.pk).update(status="failed")
    assert state(volc)["MediaInfoList"][0]["State"] == "failed"
    rows = [
        {"SourceUrl": "https://media.example.org/c", "FileExtension": ".vtt", "Title": "cut", "Category": "subtitle"}
    ]
    target = f"/?Action=UploadMediaByUrl&Version={MEDIA}"
    body = urlencode({"SpaceName": "test", "URLSets": json.dumps(rows)}).encode()
    headers = volc.headers("POST", target, body, Content_Type="application/x-www-form-urlencoded")
    formed = volc.send("POST", target, body, headers).result["Data"][0]["JobId"]
    kept = Asset.objects.get(public_id=formed)
    assert (kept.kind, kept.file_name) == ("subtitle", "cut.vtt")
    bad = volc.post("UploadMediaByUrl", {"SpaceName": "test", "URLSets": [{"SourceUrl": "http://10.0.0.1/x"}]}, MEDIA)
    assert bad.refusal == (400, "InvalidParameter", 0) and "URLSets" in str(bad.error)
