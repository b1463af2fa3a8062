"""Refusals in Volcengine's words: our numbered errors as {CodeN, Code, Message} and the HTTP status that goes with it.

The common codes are those of the gateway before every service (apps.providers.volcengine_errors); others are a service's own and
have CodeN 0, as their answers show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apps.core import errors
from apps.core.errors import ApiError
from apps.providers.volcengine_errors import COMMON_ERRORS
from apps.providers.volcengine_translate.wire import BAD_PARAMETER


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table; `message` may hold one %s for what it is about."""

    code: str
    number: int
    status: int
    message: str = ""


def _common(code: str, message: str = "") -> Fault:
    row = COMMON_ERRORS[code]
    return Fault(code, row.number, row.status, message or row.message)


MISSING_PARAMETER: Final = _common("MissingParameter")
MISSING_TOKEN: Final = _common("MissingAuthenticationToken")
MISSING_INFO: Final = _common("MissingRequestInfo")
EXPIRED: Final = _common("InvalidTimestamp")
NO_SERVICE: Final = _common("ServiceNotFound")
NO_ACTION: Final = _common("InvalidActionOrVersion", "Could not find operation %s.")
NO_KEY: Final = _common("InvalidAccessKey")
WRONG_SIGNATURE: Final = _common("SignatureDoesNotMatch")
DENIED: Final = _common("AccessDenied")
INTERNAL: Final = _common("InternalError")
UNAVAILABLE: Final = _common("ServiceUnavailableTemp")
TOO_FAST: Final = _common("FlowLimitExceeded")
INVALID: Final = Fault("InvalidParameter", 0, 400)
NOT_FOUND: Final = Fault("ResourceNotFound", 0, 404)
WRONG_STATE: Final = Fault("InvalidStatus", 0, 409)
OVERDUE: Final = Fault("AccountOverdue", 0, 403)
TRANSLATE_INVALID: Final = Fault(BAD_PARAMETER, 0, 200)
"""What the translate service itself finds wrong comes with HTTP 200."""

_TABLE: Final[Mapping[int, Fault]] = {
    errors.INVALID: INVALID,
    errors.UNAUTHENTICATED: NO_KEY,
    errors.KEY_REVOKED: NO_KEY,
    errors.NO_MEMBERSHIP: DENIED,
    errors.NOT_AUTHORIZED: DENIED,
    errors.BUSINESS_PLAN: DENIED,
    errors.REFUSED: DENIED,
    errors.INSUFFICIENT_CREDITS: OVERDUE,
    errors.CONCURRENCY: TOO_FAST,
    errors.RATE: TOO_FAST,
    errors.NOT_FOUND: NOT_FOUND,
    errors.GONE: NOT_FOUND,
    errors.CONFLICT: WRONG_STATE,
    errors.PRECONDITION: WRONG_STATE,
    errors.TOO_LARGE: Fault("InvalidParameter", 0, 413),
    errors.METHOD: _common("MethodNotAllowed"),
    errors.UNAVAILABLE: UNAVAILABLE,
}
_TRANSLATE: Final = frozenset({errors.INVALID, errors.NOT_FOUND, errors.GONE})


class Refusal(ApiError):
    """A refusal that has its own row of the table."""

    def __init__(self, fault: Fault, about: str = "", *, detail: str = "") -> None:
        self.fault = fault
        text = detail or (fault.message % about if "%s" in fault.message else fault.message)
        super().__init__(errors.INVALID, text, http_status=fault.status)


@dataclass(frozen=True, slots=True)
class Names:
    """What our fields of an order are called in the request that it was made from; the longest prefix counts."""

    fields: Mapping[str, str] = field(default_factory=dict)

    def of(self, path: str) -> str:
        """Their name of "glossaries.0", or the path itself when it is theirs already."""
        parts = path.split(".")
        while parts:
            if theirs := self.fields.get(".".join(parts)):
                return theirs
            parts.pop()
        return path


def fault_of(error: ApiError, service: str = "") -> Fault:
    """The row for any refusal."""
    if isinstance(error, Refusal):
        return error.fault
    if service == "translate" and error.code in _TRANSLATE:
        return TRANSLATE_INVALID
    if error.code == errors.CONFLICT and "Retry-After" in error.headers:
        return TOO_FAST  # the same request is being answered at this moment: the SDKs try again
    return _TABLE.get(error.code, INTERNAL)


def error_body(error: ApiError, service: str = "", names: Names | None = None) -> dict[str, Any]:
    """{CodeN, Code, Message}; the message names the fields in the caller's own words."""
    fault = fault_of(error, service)
    names = names or Names()
    text = "; ".join(f"{names.of(path)}: {reasons[0]}" for path, reasons in error.errors.items() if reasons)
    if not text:
        text = error.detail if isinstance(error, Refusal) or "%s" in fault.message else fault.message or error.detail
    return {"CodeN": fault.number, "Code": fault.code, "Message": text}


def missing(name: str) -> Refusal:
    """A parameter that is not there."""
    return Refusal(MISSING_PARAMETER, name)
