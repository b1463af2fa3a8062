"""Volcengine VOD AI translation as seed 002 and the vendor's pages describe it: projects, reviews, termbases, uploads by URL."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from tests.providers import media
from tests.providers.stub import StubRequest
from tests.providers.volcengine.gateway import CREDENTIALS, Refused, conform, models
from tests.providers.volcengine.vod_shelf import SPACE, Shelf

CALLBACK_KEY = "ABCDabcd1234"
VALUES = {**CREDENTIALS, "space": SPACE, "callback_key": CALLBACK_KEY}
VOD, UPLOADS = "2025-01-01", "2020-08-01"
TYPES = (
    ["SubtitleTranslation"],
    ["SubtitleTranslation", "VoiceTranslation"],
    ["SubtitleTranslation", "VoiceTranslation", "FacialTranslation"],
)
TARGETS = ["zh", "en", "ja", "ko", "de", "fr", "ru", "es", "pt", "it", "id", "vi", "th", "ar", "tr"]
FILES_OF = {
    "SourceSubtitleFile": ["SourceSubtitleFileName"],
    "SourceAndTargetSubtitleFile": ["SourceSubtitleFileName", "TargetSubtitleFileName"],
    "BilingualSubtitleFile": ["BilingualSubtitleFileName"],
}
HARD = ("FontSize", "MarginL", "MarginR", "MarginV", "ShowLines")
SENTENCES = (("Good morning.", "Bom dia a todos.", 100, 900), ("Let us begin.", "Vamos começar.", 1100, 1900))
ENDS = {"ready": "ProcessSucceed", "failed": "ProcessFailed", "export_failed": "ExportFailed"}


class VodStub(Shelf):
    """Projects stay InProcessing until `outcome` is ready, failed, export_failed or suspend. One Submit a second."""

    name, service = "volcengine-vod", "vod"
    actions = {
        ("SubmitAITranslationWorkflow", VOD): "submit",
        ("GetAITranslationProject", VOD): "get",
        ("ListAITranslationProject", VOD): "list_projects",
        ("ContinueAITranslationWorkflow", VOD): "go_on",
        ("RefreshAITranslationProject", VOD): "refresh",
        ("UpdateAITranslationUtterances", VOD): "update",
        ("UpdateAITranslationProjectConfig", VOD): "configure",
        ("CreateAITermbase", VOD): "create_termbase",
        ("SetAITermItem", VOD): "set_items",
        ("ListAITermbase", VOD): "list_termbases",
        ("UploadMediaByUrl", UPLOADS): "upload",
        ("QueryUploadTaskInfo", UPLOADS): "upload_state",
        ("DeleteMedia", UPLOADS): "delete_media",
    }

    def __init__(self) -> None:
        super().__init__()
        self.projects: dict[str, dict[str, Any]] = {}
        self.outcome = "working"
        self.refuse = ""
        self.links = True
        self.last_submit = 0.0

    def check_shape(self, action: str, fields: Mapping[str, Any]) -> None:
        wrong = conform(models("vod_2025-01-01_models.json"), f"{action}Request", _numbers(action, fields))
        if wrong:
            raise Refused("InvalidParameter", "; ".join(wrong))
        if action not in ("QueryUploadTaskInfo", "DeleteMedia") and fields.get("SpaceName") != SPACE:
            raise Refused("InvalidParameter.SpaceName", "no such space")

    # ---- projects

    def submit(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        if time.monotonic() - self.last_submit < 1.0:
            raise Refused("FlowLimitExceeded")
        self.last_submit = time.monotonic()
        if self.refuse:
            raise Refused(self.refuse, "the order is refused")
        self._check_submit(fields)
        project = f"68{len(self.projects):022d}"
        stages = (fields.get("ProcessConfig") or {}).get("SuspensionStageList") or []
        self.projects[project] = {
            "fields": dict(fields),
            "vid": fields["Vid"],
            "created": int(time.time()),
            "version": f"{project}-1",
            "stage": (stages or [""])[0],
            "went_on": False,
            "refreshed": 0,
            "utterances": _utterances(project),
            "process": dict(fields.get("ProcessConfig") or {}),
        }
        return self._base(project)

    def _check_submit(self, fields: Mapping[str, Any]) -> None:
        config = fields.get("TranslationConfig") or {}
        if fields.get("Vid") not in self.media:
            raise Refused("InvalidParameter.Vid", "no such media")
        if config.get("SourceLanguage") not in ("zh", "en") or config.get("TargetLanguage") not in TARGETS:
            raise Refused("InvalidParameter", "language")
        if config.get("TranslationTypeList") not in TYPES:
            raise Refused("InvalidParameter", "TranslationTypeList")
        ids = (config.get("TermbaseConfig") or {}).get("TranslationTermbaseIds") or []
        if len(ids) > 10 or any(one not in self.termbases for one in ids):
            raise Refused("InvalidParameter", "TranslationTermbaseIds")
        recognition = (fields.get("OperatorConfig") or {}).get("SubtitleRecognitionConfig") or {}
        kind = recognition.get("RecognitionType", "OCR")
        if kind not in ("OCR", "ASR", *FILES_OF):
            raise Refused("InvalidParameter", "RecognitionType")
        if any(recognition.get(name) not in self.files for name in FILES_OF.get(kind, ())):
            raise Refused("InvalidParameter", "no such subtitle file")
        look = fields.get("SubtitleConfig") or {}
        if look.get("IsHardSubtitle") and any(name not in look for name in HARD):
            raise Refused("InvalidParameter", "SubtitleConfig")
        if look.get("IsHardSubtitle") and not 1 <= look["FontSize"] <= 80:
            raise Refused("InvalidParameter", "FontSize")
        if len((fields.get("ProcessConfig") or {}).get("SuspensionStageList") or []) > 1:
            raise Refused("InvalidParameter", "one stage only")

    def status_of(self, project: Mapping[str, Any]) -> str:
        """Where a project stands."""
        if project["refreshed"]:
            return {"ready": "ExportSucceed", "failed": "ExportFailed"}.get(self.outcome, "InExporting")
        if self.outcome == "suspend" and project["stage"] and not project["went_on"]:
            return "ProcessSuspended"
        return ENDS.get(self.outcome, "InProcessing")

    def get(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        project = self._project(fields)
        status = "Pondering" if request.fault == "unknown_status" else self.status_of(project)
        info: dict[str, Any] = {
            "ProjectId": fields["ProjectId"],
            "ProjectVersion": project["version"],
            "Status": status,
            "InputVideo": {"Vid": project["vid"], "DurationSecond": 3.0},
            "CreatedAt": str(project["created"]),
        }
        if status.endswith("Failed"):
            info |= {"ErrorCode": 40013, "ErrorMsg": "the faces are ill"}
        if status.endswith("Succeed"):
            info["OutputVideo"] = {"Vid": f"v-out-{fields['ProjectId']}", "DurationSecond": 3.0, "FileName": "out.mp4"}
            if self.links:
                info["OutputVideo"]["Url"] = self.publish("out.mp4", media.mp4(), "video/mp4")
        for name in str(fields.get("Additions") or "").split(","):
            if name and not (
                name.startswith("Target") and project["stage"] == "SubtitleRecognition" and not project["went_on"]
            ):
                info[name] = self._addition(name, project["utterances"])
        return {"ProjectInfo": info}

    def _addition(self, name: str, utterances: list[dict[str, Any]]) -> Any:
        if name == "Speakers":
            return [{"Id": "sp1", "Name": "Speaker1", "Voice": "v"}, {"Id": "sp2", "Name": "Speaker2", "Voice": "w"}]
        side = "s" if name.startswith("Source") else "t"
        if name.endswith("Clips"):
            return [{"Id": f"c-{u['id']}{side}", "Trim": {"Start": u["start"], "End": u["end"]}} for u in utterances]
        return [
            {
                "Id": u["id"] + side,
                "Text": u["source" if side == "s" else "target"],
                "SpeakerId": u["speaker"],
                "ClipId": f"c-{u['id']}{side}",
            }
            | ({"SourceId": u["id"] + "s"} if side == "t" else {})
            for u in utterances
        ]

    def list_projects(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        page, size = int(fields.get("PageNumber", 1)), int(fields.get("PageSize", 10))
        newest = list(reversed(self.projects.items()))
        rows = [
            {
                "ProjectId": name,
                "ProjectVersion": project["version"],
                "Status": self.status_of(project),
                "CreatedAt": str(project["created"]),
                "InputVideo": {"Vid": project["vid"]},
                "TranslationTypeList": project["fields"]["TranslationConfig"]["TranslationTypeList"],
                "TargetBlueprints": [{"Language": project["fields"]["TranslationConfig"]["TargetLanguage"]}],
            }
            for name, project in newest[(page - 1) * size : page * size]
        ]
        return {"Projects": rows, "TotalCount": len(newest), "PageNumber": page, "PageSize": size}

    def go_on(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        project = self._project(fields)
        if self.status_of(project) != "ProcessSuspended":
            raise Refused("InvalidOperation", "the project is not suspended")
        project["went_on"] = True
        return self._base(fields["ProjectId"])

    def refresh(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        project = self._project(fields)
        if fields.get("RefreshType") != "whole":
            raise Refused("InvalidParameter", "RefreshType")
        project["refreshed"] += 1
        return self._changed(fields["ProjectId"])

    def update(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        project = self._project(fields)
        if not self.status_of(project).endswith(("Succeed", "Suspended")):
            raise Refused("InvalidOperation", "the project is at work")
        kind = fields["UpdateType"]
        if kind == "Utterances":
            for change in fields["Utterances"]:
                self._apply(project, change)
        elif fields.get(f"{kind}Name") not in self.files:
            raise Refused("InvalidParameter", "no such subtitle file")
        else:
            project["file"] = (kind, fields[f"{kind}Name"])
        return self._changed(fields["ProjectId"])

    def _apply(self, project: Mapping[str, Any], change: Mapping[str, Any]) -> None:
        found = [u for u in project["utterances"] if change["Id"] in (u["id"] + "s", u["id"] + "t")]
        if not found:
            raise Refused("InvalidParameter", "no such utterance")
        found[0]["source" if change["Id"].endswith("s") else "target"] = change["Text"]
        found[0]["speaker"] = change.get("SpeakerId", found[0]["speaker"])
        if "Trim" in change:
            found[0] |= {"start": change["Trim"]["Start"], "end": change["Trim"]["End"]}

    def configure(self, fields: Mapping[str, Any], request: StubRequest) -> None:
        if fields["UpdateConfigType"] != "ProcessConfig":
            raise Refused("InvalidParameter", "UpdateConfigType")
        self._project(fields)["process"] |= fields["ProcessConfig"]

    def _project(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        if fields.get("ProjectId") not in self.projects:
            raise Refused("ResourceNotFound", "no such project", 404)
        return self.projects[str(fields["ProjectId"])]

    def _base(self, project: str) -> dict[str, Any]:
        return {"ProjectBaseInfo": {"ProjectId": project, "ProjectVersion": self.projects[project]["version"]}}

    def _changed(self, project: str) -> dict[str, Any]:
        head, _, number = self.projects[project]["version"].rpartition("-")
        self.projects[project]["version"] = f"{head}-{int(number) + 1}"
        return self._base(project)


def event(
    url: str, project: str, *, key: str = CALLBACK_KEY, at: float | None = None, error: int = 0
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an AITranslationComplete as the vendor posts it."""
    data = {
        "SpaceName": SPACE,
        "ProjectId": project,
        "Action": "SubmitAITranslationWorkflow",
        "ErrorCode": error,
        "ErrorMsg": "",
        "TargetVid": "v-out",
    }
    body = json.dumps(
        {
            "RequestId": f"r-{project}",
            "Version": "1",
            "EventType": "AITranslationComplete",
            "EventTime": "2026-01-09T08:56:34Z",
            "Data": data,
        }
    ).encode()
    stamp = str(int(time.time() if at is None else at))
    content = f"{url}|{stamp}|{key}|{base64.b64encode(body).decode()}"
    return body, {"X-VOD-TIMESTAMP": stamp, "X-VOD-SIGNATURE": hashlib.md5(content.encode()).hexdigest()}


def _utterances(project: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{project[-4:]}u{n}",
            "source": source,
            "target": target,
            "start": start,
            "end": end,
            "speaker": f"sp{n}",
        }
        for n, (source, target, start, end) in enumerate(SENTENCES, 1)
    ]


def _numbers(action: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of a query are text on the wire."""
    given = dict(fields)
    if action == "ListAITranslationProject" and str(given.get("PageNumber", "")).isdigit():
        given["PageNumber"] = int(given["PageNumber"])
    return given
