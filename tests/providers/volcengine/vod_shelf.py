"""What a space of Volcengine VOD holds beside projects: media and files brought in by URL, and termbases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.providers.stub import StubRequest
from tests.providers.volcengine.gateway import Gateway, Refused

SPACE = "kinoglot-space"


class Shelf(Gateway):
    """Part of VodStub."""

    def __init__(self) -> None:
        super().__init__()
        self.termbases: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.media: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.deleted: list[str] = []
        self.upload_state_word = "success"

    # ---- termbases

    def create_termbase(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        if len(fields["Name"].encode()) > 30 or len(fields.get("Description", "").encode()) > 100:
            raise Refused("InvalidParameter", "too long")
        if any(one["Name"] == fields["Name"] for one in self.termbases.values()):
            raise Refused("InvalidParameter.Name", "the name is taken")
        if fields["Scenario"] != "AITranslation" or fields["SourceLanguage"] not in ("zh", "en"):
            raise Refused("InvalidParameter", "Scenario or SourceLanguage")
        name = f"tb{len(self.termbases) + 1}"
        self.termbases[name] = {key: fields[key] for key in fields if key != "SpaceName"} | {"Id": name, "items": {}}
        return {"Termbase": self._termbase(name)}

    def set_items(self, fields: Mapping[str, Any], request: StubRequest) -> None:
        items = self.termbases[fields["TermbaseId"]]["items"]
        for item in fields["TermItems"]:
            if not all(0 < len(item[side].encode()) <= 30 for side in ("SourceText", "TargetText")):
                raise Refused("InvalidParameter", "a term is empty or too long")
            items[item["SourceText"]] = item["TargetText"]
        if len(items) > 100:
            raise Refused("InvalidParameter", "too many terms")

    def list_termbases(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        return {"Termbases": [self._termbase(name) for name in self.termbases]}

    def _termbase(self, name: str) -> dict[str, Any]:
        return {key: value for key, value in self.termbases[name].items() if key != "items"} | {"TermItems": []}

    # ---- media

    def upload(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        rows = []
        for entry in json.loads(fields["URLSets"]):
            if not entry["SourceUrl"].startswith("http") or not entry["FileExtension"].startswith("."):
                raise Refused("InvalidParameter", "URLSets")
            job = f"up{len(self.uploads) + 1}"
            self.uploads[job] = dict(entry)
            rows.append({"JobId": job, "SourceUrl": entry["SourceUrl"], "ImageUrls": []})
        return {"Data": rows}

    def upload_state(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        wanted = fields["JobIds"].split(",")
        rows = [self._state_of(job, request) for job in wanted if job in self.uploads]
        return {"Data": {"MediaInfoList": rows, "NotExistJobIds": [job for job in wanted if job not in self.uploads]}}

    def _state_of(self, job: str, request: StubRequest) -> dict[str, Any]:
        entry = self.uploads[job]
        word = "pondering" if request.fault == "unknown_status" else self.upload_state_word
        row: dict[str, Any] = {"JobId": job, "SourceUrl": entry["SourceUrl"], "State": word, "SpaceName": SPACE}
        if word == "success":
            name = f"{hashlib.md5(job.encode()).hexdigest()}{entry['FileExtension']}"
            row["SourceInfo"] = {"FileName": name, "Duration": 3.0}
            if entry.get("Category") == "subtitle":
                self.files[name] = entry["SourceUrl"]
            else:
                row["Vid"] = f"v-{job}"
                self.media[row["Vid"]] = entry["SourceUrl"]
        return row

    def delete_media(self, fields: Mapping[str, Any], request: StubRequest) -> dict[str, Any]:
        self.deleted += fields["Vids"].split(",")
        return {}
