"""The request signature of Volcengine (HMAC-SHA256 over a canonical request), made (in headers) and verified (there or in the query); pure.

Facts: shared/reference/volcengine/sign_vectors.json (both SDKs' own signers). kDate = HMAC(secret, YYYYMMDD), then region, service
and "request"; the signature covers method, path, query, the headers that the client itself names in SignedHeaders, and the
SHA-256 of the body. A presigned URL carries the same in X-… query parameters and, as a rule, no body hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from calendar import timegm
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import gmtime, strftime, strptime
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

ALGORITHM: Final = "HMAC-SHA256"
CONTENT_HASH: Final = "x-content-sha256"
_TERMINATOR: Final = "request"
_DATE: Final = re.compile(r"\d{8}T\d{6}Z")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_AUTHORIZATION: Final = re.compile(
    r"HMAC-SHA256\s+Credential=(?P<credential>[^,\s]+)\s*,\s*SignedHeaders=(?P<headers>[^,\s]*)\s*,\s*Signature=(?P<signature>\S+)\s*"
)
_EMPTY_HASH: Final = hashlib.sha256(b"").hexdigest()
_MAX_SIGNED: Final = 64
_MAX_FIELDS: Final = 500

Pairs = Sequence[tuple[str, str]]


class SignatureProblem(ValueError):
    """What a client sent is no signature of this scheme. `reason`: missing, malformed or bad_date; str() is a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        super().__init__(sentence)


