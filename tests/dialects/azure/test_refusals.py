"""Every refusal as Azure would say it: status, code, target, headers; and nothing is made or charged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import ApiKey, Membership, Organization
from apps.accounts.services import revoke_api_key
from apps.dialects.models import Resource
from apps.jobs.models import Job
from apps.plans.models import Hold, Plan, Subscription, Wallet
from tests.dialects.azure.conftest import INPUT, Azure, refused
from tests.factories import make_key, make_organization, owner_of

LINK = "https://media.example.com/a"


@pytest.fixture(autouse=True)
def nothing_is_made(db: None) -> Any:
    """Refusals leave no rows."""
    yield
    assert not Job.objects.exists() and not Hold.objects.exists()
    assert not Resource.objects.filter(kind__in=["iteration", "operation"]).exists()


TRANSLATION_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"targetLocale": None}, "input.targetLocale"),
    ({"targetLocale": "english"}, "input.targetLocale"),
    ({"targetLocale": "tlh-KL"}, "input.targetLocale"),
    ({"targetLocale": "es-ES"}, "input.targetLocale"),
    ({"sourceLocale": "x"}, "input.sourceLocale"),
    ({"sourceLocale": "tlh-KL"}, "input.sourceLocale"),
    ({"voiceKind": None}, "input.voiceKind"),
    ({"voiceKind": "Robot"}, "input.voiceKind"),
    ({"videoFileUrl": None}, "input.videoFileUrl"),
    ({"videoFileUrl": "file:///etc/passwd"}, "input.videoFileUrl"),
    ({"videoFileUrl": "http://127.0.0.1/v.mp4"}, "input.videoFileUrl"),
    ({"videoFileUrl": None, "audioFileUrl": "ftp://x.example.com/a.mp3"}, "input.audioFileUrl"),
    ({"audioFileUrl": LINK}, "input.audioFileUrl"),
    ({"speakerCount": 0}, "input.speakerCount"),
    ({"speakerCount": "two"}, "input.speakerCount"),
    ({"subtitleMaxCharCountPerSegment": 3}, "input.subtitleMaxCharCountPerSegment"),
    ({"inputFileSourceKind": "AzureStorageBlobManagedIdentity"}, "input.inputFileSourceKind"),
    (
        {"inputFileAzureStorageBlobManagedIdentityClientId": "4b9ccd1c-c751-4afa-a430-a49a5471fd68"},
        "input.inputFileAzureStorageBlobManagedIdentityClientId",
    ),
    ({"exportSubtitleInVideo": True, "videoFileUrl": None, "audioFileUrl": LINK}, "input.exportSubtitleInVideo"),
    ({"enableLipSync": True, "videoFileUrl": None, "audioFileUrl": LINK}, "input.enableLipSync"),
]


def test_translation_input(azure: Azure) -> None:
    """Each in the caller's own name, with and without the first iteration."""
    for changes, target in TRANSLATION_INPUT:
        refused(azure.translate(**changes), 400, "InvalidRequest", target)
    for changes, target in TRANSLATION_INPUT[::4]:
        refused(azure.translate(autoCreateFirstIteration=True, **changes), 400, "InvalidRequest", target)


ITERATION_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"speakerCount": 99}, "speakerCount"),
    ({"subtitleMaxCharCountPerSegment": 9999}, "subtitleMaxCharCountPerSegment"),
    ({"subtitleFontSize": 4}, "subtitleFontSize"),
    ({"subtitleFontSize": 31}, "subtitleFontSize"),
    ({"subtitlePrimaryColor": "red"}, "subtitlePrimaryColor"),
    ({"subtitleOutlineColor": "#12345"}, "subtitleOutlineColor"),
    ({"subtitleVerticalMargin": 201}, "subtitleVerticalMargin"),
    ({"adjustBackgroundVolumeMultiplier": 0}, "adjustBackgroundVolumeMultiplier"),
    ({"adjustBackgroundVolumeMultiplier": 1.5}, "adjustBackgroundVolumeMultiplier"),
    ({"enableEmotionalPlatformVoice": "Sometimes"}, "enableEmotionalPlatformVoice"),
    ({"ttsCustomLexiconFileUrl": "nowhere"}, "ttsCustomLexiconFileUrl"),
    (
        {"ttsCustomLexiconFileIdInAudioContentCreation": "4b9ccd1c-c751-4afa-a430-a49a5471fd68"},
        "ttsCustomLexiconFileIdInAudioContentCreation",
    ),
    ({"exportAdjustedPromptAudioInWebvtt": True}, "exportAdjustedPromptAudioInWebvtt"),
    ({"pushResultToAzureStorageBlobDirUrl": LINK}, "pushResultToAzureStorageBlobDirUrl"),
    ({"webvttFile": {"kind": "MetadataJson"}}, "webvttFile.url"),
    ({"webvttFile": {"url": LINK}}, "webvttFile.kind"),
    ({"webvttFile": {"url": LINK, "kind": "Srt"}}, "webvttFile.kind"),
    ({"enableVideoSpeedAdjustment": "yes"}, "enableVideoSpeedAdjustment"),
]


def test_iteration_input(azure: Azure) -> None:
    """Below input of PUT iteration, and below firstIterationInput of PUT translation."""
    for given, target in ITERATION_INPUT:
        body = {"input": INPUT | {"autoCreateFirstIteration": True}, "firstIterationInput": given}
        refused(azure.put("/translations/tr-1", body), 400, "InvalidRequest", f"firstIterationInput.{target}")
    azure.translate()
    for given, target in ITERATION_INPUT:
        body = {"input": given}
        refused(azure.put("/translations/tr-1/iterations/it-1", body), 400, "InvalidRequest", f"input.{target}")
    assert azure.call("DELETE", "/translations/tr-1").status_code == 204


