"""The numbered errors: one table (data/error_codes.json), two exceptions, and short makers for the common ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

# API codes (the first ten are seed 000's; from 4000 up they are ours).
INVALID: Final = 5
UNAUTHENTICATED: Final = 7
INSUFFICIENT_CREDITS: Final = 104
NO_MEMBERSHIP: Final = 814
INTERNAL: Final = 1000
CALLBACK_CHALLENGE: Final = 1301
KEY_REVOKED: Final = 1302
CONCURRENCY: Final = 1304
BUSINESS_PLAN: Final = 1305
NOT_AUTHORIZED: Final = 1503
REFUSED: Final = 4030
NOT_FOUND: Final = 4040
METHOD: Final = 4050
NOT_ACCEPTABLE: Final = 4060
CONFLICT: Final = 4090
GONE: Final = 4100
PRECONDITION: Final = 4120
TOO_LARGE: Final = 4130
MEDIA_TYPE: Final = 4150
PRECONDITION_REQUIRED: Final = 4280
RATE: Final = 4290
UNAVAILABLE: Final = 5030

# Job codes that several parts raise; the rest are raised by number in the stage they belong to.
NO_VIDEO: Final = 10001
NO_AUDIO: Final = 10002
NO_SPEECH: Final = 10042
FETCH_FAILED: Final = 10901
DAMAGED: Final = 10902
TIMED_OUT: Final = 10903
TYPE_REFUSED: Final = 10904
LIMITS: Final = 10905
PAIR_UNAVAILABLE: Final = 10906
RESOURCES: Final = 10907
PROVIDER_FAILED: Final = 10908
CANCELED: Final = 10909
CREDITS_RAN_OUT: Final = 10910
NO_FACE: Final = 10911
TOO_MANY_FACES: Final = 10912
FACE_TOO_SMALL: Final = 10913
FACE_IN_PROFILE: Final = 10914
ENGINE_FAULT: Final = 10999


@dataclass(frozen=True, slots=True)
class ApiCode:
    """One row of the API table: status is the HTTP status sent with it."""

    code: int
    status: int
    title: str
    explanation: str
    seed: bool


@dataclass(frozen=True, slots=True)
class JobCode:
    """One row of the job table: retry says whether the same order may succeed when tried again."""

    code: int
    title: str
    explanation: str
    retry: bool
    seed: bool


@cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    text = (Path(__file__).parent / "data" / "error_codes.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, dict[str, Any]]] = json.loads(text)
    return table


@cache
def api_codes() -> Mapping[int, ApiCode]:
    """Every API code, in order."""
    return {int(code): ApiCode(code=int(code), **row) for code, row in _table()["api"].items()}


@cache
def job_codes() -> Mapping[int, JobCode]:
    """Every job code, in order."""
    return {int(code): JobCode(code=int(code), **row) for code, row in _table()["job"].items()}


class ApiError(Exception):
    """A refusal with a number; apps.api turns it into problem+json, a dialect into its vendor's own shape.

    errors maps a field path ("target_locales.0") to what is wrong with it; headers and extra go into the answer.
    Raises KeyError for a code that is not in the table.
    """

    def __init__(
        self,
        code: int,
        detail: str = "",
        *,
        http_status: int | None = None,
        errors: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        row = api_codes()[code]
        self.code = code
        self.http_status = http_status or row.status
        self.title = row.title
        self.detail = detail or row.title
        self.errors: dict[str, list[str]] = {field: list(texts) for field, texts in (errors or {}).items()}
        self.headers: dict[str, str] = dict(headers or {})
        self.extra: dict[str, Any] = dict(extra or {})
        super().__init__(f"{code}: {self.detail}")


class JobError(Exception):
    """A job's failure: a code of the job table and a reason in words that the customer may read.

    Raises KeyError for a code that is not in the table.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        row = job_codes()[code]
        self.code = code
        self.title = row.title
        self.retry = row.retry
        self.reason = reason or row.title
        super().__init__(code, self.reason)

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


def invalid(field: str = "", message: str = "", *, errors: Mapping[str, Sequence[str]] | None = None) -> ApiError:
    """Code 5 for one field, or for several at once through errors."""
    fields: dict[str, list[str]] = {name: list(texts) for name, texts in (errors or {}).items()}
    if field:
        fields.setdefault(field, []).append(message or "Invalid value.")
    detail = "; ".join(f"{name}: {texts[0]}" for name, texts in fields.items()) or message
    return ApiError(INVALID, detail, errors=fields)


def not_found(what: str = "object") -> ApiError:
    """404 for an object that is not there or belongs to someone else (the two must look alike)."""
    return ApiError(NOT_FOUND, f"There is no such {what}.")


def conflict(detail: str, *, retry_after: int | None = None) -> ApiError:
    """409; retry_after in seconds when waiting can help."""
    return ApiError(CONFLICT, detail, headers=_retry(retry_after))


def precondition(detail: str = "The object has changed since you read it.", **extra: Any) -> ApiError:
    """412 for a lost race on a revision."""
    return ApiError(PRECONDITION, detail, extra=extra)


def too_large(detail: str) -> ApiError:
    """413; the detail names the limit."""
    return ApiError(TOO_LARGE, detail)


def rate(retry_after: int, detail: str = "Too many requests.") -> ApiError:
    """429 of a rate limit; retry_after in whole seconds."""
    return ApiError(RATE, detail, headers=_retry(retry_after))


def unavailable(detail: str, retry_after: int = 5) -> ApiError:
    """503; retry_after in whole seconds."""
    return ApiError(UNAVAILABLE, detail, headers=_retry(retry_after))


def _retry(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(max(1, seconds))}
