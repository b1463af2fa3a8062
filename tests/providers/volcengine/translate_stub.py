"""SubmitAudio and QueryAudio as seed 004 describes them, in both versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.providers.stub import StubRequest
from tests.providers.volcengine.gateway import Gateway, Refused, conform, models

FLAT, WRAPPED = "2020-06-01", "2025-03-01"
SENTENCES = [("Good morning.", "Bom dia a todos.", 100, 900), ("Let us begin.", "Vamos começar.", 1100, 1900)]


class TranslateStub(Gateway):
    """Tasks stay `created` until `status` says otherwise."""

    name, service = "volcengine-translate", "translate"
    actions = {
        (action, version): method
        for version in (FLAT, WRAPPED)
        for action, method in (("SubmitAudio", "submit"), ("QueryAudio", "query"))
    }

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, dict[str, Any]] = {}
        self.status = "created"
        self.sentences = list(SENTENCES)

    def document_of(self, request: StubRequest, result: Any) -> Any:
        if request.query["Version"][0] == FLAT:
            return {**result, "ResponseMetadata": self.metadata(request) | {"Error": None}}
        return super().document_of(request, result)

    def check_shape(self, action: str, fields: Mapping[str, Any]) -> None:
        wrong = conform(models("translate_2025-03-01_models.json"), f"{action}Request", fields)
        if wrong:
            raise Refused("-400", "; ".join(wrong), 200)

    def submit(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        if fields.get("SourceLanguage") not in ("en", "zh", "ko"):
            raise Refused("-400", "SourceLanguage", 200)
        if fields.get("TargetLanguage") not in ("en", "zh", "ko", "ja", "pt", "fr", "de", "es"):
            raise Refused("-400", "TargetLanguage", 200)
        if not str(fields.get("Uri", "")).startswith("http"):
            raise Refused("-400", "Uri", 200)
        task = f"task{len(self.tasks) + 1}"
        self.tasks[task] = dict(fields)
        return {"TaskId": task}

    def query(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        if fields.get("TaskId") not in self.tasks:
            raise Refused("-400", "no such task", 200)
        status = "pondering" if request.fault == "unknown_status" else self.status
        rows = [
            {"StartTime": start, "EndTime": end, "Text": text, "Translation": translation}
            for text, translation, start, end in self.sentences
        ]
        return {"Status": status, "Subtitles": rows if status == "success" else []}
