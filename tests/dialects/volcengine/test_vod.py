"""VOD AI translation: submitted, suspended, edited, continued, refreshed, listed; files and text as its documents say."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.actor import Actor
from apps.core import clock
from apps.engine.transcript import Line
from apps.engine.transcript import Transcript as Document
from apps.jobs import services
from apps.jobs.models import Job
from apps.jobs.services.routing import route
from apps.plans.models import Plan, Wallet
from apps.plans.services import check_books
from apps.projects.models import Asset, Project, Transcript
from apps.projects.services import save_revision
from tests.dialects.volcengine.conftest import VOD, Signer, order

pytestmark = pytest.mark.django_db
# The engine's runs commit as real workers do.
real = pytest.mark.django_db(transaction=True)
ALL = "Speakers,SourceUtterances,SourceTracks,SourceClips,TargetUtterances,TargetTracks,TargetClips,BackgroundClip"


def submitted(volc: Signer, **changes: Any) -> str:
    return str(volc.post("SubmitAITranslationWorkflow", order(**changes)).result["ProjectBaseInfo"]["ProjectId"])


def run(project: str) -> Job:
    """The engine does the newest job of a project."""
    job = Job.objects.filter(translation__public_id=project).order_by("-id")[0]
    services.advance(job.public_id)
    assert services.run_engine(job.public_id)
    job.refresh_from_db()
    return job


def info(volc: Signer, project: str, additions: str = "", space: str = "test") -> dict[str, Any]:
    fields = {"SpaceName": space, "ProjectId": project, "Additions": additions}
    return dict(volc.post("GetAITranslationProject", fields).result["ProjectInfo"])


def fetched(file: dict[str, Any]) -> bytes:
    parts = urlsplit(file["Url"])
    assert parts.scheme == "http"
    return b"".join(Client().get(parts.path).streaming_content)  # type: ignore[attr-defined]


@real
@pytest.mark.engine
def test_from_submit_to_an_edited_export(volc: Signer, files: dict[str, Asset]) -> None:
    project = submitted(volc)
    job = Job.objects.get(translation__public_id=project)
    assert (job.dialect, job.provider) == ("volcengine", "") and job.translation is not None
    assert job.translation.project.folder == "test"
    before = info(volc, project, ALL)
    assert (before["Status"], before["TargetUtterances"], before["ProjectVersion"]) == ("InProcessing", [], "v1-0")
    assert before["SourceBlueprints"][0]["Language"] == "en" and before["TargetBlueprints"][0]["Language"] == "pt"
    assert before["InputVideo"]["Vid"] == files["clip.mp4"].public_id and "OutputVideo" not in before
    assert before["OperatorConfig"]["SubtitleRecognitionConfig"]["RecognitionType"] == "BilingualSubtitleFile"
    assert before["CreatedAt"].isdigit() and before["TranslationTypeList"] == ["SubtitleTranslation"]

    job = run(project)
    assert (job.status, job.error) == ("completed", "")
    done = info(volc, project, ALL)
    assert done["Status"] == "ProcessSucceed"
    assert done["OutputVideo"]["DurationSecond"] == pytest.approx(3.0, abs=0.2) and not done["OutputVideo"]["IsAudio"]
    assert fetched(done["OutputVideo"])[4:8] == b"ftyp"
    assert b"Vamos come" in fetched(done["OutputSubtitle"]) and fetched(done["OutputSubtitle"])[:6] == b"WEBVTT"
    assert b"Let us begin" in fetched(done["InputSubtitle"])
    source, target = done["SourceUtterances"], done["TargetUtterances"]
    assert [row["Text"] for row in source] == ["Good morning everyone and thank you.", "Let us begin right now."]
    assert [row["SourceId"] for row in target] == [row["Id"] for row in source]
    clips = {clip["Id"]: clip for clip in done["TargetClips"]}
    assert clips[target[1]["ClipId"]]["Trim"] == {"Start": 1600, "End": 2800}
    assert {clip["TrackId"] for clip in clips.values()} <= {track["Id"] for track in done["TargetTracks"]}

    update = {
        "SpaceName": "test",
        "ProjectId": project,
        "UpdateType": "Utterances",
        "Utterances": [
            {"Id": target[1]["Id"], "Text": "Comecemos já.", "Trim": {"Start": 1700, "End": 2900}, "Volume": 100},
            {"Id": source[0]["Id"], "Text": "Good morning, all."},
        ],
    }
    version = volc.post("UpdateAITranslationUtterances", update).result["ProjectBaseInfo"]["ProjectVersion"]
    assert version != done["ProjectVersion"]
    edited = info(volc, project, "TargetUtterances,SourceUtterances,TargetClips")
    assert edited["ProjectVersion"] == version and "Speakers" not in edited
    assert edited["TargetUtterances"][1]["Text"] == "Comecemos já."
    assert edited["SourceUtterances"][0]["Text"] == "Good morning, all."
    assert edited["TargetClips"][1]["Trim"] == {"Start": 1700, "End": 2900}

    refresh = {"SpaceName": "test", "ProjectId": project, "RefreshType": "whole"}
    base = volc.post("RefreshAITranslationProject", refresh).result["ProjectBaseInfo"]
    assert base["ProjectId"] == project and base["ProjectVersion"].startswith("v2-")
    assert volc.post("RefreshAITranslationProject", refresh).result["ProjectBaseInfo"] == base, "asked twice, done once"
    exporting = info(volc, project)
    assert exporting["Status"] == "InExporting" and exporting["OutputVideo"]["Vid"] == done["OutputVideo"]["Vid"]
    job = run(project)
    assert (job.iteration, job.status, job.error, job.dialect) == (2, "completed", "", "volcengine")
    last = info(volc, project)
    assert last["Status"] == "ExportSucceed" and last["OutputVideo"]["Vid"] != done["OutputVideo"]["Vid"]
    assert "Comecemos já.".encode() in fetched(last["OutputSubtitle"])
    assert Job.objects.count() == 2 and check_books() == []


@real
@pytest.mark.engine
def test_a_suspended_project_is_edited_and_continued(volc: Signer, files: dict[str, Asset]) -> None:
    """After recognition; test_sdks.py does the same after translation."""
    project = submitted(volc, ProcessConfig={"SuspensionStageList": ["SubtitleRecognition"]})
    there = {"SpaceName": "test", "ProjectId": project}
    early = volc.post("ContinueAITranslationWorkflow", there)
    assert early.refusal == (409, "InvalidStatus", 0), "it is not suspended yet"
    refused = volc.post(
        "UpdateAITranslationUtterances", there | {"UpdateType": "Utterances", "Utterances": [{"Id": "x"}]}
    )
    assert refused.refusal == (409, "InvalidStatus", 0)
    assert run(project).status == "paused"
    shown = info(volc, project, "TargetUtterances,SourceUtterances")
    assert shown["Status"] == "ProcessSuspended" and len(shown["SourceUtterances"]) == 2
    change = {"Id": shown["TargetUtterances"][0]["Id"], "Text": "Boa noite a todos."}
    volc.post("UpdateAITranslationUtterances", there | {"UpdateType": "Utterances", "Utterances": [change]}).result  # noqa: B018
    refresh = volc.post("RefreshAITranslationProject", there | {"RefreshType": "whole"})
    assert refresh.refusal == (409, "InvalidStatus", 0)
    going = volc.post("ContinueAITranslationWorkflow", there).result["ProjectBaseInfo"]
    again = volc.post("ContinueAITranslationWorkflow", there).result["ProjectBaseInfo"]
    assert going["ProjectId"] == again["ProjectId"] == project
    job = run(project)
    assert (job.status, job.error, job.iteration) == ("completed", "", 1)
    assert check_books() == []


def finished(volc: Signer) -> str:
    """A project that ended, with the two lines of both.srt; no engine needed."""
    project = submitted(volc)
    job = Job.objects.get(translation__public_id=project)
    texts = [
        (0.2, 1.4, "Good morning everyone and thank you.", "Bom dia a todos e muito obrigado."),
        (1.6, 2.8, "Let us begin right now.", "Vamos começar agora mesmo."),
    ]
    lines = [
        {"id": f"l{place}", "start": start, "end": end, "source": source, "target": target}
        for place, (start, end, source, target) in enumerate(texts)
    ]
    document = {"source_language": "en-US", "target_locale": "pt-BR", "duration": 3.0, "speakers": [], "lines": lines}
    Transcript.objects.create(
        translation=job.translation, revision=1, origin="translated", source_language="en-US", document=document
    )
    Job.objects.filter(pk=job.pk).update(status="completed", stage="done", provider="local", finished_at=clock.now())
    return project


def test_whole_files_utterances_and_speakers(volc: Signer, files: dict[str, Asset]) -> None:
    project = finished(volc)
    there = {"SpaceName": "test", "ProjectId": project}

    def texts() -> list[tuple[str, str]]:
        shown = info(volc, project, "SourceUtterances,TargetUtterances")
        return [
            (one["Text"], other["Text"])
            for one, other in zip(shown["SourceUtterances"], shown["TargetUtterances"], strict=True)
        ]

    def update(kind: str, **fields: Any) -> Any:
        return volc.post("UpdateAITranslationUtterances", there | {"UpdateType": kind} | fields)

    update("OutputSubtitleFile", OutputSubtitleFileName="target.srt").result  # noqa: B018
    assert texts() == [
        ("Good morning everyone and thank you.", "Bom dia a todos."),
        ("Let us begin right now.", "Vamos começar."),
    ]
    update("InputSubtitleFile", InputSubtitleFileName=files["source.srt"].public_id).result  # noqa: B018
    assert texts() == [("Good morning everyone.", "Bom dia a todos."), ("Let us begin.", "Vamos começar.")]
    update("BilingualSubtitleFile", BilingualSubtitleFileName="both.srt").result  # noqa: B018
    assert texts()[1] == ("Let us begin right now.", "Vamos começar agora mesmo.")
    assert update("InputSubtitleFile").refusal == (400, "MissingParameter", 100002)
    assert update("Everything").refusal == (400, "InvalidParameter", 0)
    nothing = update("InputSubtitleFile", InputSubtitleFileName="nothing.srt")
    assert nothing.refusal == (400, "InvalidParameter", 0) and "InputSubtitleFileName" in str(nothing.error)
    wrong = update("Utterances", Utterances=[{"Id": "tgt-nothing", "Text": "x"}])
    assert wrong.refusal == (400, "InvalidParameter", 0) and "Utterances.0.Id" in str(wrong.error)
    first = info(volc, project, "TargetUtterances")["TargetUtterances"][0]["Id"]
    for bad, field in (
        ({"Id": first, "Volume": 50}, "Volume"),
        ({"Id": first, "SpeakerId": "nobody"}, "SpeakerId"),
        ({"Id": first, "Trim": {"Start": 900, "End": 100}}, "Trim"),
        ({"Id": first, "Text": "x" * 6000}, "Utterances"),
    ):
        answer = update("Utterances", Utterances=[bad])
        assert answer.refusal == (400, "InvalidParameter", 0) and field in str(answer.error)

    voices = volc.get(
        "ListAITranslationSpeech", {"SpaceName": "test", "Language": "pt", "SpeechTypeFilter": "PresetSpeech"}
    )
    voice = voices.result["PresetSpeeches"][0]["Voice"]
    made = volc.post("CreateAITranslationSpeaker", there | {"SpeakerName": "Ana", "Voice": voice}).result["Speaker"]
    assert made["Name"] == "Ana" and made["Voice"] == voice
    taken = volc.post("CreateAITranslationSpeaker", there | {"SpeakerName": "Ana", "Voice": voice})
    assert taken.refusal == (400, "InvalidParameter", 0)
    unknown = volc.post("CreateAITranslationSpeaker", there | {"SpeakerName": "Eva", "Voice": "zh_male_bigtts"})
    assert unknown.refusal == (400, "InvalidParameter", 0) and "Voice" in str(unknown.error)
    line = volc.post(
        "CreateAITranslationUtterance", there | {"StartTime": 2800, "EndTime": 2950, "SpeakerId": made["Id"]}
    )
    new = line.result["TargetUtterance"]
    assert line.result["SourceClip"]["Trim"] == {"Start": 2800, "End": 2950}
    update("Utterances", Utterances=[{"Id": new["Id"], "Text": "Fim."}]).result  # noqa: B018
    volc.post("UpdateAITranslationSpeakers", there | {"Speakers": [{"Id": made["Id"], "SpeakerName": "Bea"}]}).result  # noqa: B018
    shown = info(volc, project, "Speakers,TargetUtterances")
    assert [row["Name"] for row in shown["Speakers"] if row["Id"] == made["Id"]] == ["Bea"]
    assert shown["TargetUtterances"][-1] | {"Id": ""} == new | {"Id": "", "Text": "Fim."}
    row = Transcript.objects.filter(translation__public_id=project)[0]
    assert row.document["lines"][-1]["voice"] == voice
    volc.post("RemoveAITranslationUtterance", there | {"UtteranceId": new["Id"]}).result  # noqa: B018
    assert len(texts()) == 2
    gone = volc.post("RemoveAITranslationUtterance", there | {"UtteranceId": new["Id"]})
    assert gone.refusal == (404, "ResourceNotFound", 0)

    def configure(**process: bool) -> Any:
        fields = {"UpdateConfigType": "ProcessConfig", "ProcessConfig": process}
        return volc.post("UpdateAITranslationProjectConfig", there | fields)

    assert configure(DisableSmartSubtitleRewrite=True).body.keys() == {"ResponseMetadata"}
    for name, value in (("DisableSubtitlePunctSplit", True), ("DisableSmartSubtitleRewrite", False)):
        answer = configure(**{name: value})  # not by this engine
        assert answer.refusal == (400, "InvalidParameter", 0) and name in str(answer.error)
    volc.post("RefreshAITranslationProject", there | {"RefreshType": "whole"}).result  # noqa: B018
    job = Job.objects.filter(translation__public_id=project).order_by("-id")[0]
    assert job.iteration == 2 and job.order["timing"]["rewrite"] is False
    assert volc.post("RefreshAITranslationProject", there | {"RefreshType": "part"}).refusal[1] == "InvalidParameter"


def test_an_order_keeps_every_parameter(volc: Signer, files: dict[str, Asset]) -> None:
    termbase = volc.post(
        "CreateAITermbase",
        {"SpaceName": "test", "Name": "W", "Scenario": "AITranslation", "SourceLanguage": "en", "TargetLanguage": "pt"},
    ).result["Termbase"]["Id"]
    project = submitted(
        volc,
        TranslationConfig={
            "SourceLanguage": "en",
            "TargetLanguage": "pt",
            "TranslationTypeList": ["SubtitleTranslation", "VoiceTranslation"],
            "TermbaseConfig": {"TranslationTermbaseIds": [termbase]},
        },
        OperatorConfig={
            "SubtitleRecognitionConfig": {
                "RecognitionType": "SourceAndTargetSubtitleFile",
                "SourceSubtitleFileName": "source.srt",
                "TargetSubtitleFileName": "target.srt",
            },
            "VoiceCloneConfig": {"BackgroundVolume": 40},
        },
        SubtitleConfig={
            "IsHardSubtitle": True, "IsEraseSource": True, "FontSize": 24, "MarginL": 0.1, "MarginR": 0, "MarginV": 0.2, "ShowLines": 2,
        },
        ProcessConfig={
            "SuspensionStageList": ["SubtitleTranslation"], "DisableCloneVoiceByScene": True, "DisableSubtitlePunctSplit": True,
            "DisableSmartSubtitleRewrite": True,
        },
    )  # fmt: skip
    kept = Job.objects.get(translation__public_id=project).order
    assert (kept["source_language"], kept["target_locales"], kept["steps"]) == (
        "en-US",
        ["pt-BR"],
        ["subtitles", "voice"],
    )
    assert kept["glossaries"] == [termbase] and kept["review_after"] == "translate"
    assert kept["voice"]["background_volume"] == 40 and kept["timing"]["punctuation_split"] is False
    style = kept["subtitle_style"]
    assert (style["burn_in"], style["erase_source"], style["font_size"], style["max_lines"]) == (True, True, 24, 2)
    assert (style["margin_l"], style["margin_r"], style["margin_v"]) == (0.1, 0, 0.2)
    assert kept["ocr_text_box"]["y"] == 0.5
    assert kept["subtitle"]["usage"] == "bilingual"
    merged = Asset.objects.get(public_id=kept["subtitle"]["asset"])
    assert merged.file_name == "source+target.srt"
    shown = info(volc, project)
    assert shown["TranslationTypeList"] == ["SubtitleTranslation", "VoiceTranslation"]
    (listed,) = volc.get("ListAITranslationProject", {"SpaceName": "test"}).result["Projects"]
    assert listed["SubtitleConfig"] == {
        "IsHardSubtitle": True, "IsEraseSource": True, "FontSize": 24, "MarginL": 0.1, "MarginR": 0, "MarginV": 0.2, "ShowLines": 2,
    }  # fmt: skip


def test_faces_are_translated_by_our_own_engine(volc: Signer, files: dict[str, Asset], model_dir: Any) -> None:
    """FacialTranslation is a step like the others, and each said line of the target tells it."""
    types = ["SubtitleTranslation", "VoiceTranslation", "FacialTranslation"]
    project = submitted(volc, **config(TranslationTypeList=types))
    job = Job.objects.get(translation__public_id=project)
    assert job.order["steps"] == ["subtitles", "voice", "lipsync"] and route(job).name == "local"
    assert job.translation is not None
    line = Line(id="l1", start=0.2, end=1.4, source="Good morning.", target="Bom dia.", speaker="s1")
    text = Document(source_language="en-US", target_locale="pt-BR", duration=3.0, speakers=[], lines=[line])
    save_revision(actor=None, translation=job.translation, document=text, origin=Transcript.Origin.TRANSLATED)
    shown = info(volc, project, "SourceUtterances,TargetUtterances")
    assert shown["TranslationTypeList"] == types
    said = [shown[f"{side}Utterances"][0]["IsFacialTranslation"] for side in ("Source", "Target")]
    assert said == [False, True]


def config(**changes: Any) -> dict[str, Any]:
    return {"TranslationConfig": order()["TranslationConfig"] | changes}


def recognition(**fields: Any) -> dict[str, Any]:
    return {"OperatorConfig": {"SubtitleRecognitionConfig": fields}}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"Vid": "nothing.mp4"}, "InvalidParameter", "Vid"),
    ({"Vid": "ast_0000000000000000"}, "InvalidParameter", "Vid"),
    ({"Vid": "both.srt"}, "InvalidParameter", "Vid"),
    ({"Vid": "http://127.0.0.1/x.mp4"}, "InvalidParameter", "Vid"),
    ({"SpaceName": "a/b"}, "InvalidParameter", "SpaceName"),
    ({"SpaceName": ""}, "InvalidParameter", "SpaceName"),
    (config(TranslationTypeList=["VoiceTranslation"]), "InvalidParameter", "TranslationConfig.TranslationTypeList"),
    (config(TargetLanguage="xx"), "InvalidParameter", "TranslationConfig.TargetLanguage"),
    (config(TargetLanguage="en"), "InvalidParameter", "TranslationConfig.TargetLanguage"),
    (config(SourceLanguage=5), "InvalidParameter", "TranslationConfig.SourceLanguage"),
    ({"TranslationConfig": {"SourceLanguage": "en"}}, "MissingParameter", "TranslationConfig.TargetLanguage"),
    (
        config(TermbaseConfig={"TranslationTermbaseIds": ["gls_0000000000000000"]}),
        "InvalidParameter",
        "TranslationConfig.TermbaseConfig.TranslationTermbaseIds",
    ),
    (recognition(RecognitionType="Telepathy"), "InvalidParameter", "RecognitionType"),
    (recognition(RecognitionType="SourceSubtitleFile"), "MissingParameter", "SourceSubtitleFileName"),
    (
        recognition(RecognitionType="SourceSubtitleFile", SourceSubtitleFileName="no.srt"),
        "InvalidParameter",
        "SourceSubtitleFileName",
    ),
    (recognition(RecognitionType="ASR", IsVision=True), "InvalidParameter", "IsVision"),
    ({"OperatorConfig": {"VoiceCloneConfig": {"BackgroundVolume": 101}}}, "InvalidParameter", "BackgroundVolume"),
    ({"SubtitleConfig": {"IsHardSubtitle": True, "FontSize": 24}}, "MissingParameter", "SubtitleConfig.MarginL"),
    ({"SubtitleConfig": {"FontSize": 81}}, "InvalidParameter", "SubtitleConfig.FontSize"),
    ({"SubtitleConfig": {"MarginV": 1}}, "InvalidParameter", "SubtitleConfig.MarginV"),
    ({"ProcessConfig": {"SuspensionStageList": ["Voice"]}}, "InvalidParameter", "SuspensionStageList"),
    ({"ProcessConfig": {"DisableCloneVoiceByScene": False}}, "InvalidParameter", "DisableCloneVoiceByScene"),
    ({"ProcessConfig": {"DisableSmartSubtitleRewrite": False}}, "InvalidParameter", "DisableSmartSubtitleRewrite"),
]


def test_what_is_wrong_is_named_in_their_words(volc: Signer, files: dict[str, Asset]) -> None:
    for changes, code, named in WRONG:
        answer = volc.post("SubmitAITranslationWorkflow", order(**changes))
        assert answer.refusal[:2] == (400, code), (changes, answer.body)
        assert named in str(answer.error), (changes, answer.body)
    assert not Job.objects.exists() and not Project.objects.exists()


def test_credits_and_slots_that_are_not_there(volc: Signer, files: dict[str, Asset]) -> None:
    Wallet.objects.filter(pool="api").update(available=0)
    assert volc.post("SubmitAITranslationWorkflow", order()).refusal == (403, "AccountOverdue", 0)
    Plan.objects.update(translate_concurrency=0)
    slow = volc.post("SubmitAITranslationWorkflow", order())
    assert slow.refusal == (429, "FlowLimitExceeded", 100018) and slow.response["Retry-After"]


def test_a_change_that_was_only_slowed_down_may_be_sent_again(volc: Signer, files: dict[str, Asset]) -> None:
    """The older SDK's program sends the very same bytes again within its second."""
    target, body = f"/?Action=SubmitAITranslationWorkflow&Version={VOD}", json.dumps(order()).encode()
    headers = volc.headers("POST", target, body, Content_Type="application/json")
    Plan.objects.update(translate_concurrency=0)
    assert volc.send("POST", target, body, headers).status == 429
    Plan.objects.update(translate_concurrency=5)
    assert volc.send("POST", target, body, headers).status == 200
    assert volc.send("POST", target, body, headers).refusal[1] == "InvalidTimestamp"
    assert Job.objects.count() == 1


