"""Translations, iterations and operations as a program of Azure's sees them, from PUT to DELETE."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from apps.accounts.models import Organization
from apps.core import clock
from apps.dialects.azure import texts
from apps.dialects.azure.present import moment
from apps.dialects.models import Resource
from apps.engine.subtitles import Cue, read, write
from apps.jobs.models import Artefact, Job
from apps.jobs.services.routing import route
from apps.plans.models import Hold
from apps.plans.services import check_books
from apps.projects import storage
from apps.projects.models import Asset, Transcript
from apps.providers.azure import webvtt
from apps.providers.azure.wire import WebvttFile
from apps.providers.orders import TranslationOrder
from tests.dialects.azure.conftest import INPUT, Azure, fetched, finish, refused, text
from tests.factories import owner_of

OPTIONS: dict[str, Any] = {
    "speakerCount": 3,
    "subtitleMaxCharCountPerSegment": 80,
    "exportSubtitleInVideo": True,
    "ttsCustomLexiconFileUrl": "https://media.example.com/lexicon.xml",
    "enableVideoSpeedAdjustment": True,
    "enableOcrCorrectionFromSubtitle": True,
    "exportTargetLocaleAdvancedSubtitleFile": True,
    "subtitlePrimaryColor": "#EBA205",
    "subtitleOutlineColor": "101010ff",
    "subtitleFontSize": 20,
    "enableEmotionalPlatformVoice": "Enable",
    "subtitleVerticalMargin": 72,
    "adjustBackgroundVolumeMultiplier": 0.6,
}


def order_of(job: Job) -> TranslationOrder:
    """What was ordered."""
    return msgspec.convert(job.order, TranslationOrder)


def test_a_translation_alone_costs_nothing(azure: Azure) -> None:
    """PUT translation of 2025-05-20 makes a resource; the iteration is the paid job."""
    made = azure.translate("tr-1", "op-1-x")
    assert made.status_code == 201 and not Job.objects.exists() and not Hold.objects.exists()
    assert made["Operation-Id"] == "op-1-x"
    assert made["Operation-Location"] == "http://testserver/videotranslation/operations/op-1-x?api-version=2026-03-01"
    assert made.json()["input"] == INPUT and made.json()["status"] == "Succeeded"
    assert "latestIteration" not in made.json()
    assert azure.get("/operations/op-1-x").json() == {"id": "op-1-x", "status": "Succeeded"}
    started = azure.put("/translations/tr-1/iterations/it-1", {"input": {}, "description": "First"}, "op-2-x")
    assert started.status_code == 201 and started.json()["status"] == "NotStarted"
    assert started.json()["description"] == "First"
    job = Job.objects.get()
    assert (job.dialect, job.provider_ref) == ("azure", "") and job.hold is not None
    assert azure.get("/operations/op-2-x").json()["status"] == "NotStarted"
    Job.objects.update(stage="recognize")
    assert azure.get("/operations/op-2-x").json()["status"] == "Running"
    assert azure.get("/translations/tr-1").json()["latestIteration"]["id"] == "it-1"


def test_every_option_reaches_the_order(azure: Azure) -> None:
    """Translation's and iteration's input, each in its place."""
    body = {
        "displayName": "hello.mp4",
        "description": "A talk",
        "input": INPUT | {"voiceKind": "PersonalVoice", "enableLipSync": True, "autoCreateFirstIteration": True},
        "firstIterationInput": OPTIONS,
        "properties": {"timeToLiveInHours": 48},
    }
    made = azure.put("/translations/tr-1", body)
    assert made.status_code == 201, made.content
    order = order_of(Job.objects.get())
    assert (order.source_language, order.target_locales, order.media_type) == ("es-ES", ["en-US"], "video")
    assert order.steps == ["subtitles", "voice", "lipsync"] and order.title == "hello.mp4"
    assert (order.speaker_count.min, order.speaker_count.max) == (3, 3)
    voice, style = order.voice, order.subtitle_style
    assert (voice.kind, voice.emotion, voice.background_volume) == ("personal", "on", 60)
    assert voice.lexicon_url == OPTIONS["ttsCustomLexiconFileUrl"]
    assert (style.burn_in, style.format, style.font_size, style.margin_v) == (True, "ass", 50, 0.25)
    assert (style.primary_color, style.outline_color) == ("#EBA205", "101010ff")
    assert (style.max_lines, style.max_chars_per_line) == (2, 40)
    assert order.timing.adjust_video_speed and order.ocr_correction
    shown = azure.get("/translations/tr-1").json()
    assert shown["firstIterationInput"] == OPTIONS and shown["properties"] == {"timeToLiveInHours": 48}
    assert shown["latestIteration"]["id"] == "Initial" and shown["latestIteration"]["input"] == OPTIONS
    assert shown["expiresDateTime"] > shown["createdDateTime"]


def test_lip_sync_is_made_by_our_own_engine(azure: Azure, vendor_account: Any, model_dir: Any) -> None:
    """enableLipSync without an account at any vendor."""
    vendor_account.delete()
    job = azure.ordered(enableLipSync=True, sourceLocale="en-US", targetLocale="pt-BR")
    assert order_of(job).steps == ["subtitles", "voice", "lipsync"]
    assert route(job).name == "local"
    assert azure.get("/translations/tr-1").json()["input"]["enableLipSync"] is True


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"sourceLocale": None}, {"source_language": "auto"}),
        ({"videoFileUrl": None, "audioFileUrl": "https://media.example.com/a.mp3"}, {"media_type": "audio"}),
        ({"targetLocale": "pt-PT"}, {"target_locales": ["pt-PT"]}),
        ({"somethingNew": {"a": 1}, "enableLipSync": False}, {"steps": ["subtitles", "voice"]}),
    ],
)
def test_nulls_and_unknown_fields(azure: Azure, given: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Optional things may be left out, be null or be of tomorrow."""
    order = order_of(azure.ordered(**given))
    for name, value in wanted.items():
        assert getattr(order, name) == value


