"""Presigned URLs as the SDKs make them: a client's half of the scheme, which the product only verifies."""

from __future__ import annotations

import hashlib
import hmac
from time import gmtime, strftime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from apps.providers.volcengine_sign import ALGORITHM, canonical_request, signing_key, string_to_sign


def presign(
    method: str,
    url: str,
    *,
    access_key: str,
    secret_key: str,
    region: str,
    service: str,
    now: float,
    session_token: str = "",
    sign_host: bool = False,
) -> str:
    """The URL with the signature in its query; the body is not signed. `now` in unix seconds."""
    parts = urlsplit(url)
    x_date = strftime("%Y%m%dT%H%M%SZ", gmtime(now))
    scope = f"{x_date[:8]}/{region}/{service}/request"
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {
        "X-Date": x_date,
        "X-NotSignBody": "",
        "X-Credential": f"{access_key}/{scope}",
        "X-Algorithm": ALGORITHM,
        "X-SignedHeaders": "host" if sign_host else "",
    }
    query["X-SignedQueries"] = ";".join(sorted({*query, "X-SignedQueries"}))
    names = ("host",) if sign_host else ()
    nothing = hashlib.sha256(b"").hexdigest()
    canonical = canonical_request(method, parts.path or "/", _text(query), names, {"host": parts.netloc}, nothing)
    key = signing_key(secret_key, x_date[:8], region, service)
    if session_token:
        query["X-Security-Token"] = session_token
    query["X-Signature"] = hmac.new(key, string_to_sign(x_date, scope, canonical).encode(), hashlib.sha256).hexdigest()
    return f"{parts.scheme}://{parts.netloc}{parts.path or '/'}?{_text(query)}"


def _text(query: dict[str, str]) -> str:
    return urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