def test_one_call_of_the_sdk_is_one_order_however_often_it_tries(volc: Signer, files: dict[str, Asset]) -> None:
    attempts = [
        volc.post(
            "SubmitAITranslationWorkflow",
            order(),
            X_Sdk_Invocation_Id="5f3c1c9e-0f5f-4a1b-9d6e-1f2e3d4c5b6a",
            X_Sdk_Request=f"attempt={number}; max=4",
        ).result
        for number in range(1, 4)
    ]
    assert attempts[0] == attempts[1] == attempts[2]
    other = volc.post("SubmitAITranslationWorkflow", order(), X_Sdk_Invocation_Id="another").result
    assert other != attempts[0]
    assert Job.objects.count() == 2


def test_lists_by_space_status_title_and_page(volc: Signer, files: dict[str, Asset], owner: Actor) -> None:
    ids = [submitted(volc) for _ in range(3)]
    other = submitted(volc, SpaceName="other")
    Job.objects.filter(translation__public_id=ids[0]).update(status="completed")
    Job.objects.filter(translation__public_id=ids[1]).update(status="failed", error_code=10042, error="silence")

    def listed(**fields: Any) -> tuple[list[str], int]:
        found = volc.get("ListAITranslationProject", {"SpaceName": "test"} | fields).result
        return [row["ProjectId"] for row in found["Projects"]], found["TotalCount"]

    assert listed() == (ids[::-1], 3)
    assert listed(SpaceName="other") == ([other], 1)
    assert listed(SpaceName="nowhere") == ([], 0)
    assert listed(PageSize="2", PageNumber=2) == ([ids[0]], 3)
    assert listed(StatusFilter="InProcessing,ProcessSucceed") == ([ids[2], ids[0]], 2)
    assert listed(StatusFilter="ProcessFailed") == ([ids[1]], 1)
    assert listed(StatusFilter="ExportSucceed") == ([], 0)
    assert listed(ProjectIdOrTitleFilter=ids[2]) == ([ids[2]], 1)
    assert listed(ProjectIdOrTitleFilter="CLIP") == (ids[::-1], 3)
    failed = volc.get("ListAITranslationProject", {"SpaceName": "test", "StatusFilter": "ProcessFailed"}).result
    assert (failed["Projects"][0]["ErrorCode"], failed["Projects"][0]["ErrorMsg"]) == (10042, "silence")
    for wrong in ({"PageNumber": 0}, {"PageSize": 101}, {"PageSize": "x"}, {"StatusFilter": "Sleeping"}):
        answer = volc.get("ListAITranslationProject", {"SpaceName": "test", **wrong})
        assert answer.refusal == (400, "InvalidParameter", 0) and next(iter(wrong)) in str(answer.error)

    def queries(size: int) -> int:
        with CaptureQueriesContext(connection) as found:
            assert len(listed(PageSize=size)[0]) == size
        return len(found)

    assert queries(1) == queries(3)


