"""Azure's adapter under the contract of all adapters, and what is Azure's own: two versions, Entra, iterations, paging, texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from apps.jobs import services
from apps.jobs.models import Job, ProviderAccount
from apps.jobs.services.iterations import submit_iteration
from apps.jobs.services.vendor.work import plain_work
from apps.projects import storage
from apps.projects.links import read_link
from apps.providers.azure.webvtt import read_metadata
from tests.providers.azure.stub import KEY, SECRET, TOKEN, AzureStub
from tests.providers.contract import Failure, ProviderContract
from tests.providers.road import Road
from tests.providers.stub import FILE_OPERATION, StubVendor


def ends_with(reason: str, status: str = "Failed") -> Callable[[AzureStub], None]:
    """The work ends badly."""

    def arrange(vendor: AzureStub) -> None:
        vendor.finish, vendor.reason = status, reason

    return arrange


def refuses(target: str, message: str) -> Callable[[AzureStub], None]:
    """The order is refused."""

    def arrange(vendor: AzureStub) -> None:
        vendor.refuse = (400, "InvalidRequest", message, target)

    return arrange


def text_behind(link: str) -> str:
    """What our own signed link gives."""
    token = urlsplit(link).path.split("/")[2]
    with storage.open_key(read_link(token).storage_key) as stream:
        return stream.read().decode()


def last_input(vendor: AzureStub) -> dict[str, Any]:
    """Input of the newest iteration that was asked for."""
    found: dict[str, Any] = vendor.seen("CreateIteration")[-1].json()["input"]
    return found


class TestAzureContract(ProviderContract):
    """The road of a job at Azure, api-version 2026-03-01."""

    name, create, poll = "azure", "CreateTranslation", "GetOperation"
    order_fields: ClassVar[Mapping[str, Any]] = {"steps": ["subtitles", "voice"]}

    def make_vendor(self) -> StubVendor:
        return AzureStub()

    def account(self, vendor: StubVendor) -> Mapping[str, str]:
        return {"key": KEY, "api_version": "2026-03-01"}

    def works(self, vendor: Any) -> int:
        return len(vendor.translations)

    def succeed(self, vendor: Any) -> None:
        vendor.finish = "Succeeded"

    def failures(self) -> list[Failure]:
        reasons = {
            "The video file could not be downloaded.": 10901,
            "The input file has no audio stream.": 10002,
            "No speech was found in the audio.": 10042,
            "No recognized speech content.": 10041,
            "The file exceeds the maximum duration of 4 hours.": 10905,
            "Unsupported video file format.": 10904,
            "Personal voice consent is missing.": 10040,
            "The webvtt file is invalid.": 10034,
            "Something else went wrong.": 10908,
            "": 10908,
        }
        work = [Failure(reason or "no reason", ends_with(reason), code) for reason, code in reasons.items()]
        return [
            *work,
            Failure("canceled at the vendor", ends_with("", "Canceled"), 10908),
            Failure("locale refused", refuses("input.targetLocale", "Unsupported locale."), 10906),
            Failure("link refused", refuses("input.videoFileUrl", "Cannot access the blob."), 10901),
            Failure("refused", refuses("input.voiceKind", "No."), 10908),
        ]

    def reach_review(self, vendor: Any) -> None:
        vendor.finish = "Succeeded"

    def reviewed_text(self, vendor: Any) -> str:
        given = last_input(vendor)["webvttFile"]
        assert given["kind"] == "MetadataJson"
        text = text_behind(given["url"])
        read = read_metadata(text.encode(), source_language="en-US", target_locale="pt-BR")
        assert read.speakers["Speaker0"]["defaultSsmlProperties"]["voiceName"] == "pt-BR-AntonioNeural"
        return "\n".join(line.target for line in read.transcript.lines)

    def test_expired_links_are_asked_for_again(self, vendor: Any, road: Road) -> None:
        """The text's link and the film's: both are dead once, and both come again. (Some outputs are not links.)"""
        job = road.until_polled(road.order())
        vendor.plan(FILE_OPERATION, "expired_links", "", "expired_links")
        self.succeed(vendor)
        road.until(job, "completed")
        assert vendor.counts()[FILE_OPERATION] == 2 + 1 + 1 + 4, vendor.counts()

    # ---- Azure's own

    def test_the_whole_order_in_their_words(self, vendor: Any, road: Road) -> None:
        """Every option, sent once; the OpenAPI has judged it in the stub."""
        job = road.until_polled(
            road.order(
                title="Talk",
                steps=["subtitles", "voice", "lipsync"],
                speaker_count={"min": 3, "max": 3},
                voice={"kind": "personal", "emotion": "on", "lexicon_url": "https://media.example.com/l.xml", "background_volume": 60},
                subtitle_style={
                    "burn_in": True, "format": "ass", "font_size": 50, "primary_color": "#EBA205", "outline_color": "10101080",
                    "margin_v": 0.25, "max_lines": 2, "max_chars_per_line": 30,
                },
                timing={"adjust_video_speed": True},
                ocr_correction=True,
            )
        )  # fmt: skip
        (sent,) = vendor.seen("CreateTranslation")
        body = sent.json()
        link = body["input"].pop("videoFileUrl")
        assert link.startswith("https://portal.example.com/files/")
        assert body["displayName"] == "Talk"
        assert body["input"] == {
            "sourceLocale": "en-US", "targetLocale": "pt-BR", "voiceKind": "PersonalVoice", "speakerCount": 3,
            "enableLipSync": True, "subtitleMaxCharCountPerSegment": 60, "exportSubtitleInVideo": True,
            "autoCreateFirstIteration": True,
        }  # fmt: skip
        assert body["firstIterationInput"] == {
            "speakerCount": 3, "subtitleMaxCharCountPerSegment": 60, "exportSubtitleInVideo": True,
            "ttsCustomLexiconFileUrl": "https://media.example.com/l.xml", "enableVideoSpeedAdjustment": True,
            "enableOcrCorrectionFromSubtitle": True, "exportTargetLocaleAdvancedSubtitleFile": True,
            "subtitlePrimaryColor": "#EBA205", "subtitleOutlineColor": "10101080", "subtitleFontSize": 20,
            "enableEmotionalPlatformVoice": "Enable", "subtitleVerticalMargin": 72,
            "adjustBackgroundVolumeMultiplier": 0.6,
        }  # fmt: skip
        assert sent.headers["operation-id"] == f"{job.public_id}-1-t".lower()
        assert urlsplit(sent.target).path.endswith(f"/translations/{job.public_id}-1".lower())
        self.succeed(vendor)
        road.until(job, "completed")
        kinds = {(row.kind, row.format) for row in job.artefacts.all()}
        assert {("video", "mp4"), ("report", "json"), ("transcript", "json"), ("subtitle_target", "ass")} <= kinds
        both = {(f"subtitle_{side}", form) for side in ("source", "target") for form in ("vtt", "srt", "ttml")}
        assert both <= kinds

    def test_a_review_of_what_was_heard_is_translated_again(self, vendor: Any, road: Road) -> None:
        """Only the source is shown, and goes out as a plain subtitle of the source."""
        job = road.until_polled(road.order(review_after="recognize"))
        self.succeed(vendor)
        road.until(job, "paused")
        assert job.translation is not None
        row = job.translation.transcripts.get()
        assert [line["target"] for line in row.document["lines"]] == ["", ""]
        document = row.document | {"lines": [line | {"source": "Good evening."} for line in row.document["lines"]]}
        job.translation.transcripts.create(
            revision=2, origin="edited", source_language="en-US", document=document, line_count=2
        )
        services.resume_job(actor=road.actor, job=job)
        road.until_polled(job)
        given = last_input(vendor)["webvttFile"]
        assert given["kind"] == "SourceLocaleSubtitle"
        assert text_behind(given["url"]).count("Good evening.") == 2

    def test_an_iteration_goes_on_at_the_translation(self, vendor: Any, road: Road) -> None:
        """A later iteration sends the edited text to the same translation; forgetting it leaves what it built on."""
        job = road.until_polled(road.order())
        self.succeed(vendor)
        road.until(job, "completed")
        assert job.translation is not None
        row = job.translation.transcripts.get()
        lines = [line | {"target": "Boa noite."} for line in row.document["lines"]]
        edited = job.translation.transcripts.create(
            revision=2, origin="edited", source_language="en-US", document=row.document | {"lines": lines}, line_count=2
        )
        again = submit_iteration(actor=road.actor, translation=job.translation, revision=edited.revision)
        road.until(again, "completed")
        assert again.base_job == job and self.works(vendor) == 1
        given = last_input(vendor)["webvttFile"]
        assert given["kind"] == "MetadataJson" and text_behind(given["url"]).count("Boa noite.") == 2
        assert road.remote().forget_step(plain_work(again), road.account()) is None
        step = road.remote().forget_step(plain_work(Job.objects.get(pk=job.pk)), road.account())
        assert step is not None and step.operation == "DeleteTranslation"

    def test_version_2025(self, vendor: Any, road: Road) -> None:
        """The older version makes a translation first and an iteration after it."""
        ProviderAccount.objects.filter(pk=road.row.pk).update(values={"api_version": "2025-05-20"})
        vendor.plan("CreateIteration", "deaf")
        job = road.until_polled(road.order())
        for _ in range(6):
            road.turn(job)
        road.grow_old(job)
        self.succeed(vendor)
        road.until(job, "completed")
        (translation,) = vendor.translations.values()
        assert list(translation.iterations) == [f"{job.public_id}-1-i1".lower()]
        assert {request.query["api-version"][0] for request in vendor.requests if request.operation != "file"} == {
            "2025-05-20"
        }

    def test_version_2025_says_what_it_cannot_carry(self, vendor: Any, road: Road) -> None:
        """Named, and nothing is made."""
        ProviderAccount.objects.filter(pk=road.row.pk).update(values={"api_version": "2025-05-20"})
        job = road.order(voice={"background_volume": 60})
        assert self.failed_with(road, job) == 10908
        assert "voice.background_volume" in job.error and vendor.requests == []

    def test_entra(self, vendor: Any, road: Road) -> None:
        """A token instead of a key: asked for once, sent with each call."""
        from apps.jobs.services import accounts

        ProviderAccount.objects.filter(pk=road.row.pk).update(
            values={"tenant": "contoso.example", "client_id": "app-1", "authority": vendor.base},
            sealed=accounts.seal_secrets({"client_secret": SECRET}),
        )
        job = road.until_polled(road.order())
        self.succeed(vendor)
        for _ in range(8):
            if not vendor.seen("file"):
                road.poll(job)
        assert len(vendor.seen("GetToken")) == 1
        calls = [request for request in vendor.requests if request.operation not in ("GetToken", "file")]
        assert {request.headers.get("authorization") for request in calls} == {f"Bearer {TOKEN}"}
        files = vendor.seen("file")
        assert files and not any("authorization" in file.headers for file in files)

    def test_found_on_a_later_page(self, vendor: Any, road: Road) -> None:
        """The list is followed page by page on our endpoint, wherever its links point."""
        job = road.until_polled(road.order())
        vendor.page_size = 1
        own = vendor.translations.pop(f"{job.public_id}-1".lower())
        for name in ("aaa", "bbb"):
            vendor.translations[name] = own
        vendor.translations[f"{job.public_id}-1".lower()] = own
        remote, account = road.remote(), road.account()
        work = road.work(job)
        from dataclasses import replace

        from apps.jobs.services.vendor import calls

        work = replace(work, memo={})
        for _ in range(3):
            step = remote.find_step(work, "CreateTranslation", account)
            assert step is not None and step.request.url.startswith(vendor.base)
            verdict = remote.take_found(work, "CreateTranslation", calls.exchange(step.request))
            assert verdict is not None
            work = replace(work, memo=verdict.memo or work.memo)
        assert verdict.status == "working" and verdict.ref == f"{job.public_id}-1".lower()