def test_the_same_put_again(azure: Azure) -> None:
    """Same body and Operation-Id: the same answer, nothing more is paid. Anything else with that id: 409."""
    first = azure.translate("tr-1", "op-1-x", autoCreateFirstIteration=True)
    again = azure.translate("tr-1", "op-1-x", autoCreateFirstIteration=True)
    assert (first.status_code, again.status_code) == (201, 200) and again.json() == first.json()
    assert again["Operation-Location"] == first["Operation-Location"]
    refused(azure.translate("tr-1", "op-2-x", autoCreateFirstIteration=True), 409, "Conflict", "translationId")
    refused(azure.translate("tr-1", "op-1-x", targetLocale="fr-FR"), 409, "Conflict", "translationId")
    refused(azure.translate("tr-2", "op-1-x", autoCreateFirstIteration=True), 409, "Conflict", "Operation-Id")
    assert Job.objects.count() == 1 and Resource.objects.filter(kind="translation").count() == 1
    azure.translate("tr-3")
    body: dict[str, Any] = {"input": {"speakerCount": 2}}
    assert azure.put("/translations/tr-3/iterations/it-1", body, "op-3-x").status_code == 201
    assert azure.put("/translations/tr-3/iterations/it-1", body, "op-3-x").status_code == 200
    other: dict[str, Any] = {"input": {"speakerCount": 1}}
    refused(azure.put("/translations/tr-3/iterations/it-1", other, "op-3-x"), 409, "Conflict", "iterationId")
    refused(azure.put("/translations/tr-3/iterations/it-2", body, "op-4-x"), 409, "Conflict")
    assert Job.objects.count() == 2 and check_books() == []