MISSING: Final = "missing"
MALFORMED: Final = "malformed"
BAD_DATE: Final = "bad_date"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says it is from, before its signature is checked.

    `signed_headers` are lower-case names in the client's order. `signed_queries` is None in the header form (the whole query is
    signed). `moment` is X-Date in unix seconds: the caller compares it with its clock.
    """

    access_key: str
    x_date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: float
    session_token: str = ""
    signed_queries: tuple[str, ...] | None = None
    body_signed: bool = True

    @property
    def by_query(self) -> bool:
        """Whether it is a presigned URL."""
        return self.signed_queries is not None

    @property
    def scope(self) -> str:
        """The credential scope: date, region, service and "request"."""
        return "/".join((self.x_date[:8], self.region, self.service, _TERMINATOR))


def sign(
    method: str,
    url: str,
    *,
    access_key: str,
    secret_key: str,
    region: str,
    service: str,
    now: float,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    session_token: str = "",
) -> dict[str, str]:
    """The headers to send: those given, with Host, X-Date, X-Content-Sha256, X-Security-Token (if any) and Authorization.

    `now` in unix seconds. Signed are Host, Content-Type, Content-MD5 and everything that begins with X-, as the SDKs do.
    """
    parts = urlsplit(url)
    sent = {name: value for name, value in (headers or {}).items() if name.lower() not in ("host", "authorization")}
    sent |= {"Host": _host(parts.netloc), "X-Date": _x_date(now), "X-Content-Sha256": hashlib.sha256(body).hexdigest()}
    if session_token:
        sent["X-Security-Token"] = session_token
    lower = {name.lower(): value.strip() for name, value in sent.items()}
    names = tuple(sorted(name for name in lower if name in ("host", "content-type", "content-md5") or name[:2] == "x-"))
    scope = "/".join((sent["X-Date"][:8], region, service, _TERMINATOR))
    canonical = canonical_request(
        method, parts.path or "/", _canonical_query(_pairs(parts.query)), names, lower, lower[CONTENT_HASH]
    )
    signature = _signature(secret_key, sent["X-Date"], scope, canonical)
    sent["Authorization"] = (
        f"{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return sent


def parse_authorization(headers: Mapping[str, str], query: str) -> Claim:
    """Reads the claim of a request: the Authorization header, else the X-… parameters of a presigned URL.

    `headers` with lower-case names; `query` is the raw query string. Raises SignatureProblem.
    """
    authorization = headers.get("authorization", "").strip()
    if authorization:
        found = _AUTHORIZATION.fullmatch(authorization)
        if found is None:
            raise SignatureProblem(MALFORMED, "The Authorization header is not of the HMAC-SHA256 form.")
        return _claim(
            credential=found["credential"],
            signed_headers=found["headers"],
            signature=found["signature"],
            x_date=headers.get("x-date", "").strip(),
            session_token=headers.get("x-security-token", "").strip(),
        )
    given = dict(_pairs(query))
    if "X-Signature" not in given:
        raise SignatureProblem(MISSING, "The request has neither an Authorization header nor an X-Signature parameter.")
    if given.get("X-Algorithm", ALGORITHM) != ALGORITHM:
        raise SignatureProblem(MALFORMED, f"X-Algorithm must be {ALGORITHM}.")
    return _claim(
        credential=given.get("X-Credential", ""),
        signed_headers=given.get("X-SignedHeaders", ""),
        signature=given["X-Signature"],
        x_date=given.get("X-Date", ""),
        session_token=given.get("X-Security-Token", ""),
        signed_queries=tuple(name for name in given.get("X-SignedQueries", "").split(";") if name),
        body_signed="X-NotSignBody" not in given,
    )


def verify(
    claim: Claim, secret_key: str, *, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> bool:
    """Whether the request was signed with this secret, by the client's own SignedHeaders; compared in constant time.

    `headers` with lower-case names as they arrived, `query` the raw query string. A stated X-Content-Sha256 must be that of the
    body. The SDKs disagree in small things (a default port in Host, the order of repeated parameters, whether a session token
    is in a presigned query): each of their forms is accepted. The clock window and replays are the caller's. Raises
    SignatureProblem for a query that no client sends.
    """
    body_hash = hashlib.sha256(body).hexdigest()
    stated = headers.get(CONTENT_HASH, "").strip().lower()
    if stated and claim.body_signed and not hmac.compare_digest(stated.encode(), body_hash.encode()):
        return False
    if any(name not in headers for name in claim.signed_headers):
        return False
    good = False
    for canonical_query in _query_forms(claim, _pairs(query)):
        for values in _header_forms(claim, headers):
            canonical = canonical_request(
                method, path or "/", canonical_query, claim.signed_headers, values,
                body_hash if claim.body_signed else _EMPTY_HASH,
            )  # fmt: skip
            expected = _signature(secret_key, claim.x_date, claim.scope, canonical)
            good |= hmac.compare_digest(expected.encode(), claim.signature.encode())
    return good


def canonical_request(
    method: str, path: str, query: str, names: Sequence[str], headers: Mapping[str, str], body_hash: str
) -> str:
    """The text whose hash is signed; `query` is canonical already. Without signed headers the SDKs leave one empty line more."""
    block = "".join(f"{name}:{headers[name].strip()}\n" for name in names) or "\n"
    return "\n".join((method.upper(), quote(path, safe="/-_.~%"), query, block, ";".join(names), body_hash))


def string_to_sign(x_date: str, scope: str, canonical: str) -> str:
    """The text that the signing key signs."""
    return "\n".join((ALGORITHM, x_date, scope, hashlib.sha256(canonical.encode()).hexdigest()))


def signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    """The key of a day, region and service; `date` is YYYYMMDD. Unlike AWS nothing is put before the secret."""
    key = secret_key.encode()
    for part in (date, region, service, _TERMINATOR):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _signature(secret_key: str, x_date: str, scope: str, canonical: str) -> str:
    date, region, service, _ = scope.split("/")
    key = signing_key(secret_key, date, region, service)
    return hmac.new(key, string_to_sign(x_date, scope, canonical).encode(), hashlib.sha256).hexdigest()


def _claim(
    *,
    credential: str,
    signed_headers: str,
    signature: str,
    x_date: str,
    session_token: str,
    signed_queries: tuple[str, ...] | None = None,
    body_signed: bool = True,
) -> Claim:
    scope = credential.split("/")
    if len(scope) != 5 or not all(scope) or scope[4] != _TERMINATOR:
        raise SignatureProblem(MALFORMED, "The credential must be AccessKeyId/date/region/service/request.")
    if not _SIGNATURE.fullmatch(signature):
        raise SignatureProblem(MALFORMED, "The signature must be 64 lower-case hexadecimal digits.")
    if not _DATE.fullmatch(x_date) or x_date[:8] != scope[1]:
        raise SignatureProblem(BAD_DATE, "X-Date must be YYYYMMDDTHHMMSSZ of the day that the credential names.")
    try:
        moment = float(timegm(strptime(x_date, "%Y%m%dT%H%M%SZ")))
    except ValueError:
        raise SignatureProblem(BAD_DATE, "X-Date is no moment of the calendar.") from None
    names = tuple(name.strip().lower() for name in signed_headers.split(";") if name.strip())
    if len(names) > _MAX_SIGNED or len(set(names)) != len(names):
        raise SignatureProblem(MALFORMED, "SignedHeaders names a header twice, or too many.")
    return Claim(
        scope[0], x_date, scope[2], scope[3], names, signature, moment, session_token, signed_queries, body_signed
    )


def _query_forms(claim: Claim, pairs: Pairs) -> Iterator[str]:
    pairs = [(name, value) for name, value in pairs if name != "X-Signature"] if claim.by_query else pairs
    sets: Sequence[Pairs] = [pairs]
    if claim.signed_queries is not None:
        listed = [(name, value) for name, value in pairs if name in claim.signed_queries]
        # The older SDK signs the session token though it does not list it.
        sets = [listed] + ([[*listed, ("X-Security-Token", claim.session_token)]] if claim.session_token else [])
    forms: dict[str, None] = {}
    for chosen in sets:
        forms[_canonical_query(chosen)] = None
        forms[_join(sorted(chosen, key=lambda pair: pair[0]))] = None
    yield from forms


def _header_forms(claim: Claim, headers: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    values = {name: headers[name] for name in claim.signed_headers}
    yield values
    if "host" in values and (bare := _host(values["host"])) != values["host"]:
        yield values | {"host": bare}


def _host(netloc: str) -> str:
    """A host as it is signed: without a default port."""
    host, colon, port = netloc.strip().rpartition(":")
    return host if colon and port in ("80", "443") else netloc.strip()


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise SignatureProblem(MALFORMED, f"The query has more than {_MAX_FIELDS} parameters.") from None


def _canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    return _join(sorted(pairs, key=lambda pair: (_quote(pair[0]), _quote(pair[1]))))


def _join(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{_quote(name)}={_quote(value)}" for name, value in pairs)


def _quote(text: str) -> str:
    return quote(text, safe="-_.~")


def _x_date(now: float) -> str:
    return strftime("%Y%m%dT%H%M%SZ", gmtime(now))