def test_lip_sync_that_nobody_offers(azure: Azure, vendor_account: Any, settings: Any, tmp_path: Path) -> None:
    """Named; without an account at a vendor that has it, and without weights for our own, there is none."""
    vendor_account.delete()
    settings.ENGINE = settings.ENGINE | {"model_dir": str(tmp_path)}
    error = refused(azure.translate(enableLipSync=True), 400, "InvalidRequest")
    assert "input.enableLipSync" in {detail["target"] for detail in error["details"]}


def test_ids(azure: Azure) -> None:
    """The pattern of the document."""
    for name in ("ab", "-ab", "a" * 65):
        refused(azure.put(f"/translations/{name}", {"input": INPUT}), 400, "InvalidRequest", "translationId")


def test_operation_id_and_version(azure: Azure) -> None:
    """Both are required; what a version is called is told."""
    for wanted, given in (("api-version", ""), ("api-version", "2019-01-01")):
        refused(azure.get("/translations", version=given), 400, "InvalidRequest", wanted)
    refused(azure.call("PUT", "/translations/tr-1", {"input": INPUT}), 400, "InvalidRequest", "Operation-Id")
    refused(azure.put("/translations/tr-1", {"input": INPUT}, "x"), 400, "InvalidRequest", "Operation-Id")
    assert azure.get("/translations", version="2025-05-20").status_code == 200


def test_bodies(azure: Azure) -> None:
    """What is no document of the service is 400, never 500."""
    for body in (b"", b"{", b"[]", b'"x"', b'{"input": 3}', b'{"input": {}}', b"\xff\xfe", b"null"):
        refused(azure.put("/translations/tr-1", body), 400, "InvalidRequest")


def test_addresses(azure: Azure) -> None:
    """Below the prefix everything is answered in the service's shape."""
    refused(azure.get("/nothing/here"), 404, "NotFound")
    answer = azure.call("POST", "/translations")
    refused(answer, 405, "MethodNotAllowed")
    assert answer["Allow"] == "GET"
    refused(azure.get("/translations/never-was"), 404, "NotFound")
    refused(azure.get("/operations/never-was"), 404, "NotFound")
    refused(azure.put("/translations/never-was/iterations/it-1", {"input": {}}), 404, "NotFound")
    refused(azure.get("/configurations/event-hub"), 404, "NotFound")


class TestKeys:
    """Checks 1 to 5, 8 and 9 of DESIGN section 4, in the service's words."""

    def test_no_key_and_a_wrong_one(self, azure: Azure, db: None) -> None:
        for key in ("", "0123456789abcdef0123456789abcdef", "sk_00000000_aaaaaaaaaaaaaaaaaaaaaaaa"):
            answer = Azure(key).get("/translations")
            assert refused(answer, 401, "Unauthorized")["innererror"]["innererror"]["code"] == "7"
            assert answer["WWW-Authenticate"]

    def test_bearer_is_a_key_too(self, azure: Azure) -> None:
        answer = Client().get(
            "/videotranslation/translations?api-version=2026-03-01", headers={"Authorization": f"Bearer {azure.key}"}
        )
        assert answer.status_code == 200 and json.loads(answer.content) == {"value": []}

    def test_revoked(self, azure: Azure, organization: Organization) -> None:
        revoke_api_key(actor=owner_of(organization), key_id=ApiKey.objects.get().key_id)
        refused(azure.get("/translations"), 401, "Unauthorized")

    def test_no_subscription(self, azure: Azure, organization: Organization) -> None:
        Subscription.objects.filter(organization=organization).delete()
        refused(azure.get("/translations"), 403, "Forbidden")

    def test_scope(self, organization: Organization) -> None:
        reader = Azure(make_key(organization, ["jobs:read"])[1])
        assert reader.get("/translations").status_code == 200
        error = refused(reader.translate(), 403, "Forbidden")
        assert "jobs:write" in error["message"] and error["innererror"]["code"] == "PermissionMissing"
        refused(reader.call("DELETE", "/translations/tr-1"), 403, "Forbidden")

    def test_role(self, azure: Azure, organization: Organization) -> None:
        Membership.objects.filter(organization=organization).update(role="viewer")
        refused(azure.get("/translations"), 403, "Forbidden")

    def test_plan(self, db: None) -> None:
        organization = make_organization(plan="business", credits=100)
        key = make_key(organization)[1]
        Plan.objects.filter(code="business").update(api_access=False)
        refused(Azure(key).get("/translations"), 403, "Forbidden")

    def test_credits(self, azure: Azure, organization: Organization) -> None:
        Wallet.objects.filter(organization=organization).update(available=0)
        error = refused(azure.translate(autoCreateFirstIteration=True), 403, "QuotaExceeded")
        assert "credits" in error["message"]

    def test_concurrency(self, azure: Azure) -> None:
        Plan.objects.filter(code="business").update(translate_concurrency=0)
        answer = azure.translate(autoCreateFirstIteration=True)
        assert refused(answer, 429, "TooManyRequests")["innererror"]["code"] == "ConcurrencyLimitReached"
        assert int(answer["Retry-After"]) >= 1

    def test_rate(self, azure: Azure) -> None:
        Plan.objects.filter(code="business").update(requests_per_minute=1)
        answers = [azure.get("/translations") for _ in range(3)]
        last = answers[-1]
        refused(last, 429, "TooManyRequests")
        assert int(last["Retry-After"]) >= 1 and last["RateLimit"]