def test_results(azure: Azure) -> None:
    """Links to every file; the metadata file is made of the transcript once, and read back is the same text."""
    job = finish(azure.ordered())
    shown = azure.get("/translations/tr-1").json()
    assert shown["status"] == "Succeeded" and shown["latestSucceededIteration"] == shown["latestIteration"]
    result = azure.get("/translations/tr-1/iterations/Initial").json()["result"]
    assert set(result) == {
        "translatedVideoFileUrl", "sourceLocaleSubtitleWebvttFileUrl", "targetLocaleSubtitleWebvttFileUrl",
        "metadataJsonWebvttFileUrl", "reportFileUrl",
    }  # fmt: skip
    assert fetched(azure.client, result["translatedVideoFileUrl"]) == b"video"
    written = fetched(azure.client, result["metadataJsonWebvttFileUrl"])
    read = webvtt.read_metadata(written, source_language="es-ES", target_locale="en-US", duration=10.0)
    assert webvtt.merged(read.transcript, text()) == text() and read.genders == {"s1": "Female"}
    assert Artefact.objects.filter(job=job, kind="transcript", format="vtt").count() == 1


def test_ass_only_when_asked(azure: Azure) -> None:
    """exportTargetLocaleAdvancedSubtitleFile adds its link."""
    azure.translate()
    body = {"input": {"exportTargetLocaleAdvancedSubtitleFile": True}}
    assert azure.put("/translations/tr-1/iterations/it-1", body).status_code == 201
    finish(Job.objects.get())
    result = azure.get("/translations/tr-1/iterations/it-1").json()["result"]
    assert b"[Script Info]" in fetched(azure.client, result["targetLocaleAdvancedSubtitleFileUrl"])


@pytest.mark.parametrize(("status", "word"), [("failed", "Failed"), ("canceled", "Canceled")])
def test_bad_ends(azure: Azure, status: str, word: str) -> None:
    """The reason is told where the service tells it, with our number."""
    finish(azure.ordered(), status=status, error_code=10042, error="Nobody speaks.")
    shown = azure.get("/translations/tr-1").json()
    assert shown["status"] == shown["latestIteration"]["status"] == word
    assert shown["failureReason"] == shown["latestIteration"]["failureReason"] == "Nobody speaks. (10042)"
    assert "latestSucceededIteration" not in shown and "result" not in shown["latestIteration"]
    # A translation whose iterations all failed starts again without a text.
    assert azure.put("/translations/tr-1/iterations/again", {"input": {}}).status_code == 201


def test_results_past_their_retention(azure: Azure) -> None:
    """Files that are gone are not linked; the iteration is still there."""
    job = finish(azure.ordered())
    for artefact in job.artefacts.all():
        storage.delete(artefact.storage_key)
        artefact.delete()
    assert azure.get("/translations/tr-1/iterations/Initial").json()["result"] == {}


def test_deleted(azure: Azure) -> None:
    """204; running work is canceled and paid back, results and source are removed, ids are free again; a second DELETE is 204 too."""
    done = finish(azure.ordered("tr-1"))
    keys = [artefact.storage_key for artefact in done.artefacts.all()]
    running = azure.ordered("tr-2")
    for name in ("tr-1", "tr-2", "tr-2", "never-was"):
        assert azure.call("DELETE", f"/translations/{name}").status_code == 204
    running.refresh_from_db()
    assert running.status == "canceled" and running.hold is not None and running.hold.status == "released"
    assert not any(storage.exists(key) for key in keys) and not done.artefacts.exists()
    assert done.translation is not None
    done.translation.project.source_asset.refresh_from_db()
    assert done.translation.project.source_asset.status == "deleted"
    assert not Resource.objects.exists() and check_books() == []
    refused(azure.get("/translations/tr-1"), 404, "NotFound")
    assert azure.translate("tr-1").status_code == 201