def test_a_strangers_project_does_not_exist(volc: Signer, stranger: Signer, files: dict[str, Asset]) -> None:
    project = submitted(volc)
    assert stranger.get("ListAITranslationProject", {"SpaceName": "test"}).result["TotalCount"] == 0
    there = {"SpaceName": "test", "ProjectId": project}
    for action, fields in (
        ("GetAITranslationProject", {}),
        ("ContinueAITranslationWorkflow", {}),
        ("RefreshAITranslationProject", {"RefreshType": "whole"}),
        ("UpdateAITranslationProjectConfig", {"UpdateConfigType": "ProcessConfig", "ProcessConfig": {}}),
        ("UpdateAITranslationUtterances", {"UpdateType": "Utterances", "Utterances": [{"Id": "x"}]}),
        ("CreateAITranslationUtterance", {"StartTime": 0, "EndTime": 9, "SpeakerId": ""}),
        ("RemoveAITranslationUtterance", {"UtteranceId": "x"}),
        ("CreateAITranslationSpeaker", {"SpeakerName": "x", "Voice": "x"}),
        ("UpdateAITranslationSpeakers", {"Speakers": []}),
    ):
        theirs, never = (
            stranger.post(action, there | fields),
            stranger.post(action, there | fields | {"ProjectId": "p"}),
        )
        assert theirs.refusal == never.refusal == (404, "ResourceNotFound", 0), action
        assert theirs.error == never.error
    elsewhere = volc.post("GetAITranslationProject", there | {"SpaceName": "other"})
    assert elsewhere.refusal == (404, "ResourceNotFound", 0)
    file = stranger.post("SubmitAITranslationWorkflow", order(Vid=files["clip.mp4"].public_id))
    assert file.refusal == (400, "InvalidParameter", 0)
