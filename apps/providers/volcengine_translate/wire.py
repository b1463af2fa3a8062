"""Field names and enumerations of Volcengine SubmitAudio/QueryAudio (seed 004), both ways; used by adapter and dialect.

Version 2020-06-01 answers flat (TaskId, Status, Subtitles beside ResponseMetadata), 2025-03-01 wraps them in Result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.core import errors
from apps.core.languages import base_language
from apps.providers.volcengine_errors import COMMON_ERRORS as COMMON_ERRORS

NAME: Final = "volcengine-translate"
SERVICE: Final = "translate"
REGION: Final = "cn-north-1"
ENDPOINT: Final = "https://open.volcengineapi.com"

SUBMIT: Final = "SubmitAudio"
QUERY: Final = "QueryAudio"
FLAT: Final = "2020-06-01"
WRAPPED: Final = "2025-03-01"
VERSIONS: Final = (FLAT, WRAPPED)

SOURCE_LANGUAGES: Final = ("en", "zh", "ko")
TARGET_LANGUAGES: Final = ("en", "zh", "ko", "ja", "pt", "fr", "de", "es")
LOCALES: Final[Mapping[str, str]] = {
    "en": "en-US", "zh": "zh-CN", "ko": "ko-KR", "ja": "ja-JP", "pt": "pt-BR", "fr": "fr-FR", "de": "de-DE", "es": "es-ES",
}  # fmt: skip
"""Their code -> our locale."""

CREATED: Final = "created"
SUCCESS: Final = "success"
FAILURES: Final[Mapping[str, tuple[int, str]]] = {
    "download_failed": (errors.FETCH_FAILED, "the provider could not download the file"),
    "asr_failed": (10020, "the provider could not recognize the speech"),
    "translate_failed": (10030, "the provider could not translate the text"),
    "save_failed": (errors.PROVIDER_FAILED, "the provider could not save the result"),
    "failed": (errors.PROVIDER_FAILED, "the provider failed without a reason"),
}
"""Failed status -> (our job error code, what it means)."""
STATUSES: Final = (CREATED, *FAILURES, SUCCESS)

MAX_BYTES: Final = 512 * 1024 * 1024
MAX_SECONDS: Final = 240 * 60
BAD_PARAMETER: Final = "-400"
"""Error.Code of a request that the service itself refuses; HTTP 200, CodeN 0."""


def language_of(locale: str) -> str:
    """Their code of our locale, "" when there is none. Chinese is simplified here."""
    if locale in ("zh-TW", "zh-HK"):
        return ""
    base = base_language(locale)
    return base if base in LOCALES else ""


def status_of_error(code: int | None) -> str:
    """The failed status that comes nearest to one of our job error codes."""
    if code is None or code == errors.PROVIDER_FAILED:
        return "failed"
    for status, (ours, _) in FAILURES.items():
        if ours == code:
            return status
    if code in (errors.DAMAGED, errors.TYPE_REFUSED, errors.LIMITS):
        return "download_failed"
    if 10001 <= code < 10030 or code in (10041, 10042):
        return "asr_failed"
    return "translate_failed" if 10030 <= code <= 10034 else "failed"


def unwrapped(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of an answer, of either version."""
    result = document.get("Result")
    return result if isinstance(result, Mapping) else document


def answer(version: str, metadata: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer in the shape of a version; the flat one says `"Error": null` when all is well."""
    if version == WRAPPED:
        return {"ResponseMetadata": dict(metadata), "Result": dict(fields)}
    return {**fields, "ResponseMetadata": {"Error": None, **metadata}}