def test_time_to_live(azure: Azure) -> None:
    """After its hours a translation is not there any more: not to be read, not in the list, and removed when looked for."""
    job = finish(azure.ordered("tr-1"))
    azure.put("/translations/tr-2", {"input": INPUT, "properties": {"timeToLiveInHours": 1}})
    row = Resource.objects.get(kind="translation", external_id="tr-1")
    row.data["expires"] = moment(clock.now() - timedelta(minutes=1))
    row.save()
    assert [found["id"] for found in azure.get("/translations").json()["value"]] == ["tr-2"]
    refused(azure.get("/translations/tr-1"), 404, "NotFound")
    refused(azure.get("/translations/tr-1/iterations/Initial"), 404, "NotFound")
    assert not job.artefacts.exists()


def test_lists(azure: Azure, django_assert_max_num_queries: Any) -> None:
    """Pages by nextLink (and @nextLink), each row once; top and skip are kept; parameters in any case."""
    for number in range(5):
        azure.translate(f"tr-{number}", autoCreateFirstIteration=number == 4)
    seen: list[str] = []
    path = "/translations?maxPageSize=2"
    while path:
        page = azure.get(path, version="2026-03-01") if "api-version" not in path else azure.call("GET", path)
        body = page.json()
        seen += [row["id"] for row in body["value"]]
        assert body.get("nextLink") == body.get("@nextLink")
        link = body.get("nextLink", "")
        assert not link or link.startswith("http://testserver/videotranslation/translations?")
        path = link.removeprefix("http://testserver/videotranslation").replace("&api-version=2026-03-01", "")
    assert seen == ["tr-4", "tr-3", "tr-2", "tr-1", "tr-0"]
    assert [row["id"] for row in azure.get("/translations?skip=1&top=2").json()["value"]] == ["tr-3", "tr-2"]
    refused(azure.get("/translations?skip=-1"), 400, "InvalidRequest", "skip")
    with django_assert_max_num_queries(12):
        azure.get("/translations")
    listed = azure.get("/translations/tr-4/iterations").json()["value"]
    assert [row["id"] for row in listed] == ["Initial"]


def test_a_stranger_finds_nothing(azure: Azure, stranger: Azure) -> None:
    """Another organization's ids do not exist, and may be used by it."""
    azure.translate("tr-1", "op-1-x", autoCreateFirstIteration=True)
    for path in (
        "/translations/tr-1",
        "/translations/tr-1/iterations",
        "/translations/tr-1/iterations/Initial",
        "/operations/op-1-x",
    ):
        refused(stranger.get(path), 404, "NotFound")
    refused(stranger.put("/translations/tr-1/iterations/it-2", {"input": {}}), 404, "NotFound")
    assert stranger.get("/translations").json()["value"] == []
    assert stranger.call("DELETE", "/translations/tr-1").status_code == 204
    assert azure.get("/translations/tr-1").status_code == 200
    assert stranger.translate("tr-1", "op-1-x").status_code == 201


