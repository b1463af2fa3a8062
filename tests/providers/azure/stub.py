"""Azure Video Translation on loopback: judges each request by the service's OpenAPI (where it is at hand) and by its documented rules."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.providers.azure import openapi
from tests.providers.media import LINES, mp4, vtt, wav
from tests.providers.stub import StubReply, StubRequest, StubVendor

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "an-entra-token"
SECRET = "entra-client-secret"
NAMES = {
    ("PUT", "translation"): "CreateTranslation",
    ("GET", "translation"): "GetTranslation",
    ("DELETE", "translation"): "DeleteTranslation",
    ("GET", "translations"): "ListTranslations",
    ("PUT", "iteration"): "CreateIteration",
    ("GET", "iteration"): "GetIteration",
    ("GET", "iterations"): "ListIterations",
    ("GET", "operation"): "GetOperation",
}
ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}[a-zA-Z0-9]")
RESULT_FIELDS = ("translatedVideoFileUrl", "translatedAudioFileUrl")
MOMENT = "2026-11-22T01:02:03.004Z"


class Refused(Exception):
    """An error body with its status."""

    def __init__(self, status: int, code: str, message: str, target: str = "") -> None:
        self.reply = error(status, code, message, target)
        super().__init__(message)


@dataclass
class StubTranslation:
    """A translation and its iterations, oldest first."""

    body: dict[str, Any]
    operation: str
    iterations: dict[str, dict[str, Any]] = field(default_factory=dict)


class AzureStub(StubVendor):
    """Operations as in NAMES, and GetToken."""

    name = "azure"

    def __init__(self) -> None:
        super().__init__()
        self.translations: dict[str, StubTranslation] = {}
        self.operations: dict[str, tuple[str, str]] = {}
        self.finish = ""
        """Status of every iteration from now on: Succeeded, Failed or Canceled; "" while they run."""
        self.reason = ""
        self.refuse: tuple[int, str, str, str] | None = None
        """Every PUT is refused so: status, code, message, target."""
        self.page_size = 100
        self.lines = LINES
        self.kept_operations = True

    def operation_of(self, request: StubRequest) -> str:
        if request.path.endswith("/oauth2/v2.0/token"):
            return "GetToken"
        return NAMES.get((request.method, openapi.address(request.path)[0]), "?")

    def handle(self, request: StubRequest) -> StubReply:
        if request.operation == "GetToken":
            return self._token(request)
        try:
            self._judge(request)
            return getattr(self, f"_{request.operation}")(request, *openapi.address(request.path)[1])
        except Refused as refusal:
            return refusal.reply

    def refusal(self, status: int, request: StubRequest) -> StubReply:
        return error(status, str(status), f"planned {status}")

    # ---- rules of every request

    def _judge(self, request: StubRequest) -> None:
        bearer = request.headers.get("authorization") == f"Bearer {TOKEN}"
        if request.headers.get("ocp-apim-subscription-key") != KEY and not bearer:
            raise Refused(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")
        version = request.query.get("api-version", [""])[0]
        if version not in openapi.VERSIONS:
            raise Refused(400, "InvalidRequest", "unknown api-version", "api-version")
        if request.operation == "?" or not all(ID.fullmatch(part) for part in openapi.address(request.path)[1]):
            raise Refused(404, "NotFound", "no such address")
        if request.method != "PUT":
            return
        if not ID.fullmatch(request.headers.get("operation-id", "")):
            raise Refused(400, "InvalidRequest", "Operation-Id", "Operation-Id")
        if request.headers.get("content-type") != "application/json":
            raise Refused(415, "UnsupportedMediaType", "content type")
        kind = "Translation" if request.operation == "CreateTranslation" else "Iteration"
        if openapi.present() and (wrong := openapi.problems(version, kind, request.json(), sent=True)):
            raise Refused(400, "InvalidRequest", "; ".join(wrong), kind)
        newer = {"autoCreateFirstIteration", "firstIterationInput", "subtitleVerticalMargin", "properties"}
        if version == "2025-05-20" and any(f'"{name}"' in request.body.decode() for name in newer):
            raise Refused(400, "InvalidRequest", "field of a newer version")
        if self.refuse:
            raise Refused(*self.refuse)

    def _token(self, request: StubRequest) -> StubReply:
        if f"client_secret={SECRET}" not in request.body.decode():
            return StubReply(
                401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}
            )
        return StubReply(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN})

    # ---- operations

    def _CreateTranslation(self, request: StubRequest, one: str) -> StubReply:
        body, operation = request.json(), request.headers["operation-id"]
        given = body["input"]
        if ("videoFileUrl" in given) == ("audioFileUrl" in given):
            raise Refused(400, "InvalidRequest", "Give one of videoFileUrl and audioFileUrl.", "input.videoFileUrl")
        there = self.translations.get(one)
        if there is not None:
            if (there.body, there.operation) != (body, operation):
                raise Refused(409, "Conflict", "The translation exists.")
            return self._made(request, self._translation(one), 200)
        self._claim_operation(operation, one, "")
        self.translations[one] = StubTranslation(body, operation)
        if given.get("autoCreateFirstIteration"):
            self.translations[one].iterations["Initial"] = {"input": body.get("firstIterationInput", {})}
            self.operations[operation] = (one, "Initial")
        return self._made(request, self._translation(one), 201)

    def _CreateIteration(self, request: StubRequest, one: str, other: str) -> StubReply:
        body, operation = request.json(), request.headers["operation-id"]
        translation = self._of(one)
        there = translation.iterations.get(other)
        if there is not None:
            if (there["input"], there["operation"]) != (body["input"], operation):
                raise Refused(409, "Conflict", "The iteration exists.")
            return self._made(request, self._iteration(one, other), 200)
        if translation.iterations and "webvttFile" not in body["input"]:
            raise Refused(400, "InvalidRequest", "webvttFile is required.", "input.webvttFile")
        self._claim_operation(operation, one, other)
        translation.iterations[other] = {"input": body["input"], "operation": operation}
        return self._made(request, self._iteration(one, other), 201)

    def _GetOperation(self, request: StubRequest, one: str) -> StubReply:
        if one not in self.operations or not self.kept_operations:
            raise Refused(404, "NotFound", "no such operation")
        _, iteration = self.operations[one]
        status = self._status() if iteration else "Succeeded"
        return StubReply(200, {"id": one, "status": "Pondering" if request.fault == "unknown_status" else status})

    def _GetTranslation(self, request: StubRequest, one: str) -> StubReply:
        self._of(one)
        return StubReply(200, self._translation(one))

    def _GetIteration(self, request: StubRequest, one: str, other: str) -> StubReply:
        if other not in self._of(one).iterations:
            raise Refused(404, "NotFound", "no such iteration")
        body = self._iteration(one, other)
        if request.fault == "unknown_status":
            body["status"] = "Pondering"
        return StubReply(200, body)

    def _DeleteTranslation(self, request: StubRequest, one: str) -> StubReply:
        self.translations.pop(one, None)
        return StubReply(204)

    def _ListTranslations(self, request: StubRequest) -> StubReply:
        return self._page(request, [self._translation(one) for one in self.translations])

    def _ListIterations(self, request: StubRequest, one: str) -> StubReply:
        return self._page(request, [self._iteration(one, other) for other in self._of(one).iterations])

    # ---- documents

    def _page(self, request: StubRequest, rows: list[dict[str, Any]]) -> StubReply:
        skip = int(request.query.get("skip", ["0"])[0])
        size = min(self.page_size, int(request.query.get("maxpagesize", ["100"])[0]))
        body: dict[str, Any] = {"value": rows[skip : skip + size]}
        if skip + size < len(rows):
            # Host and path as in the document's own sample: they lead nowhere.
            where = "https://eastus.api.cognitive.microsoft.com/video-translation/translations"
            body["nextLink"] = f"{where}?skip={skip + size}&maxpagesize={size}&api-version=2025-05-20"
        return StubReply(200, body)

    def _made(self, request: StubRequest, body: dict[str, Any], status: int) -> StubReply:
        operation = request.headers["operation-id"]
        where = f"{self.base}/videotranslation/operations/{operation}?api-version=2024-02-01-preview"
        return StubReply(status, body, headers={"Operation-Location": where, "Operation-Id": operation})

    def _of(self, one: str) -> StubTranslation:
        if one not in self.translations:
            raise Refused(404, "NotFound", "Not found")
        return self.translations[one]

    def _claim_operation(self, operation: str, translation: str, iteration: str) -> None:
        if operation in self.operations:
            raise Refused(409, "Conflict", "The operation id is in use.")
        self.operations[operation] = (translation, iteration)

    def _status(self) -> str:
        return self.finish or "Running"

    def _translation(self, one: str) -> dict[str, Any]:
        found = self.translations[one]
        body = {"id": one, **found.body, "createdDateTime": MOMENT, "somethingNew": {"of": ["tomorrow"]}}
        if found.iterations:
            body["latestIteration"] = self._iteration(one, list(found.iterations)[-1])
        return body

    def _iteration(self, one: str, other: str) -> dict[str, Any]:
        made = self.translations[one].iterations[other]
        body: dict[str, Any] = {"id": other, "status": self._status(), "input": made["input"], "description": None}
        if self.finish == "Failed":
            body["failureReason"] = self.reason
        if self.finish == "Succeeded":
            if "files" not in made or made["files"] == "expired":
                made["files"] = True
            audio = "audioFileUrl" in self.translations[one].body["input"]
            film = self.publish("dub.wav", wav(), "audio/wav") if audio else self.publish("dub.mp4", mp4(), "video/mp4")
            body["result"] = {
                RESULT_FIELDS[audio]: film,
                RESULT_FIELDS[not audio]: None,
                "sourceLocaleSubtitleWebvttFileUrl": self.publish(
                    "source.vtt", vtt("Good morning.", "We begin."), "text/vtt"
                ),
                "targetLocaleSubtitleWebvttFileUrl": self.publish("target.vtt", vtt(*self.lines), "text/vtt"),
                "metadataJsonWebvttFileUrl": self.publish("metadata.vtt", self.metadata(), "text/vtt"),
                "reportFileUrl": self.publish("report.json", b'{"quality": 5}', "application/json"),
            }
            if made["input"].get("exportTargetLocaleAdvancedSubtitleFile"):
                body["result"]["targetLocaleAdvancedSubtitleFileUrl"] = self.publish("target.ass", ass(), "text/x-ssa")
        return body

    def metadata(self) -> bytes:
        """The text as the service keeps it."""
        cues = []
        for number, text in enumerate(self.lines):
            cue: dict[str, Any] = {
                "id": f"c0dd296f-3eac-4d4d-ac35-ff3eaf65561{number}",
                "gender": "Male",
                "speakerId": "Speaker0",
                "ssmlProperties": {},
                "sourceLocaleText": ("Good morning.", "We begin.", "More.")[number],
                "translatedText": text,
            }
            if number == 0:
                voice = {"defaultSsmlProperties": {"voiceName": "pt-BR-AntonioNeural", "voiceKind": "PlatformVoice"}}
                cue = {"globalMetadata": {"speakers": {"Speaker0": voice}}} | cue
            cues.append(f"00:00:0{number}.100 --> 00:00:0{number}.900\n{json.dumps(cue, indent=2)}\n")
        return ("WEBVTT\n\n" + "\n".join(cues)).encode()


def ass() -> bytes:
    """A subtitle file with styles."""
    from apps.engine.subtitles import Cue, write

    return write([Cue(0.1, 0.9, LINES[0])], "ass").encode()


def error(status: int, code: str, message: str, target: str = "") -> StubReply:
    """The service's error body."""
    about = {"code": code, "message": message} | ({"target": target} if target else {})
    return StubReply(status, {"error": about}, headers={"x-ms-error-code": code})
