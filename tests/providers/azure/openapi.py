"""Azure's own OpenAPI as a judge of JSON: what is sent to the service, and what is answered in its name."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft4Validator, FormatChecker

from tests.conftest import SHARED

FOLDER = SHARED / "reference" / "azure"
VERSIONS = ("2025-05-20", "2026-03-01")
# Path template (as in the document), method -> name of the body's schema in the request and in the answer.
BODIES = {
    ("PUT", "translation"): ("Translation", "Translation"),
    ("GET", "translation"): ("", "Translation"),
    ("GET", "translations"): ("", "PagedTranslation"),
    ("PUT", "iteration"): ("Iteration", "Iteration"),
    ("GET", "iteration"): ("", "Iteration"),
    ("GET", "iterations"): ("", "PagedIteration"),
    ("GET", "operation"): ("", "Operation"),
    ("GET", "event-hub"): ("", "EventHubConfiguration"),
    ("PUT", "event-hub"): ("EventHubConfiguration", "EventHubConfiguration"),
}
checker = FormatChecker(formats=())
validated = 0
"""Documents judged in this process."""


@checker.checks("date-time", raises=ValueError)
def _moment(value: object) -> bool:
    return not isinstance(value, str) or (value.endswith("Z") and bool(datetime.fromisoformat(value)))


@checker.checks("uri")
def _uri(value: object) -> bool:
    return not isinstance(value, str) or (urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).netloc))


def present() -> bool:
    """Whether the reference is on this machine."""
    return (FOLDER / VERSIONS[0] / "videotranslation.json").is_file()


@cache
def document(version: str) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = json.loads((FOLDER / version / "videotranslation.json").read_text(encoding="utf-8"))
    return found


@cache
def _validator(version: str, name: str, sent: bool) -> Draft4Validator:
    definitions = copy.deepcopy(document(version)["definitions"])
    if sent:  # what the service alone writes is not asked of a client
        for definition in definitions.values():
            written = {key for key, inner in definition.get("properties", {}).items() if inner.get("readOnly")}
            definition["required"] = [key for key in definition.get("required", ()) if key not in written] or None
            if definition["required"] is None:
                del definition["required"]
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    Draft4Validator.check_schema(schema)
    return Draft4Validator(schema, format_checker=checker)


def problems(version: str, name: str, body: Any, *, sent: bool = False) -> list[str]:
    """What a schema says against a document; [] when nothing. Fields that the document does not know are none of its business."""
    global validated
    validated += 1
    found = _validator(version, name, sent).iter_errors(body)
    return [f"{'.'.join(str(part) for part in error.absolute_path)}: {error.message}"[:300] for error in found]


def address(path: str) -> tuple[str, list[str]]:
    """("iteration", ["tr-1", "it-1"]) of /videotranslation/translations/tr-1/iterations/it-1; ("", []) for no address of the service."""
    parts = path.strip("/").split("/")
    if parts[0] != "videotranslation":
        return "", []
    match parts[1:]:
        case ["translations"]:
            return "translations", []
        case ["translations", one]:
            return "translation", [one]
        case ["translations", one, "iterations"]:
            return "iterations", [one]
        case ["translations", one, "iterations", other]:
            return "iteration", [one, other]
        case ["operations", one]:
            return "operation", [one]
        case ["configurations", "event-hub"]:
            return "event-hub", []
    return "", []


def check_answer(version: str, method: str, path: str, status: int, body: Any) -> None:
    """Asserts that an answer is one that the service's document allows."""
    if status >= 400:
        assert problems(version, "Azure.Core.Foundations.ErrorResponse", body) == [], body
        return
    wanted = BODIES.get((method, address(path)[0]))
    if wanted is not None and status != 204:
        assert problems(version, wanted[1], body) == [], (method, path, body)
