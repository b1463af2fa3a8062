"""The error table and the answer's envelope that every service of Volcengine has in common; for adapters and dialect.

Codes and numbers: the vendor's page of common errors (docs/6440/71573) and its answers in shared/reference/recorded. The translate
service adds numbers as text ("-400"), with CodeN 0 and HTTP 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class CommonError:
    """One common error: its Code, its CodeN, its HTTP status, and its message ("%s" stands for a detail)."""

    code: str
    number: int
    status: int
    message: str


COMMON_ERRORS: Final[Mapping[str, CommonError]] = {
    row.code: row
    for row in (
        CommonError("MissingParameter", 100002, 400, "The request is missing %s parameter."),
        CommonError("MissingAuthenticationToken", 100003, 401, "Request is missing Authentication Token."),
        CommonError("MissingRequestInfo", 100004, 400, "The request is missing %s information."),
        CommonError("MissingSignature", 100005, 401, "The request is missing signature."),
        CommonError("InvalidTimestamp", 100006, 400, "The Signature of the request is expired."),
        CommonError("ServiceNotFound", 100007, 404, "This service[%s] not found."),
        CommonError("InvalidActionOrVersion", 100008, 404, "Could not find operation %s for version %s."),
        CommonError("InvalidAccessKey", 100009, 401, "The accesskey [%s] included in the request is invalid."),
        CommonError(
            "SignatureDoesNotMatch",
            100010,
            401,
            "The request signature we calculated does not match the signature you provided. "
            "Check your Secret Access Key and signing method. Consult the service documentation for details.",
        ),
        CommonError("LackPolicy", 100012, 403, "Request was rejected because of lack of policy."),
        CommonError("AccessDenied", 100013, 403, "User is not authorized to perform: %s on resource: %s."),
        CommonError("InternalError", 100014, 500, "Service has some internal Error. Pls Contact With Admin."),
        CommonError("InternalServiceTimeout", 100016, 504, "Internal Service is timeout. Pls Contact With Admin."),
        CommonError("FlowLimitExceeded", 100018, 429, "Request was rejected because of request speeding."),
        CommonError("ServiceUnavailableTemp", 100019, 503, "Service is unavailable for a while."),
        CommonError("MethodNotAllowed", 100020, 405, "The method of the request is not allowed."),
        # Documented without a CodeN: 0 stands for it.
        CommonError("InvalidAuthorization", 0, 400, "Invalid 'Authorization' header, Pls check authorization header."),
        CommonError(
            "InvalidCredential",
            0,
            400,
            "Invalid credential in 'Authorization', Pls check credential in authorization header.",
        ),
        CommonError("InvalidSecretToken", 0, 401, "Invalid secret token, msg: %s."),
    )
}

THROTTLED_CODES: Final = frozenset({"FlowLimitExceeded", "RequestLimitExceeded", "Throttling"})
"""Error.Code up to its first dot: the vendor asks to slow down."""
ACCOUNT_CODES: Final = frozenset(
    {"MissingAuthenticationToken", "MissingRequestInfo", "MissingSignature", "InvalidTimestamp", "InvalidAccessKey"}
    | {"SignatureDoesNotMatch", "LackPolicy", "LackProjectPolicy", "AccessDenied", "InvalidAuthorization"}
    | {"InvalidCredential", "InvalidSecretToken", "InvalidClientTokenId", "AccountOverdue", "OperationDenied"}
    | {"ServiceNotFound", "InvalidActionOrVersion", "ServiceNotOpen", "MethodNotAllowed"}
)
"""Codes that speak of our account, key, clock or endpoint, not of the customer's order."""
ILL_CODES: Final = frozenset(
    {"InternalError", "InternalServiceError", "InternalServiceTimeout", "ServiceUnavailableTemp"}
)


def error_of(document: Any) -> tuple[str, int, str] | None:
    """(Code, CodeN, Message) of an answer's envelope, None when it is no error. Lenient about types."""
    metadata = document.get("ResponseMetadata") if isinstance(document, Mapping) else None
    error = metadata.get("Error") if isinstance(metadata, Mapping) else None
    if not isinstance(error, Mapping) or not (error.get("Code") or error.get("CodeN")):
        return None
    number = error.get("CodeN")
    return str(error.get("Code") or ""), number if isinstance(number, int) else 0, str(error.get("Message") or "")


def metadata(
    *, action: str, version: str, service: str, region: str, request_id: str, error: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The ResponseMetadata of an answer."""
    made: dict[str, Any] = {
        "RequestId": request_id,
        "Action": action,
        "Version": version,
        "Service": service,
        "Region": region,
    }
    if error is not None:
        made["Error"] = dict(error)
    return made