class TestLaterIterations:
    """The second iteration and those after it need a text."""

    @pytest.fixture
    def link(self, settings: Any) -> Any:
        """Publishes bytes on loopback; the link."""
        from tests.providers.stub import StubVendor

        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        with StubVendor() as files:
            yield lambda body: files.publish("text.vtt", body, "text/vtt")

    def again(self, azure: Azure, url: str, kind: str, **more: Any) -> Any:
        body = {"input": {"webvttFile": {"url": url, "kind": kind}, **more}}
        return azure.put("/translations/tr-1/iterations/it-2", body)

    def test_metadata(self, azure: Azure, link: Any) -> None:
        """The edited metadata file becomes a revision, and an iteration of ours renders it; its result is the latest."""
        first = finish(azure.ordered())
        edited = text()
        edited.lines[1].target = "See you."
        answer = self.again(
            azure, link(webvtt.write_metadata(edited).encode()), "MetadataJson", exportSubtitleInVideo=True
        )
        assert answer.status_code == 201, answer.content
        job = Job.objects.latest("pk")
        assert job.base_job == first and job.iteration == 2 and job.dialect == "azure"
        row = Transcript.objects.get(translation=job.translation, revision=job.reviewed_revision)
        assert row.origin == "edited" and row.document["lines"][1]["target"] == "See you."
        assert row.document["speakers"] == [msgspec.to_builtins(text().speakers[0])]
        assert order_of(job).subtitle_style.burn_in
        shown = azure.get("/translations/tr-1").json()
        assert (shown["latestIteration"]["id"], shown["latestSucceededIteration"]["id"]) == ("it-2", "Initial")
        refused(self.again(azure, "https://x.example.com/a.vtt", "MetadataJson"), 409, "Conflict")
        finish(job, edited)
        written = azure.get("/translations/tr-1/iterations/it-2").json()["result"]["metadataJsonWebvttFileUrl"]
        assert b"See you." in fetched(azure.client, written)

    def test_target_subtitle(self, azure: Azure, link: Any) -> None:
        """A plain file of the target: each cue's text goes to the line whose time it meets."""
        finish(azure.ordered())
        cues = [Cue(0.6, 1.2, "Hi"), Cue(1.2, 1.9, "everybody."), Cue(2.6, 4.0, "Bye.")]
        plain = write(cues, "vtt").encode()
        answer = self.again(azure, link(plain), "TargetLocaleSubtitle")
        assert answer.status_code == 201, answer.content
        row = Transcript.objects.filter(origin="edited").get()
        assert [line["target"] for line in row.document["lines"]] == ["Hi everybody.", "Bye."]

    def test_source_subtitle(self, azure: Azure, link: Any) -> None:
        """A new source text is translated anew: an order of its own on the same source."""
        first = finish(azure.ordered())
        assert first.translation is not None
        url = link(b"WEBVTT\n\n00:00:00.600 --> 00:00:01.200\nHola.\n")
        assert self.again(azure, url, "SourceLocaleSubtitle").status_code == 201
        job = Job.objects.latest("pk")
        order = order_of(job)
        assert order.subtitle is not None and (order.subtitle.url, order.subtitle.usage) == (url, "original")
        assert job.translation == first.translation and job.iteration == 2 and job.base_job is None

    def test_first_iteration_from_metadata(self, azure: Azure, organization: Organization, link: Any) -> None:
        """The first one may start from a text too: both languages of a metadata file are given to the order."""
        url = link(webvtt.write_metadata(text()).encode())
        azure.translate()
        given = texts.given_subtitle(owner_of(organization), WebvttFile(url=url, kind="MetadataJson"), "en-US", "input")
        assert given["subtitle"]["usage"] == "bilingual"
        asset = Asset.objects.get(public_id=given["subtitle"]["asset"], kind="subtitle")
        with storage.open_key(asset.storage_key) as stream:
            assert [cue.text for cue in read(stream.read())] == ["Hello, all.\nHola --> todos.", "Good bye.\nAdiós."]
        body = {"input": {"webvttFile": {"url": url, "kind": "TargetLocaleSubtitle"}}}
        assert azure.put("/translations/tr-1/iterations/it-1", body).status_code == 201
        order = order_of(Job.objects.get())
        assert order.subtitle_source == "file" and order.subtitle is not None
        assert (order.subtitle.url, order.subtitle.usage) == (url, "final_translated")

    @pytest.mark.parametrize(
        ("body", "target"),
        [
            (b"WEBVTT\n\n00:00.500 --> 00:01.000\n{not json}\n", "input.webvttFile"),
            (b"not a subtitle file", "input.webvttFile"),
            (None, "input.webvttFile.url"),
        ],
    )
    def test_a_text_that_cannot_be_used(self, azure: Azure, link: Any, body: bytes | None, target: str) -> None:
        """Named, and nothing is made."""
        finish(azure.ordered())
        url = link(body) if body is not None else link(b"x").rpartition("/")[0].replace("/1", "/99") + "/text.vtt"
        refused(self.again(azure, url, "MetadataJson"), 400, "InvalidRequest", target)
        refused(
            azure.put("/translations/tr-1/iterations/it-2", {"input": {}}), 400, "InvalidRequest", "input.webvttFile"
        )
        assert Job.objects.count() == 1 and Transcript.objects.count() == 1
