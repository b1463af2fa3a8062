"""The sync door: download a file, or make a request with a small answer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from apps.core.clock import Deadline
from apps.core.http.body import Decoder, declared_length, file_name
from apps.core.http.errors import BadStatus, BadUrl, FetchFailed, OutboundError, Stopped, TimedOut, TooLarge
from apps.core.http.policy import OutboundPolicy, check_url
from apps.core.http.transport import GuardedTransport, timeouts, translate

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Anything else may be a credential: vendors have headers of their own for theirs.
_PUBLIC_HEADERS = frozenset({"accept", "accept-encoding", "accept-language", "range", "user-agent"})


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that was fetched: size in bytes, sha256 as hex, final_url after redirects."""

    path: Path
    size: int
    sha256: str
    content_type: str
    file_name: str
    final_url: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A small answer, whatever its status."""

    status: int
    headers: httpx.Headers
    content: bytes
    final_url: str


def client(
    policy: OutboundPolicy, deadline: Deadline | None = None, should_stop: Callable[[], bool] = lambda: False
) -> httpx.Client:
    """A plain httpx client over the guarded transport; with it, follow_redirects stays off (use request instead)."""
    return httpx.Client(
        transport=GuardedTransport(policy, deadline, should_stop),
        timeout=timeouts(policy),
        trust_env=False,
        follow_redirects=False,
        headers={"user-agent": policy.user_agent, "accept-encoding": "identity"},
    )


def next_hop(
    request: httpx.Request, response: httpx.Response, policy: OutboundPolicy, hops: int
) -> tuple[str, httpx.URL, dict[str, str]] | None:
    """Where a redirect leads: method, checked address, headers; None if the response is no redirect.

    Credentials do not travel to another origin. Raises BadUrl, AddressRefused, or FetchFailed past the cap.
    """
    location = response.headers.get("location")
    if response.status_code not in _REDIRECTS or not location:
        return None
    if hops >= policy.max_redirects:
        raise FetchFailed(f"The address redirects more than {policy.max_redirects} times.", retryable=False)
    try:
        target = str(request.url.join(location))
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise BadUrl("The address redirects to something malformed.") from None
    url = check_url(target, policy)
    same = (url.scheme, url.host, url.port) == (request.url.scheme, request.url.host, request.url.port)
    headers = {
        name: value
        for name, value in request.headers.items()
        if name not in ("host", "content-length") and (same or name in _PUBLIC_HEADERS)
    }
    method = "GET" if response.status_code == 303 and request.method != "HEAD" else request.method
    return method, url, headers


def build(
    http: httpx.Client | httpx.AsyncClient,
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: bytes | None,
) -> httpx.Request:
    """The request. Raises BadUrl for header values that HTTP cannot carry (a key with letters that are not ASCII)."""
    try:
        return http.build_request(method, url, headers=headers, content=content)
    except UnicodeError:
        raise BadUrl("A header of the request holds letters that HTTP cannot carry.") from None


@contextmanager
def _response(
    http: httpx.Client,
    method: str,
    url: str,
    policy: OutboundPolicy,
    headers: Mapping[str, str] | None,
    content: bytes | None,
) -> Iterator[httpx.Response]:
    """The answer after redirects (followed for GET and HEAD only), its body unread."""
    target = check_url(url, policy)
    send_headers = dict(headers or {})
    for hops in range(policy.max_redirects + 2):
        sent = build(http, method, target, send_headers, content)
        try:
            response = http.send(sent, stream=True)
        except httpx.HTTPError as error:
            raise translate(error) from None
        try:
            # Cookies of strangers are not kept between hops.
            http.cookies.clear()
            hop = next_hop(sent, response, policy, hops) if method in ("GET", "HEAD") else None
            if hop is None:
                yield response
                return
            method, target, send_headers = hop
        finally:
            response.close()


def _pieces(response: httpx.Response, limit: int, on_raw: Callable[[int], None]) -> Iterator[bytes]:
    """Decoded pieces of the body, cut off by TooLarge past the limit (counted raw and decoded)."""
    declared = declared_length(response.headers)
    if declared is not None and declared > limit:
        raise TooLarge(f"The file is {declared} bytes; at most {limit} are accepted.")
    decoder = Decoder(response.headers)
    raw = decoded = 0
    try:
        for data in response.iter_raw():
            raw += len(data)
            on_raw(raw)
            for piece in decoder.feed(data):
                decoded += len(piece)
                if max(raw, decoded) > limit:
                    raise TooLarge(f"The file is larger than the {limit} bytes that are accepted.")
                yield piece
    except httpx.HTTPError as error:
        raise translate(error) from None
    decoder.finish()


def download(
    url: str,
    dest: Path,
    policy: OutboundPolicy,
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
    headers: Mapping[str, str] | None = None,
) -> Downloaded:
    """Fetch an address into dest (written beside it, flushed, then renamed: dest is whole or absent).

    on_progress(bytes so far, bytes declared or None) runs at most once per piece. Raises OutboundError; its
    as_job_error() gives 10901, or 10905 for a body over policy.max_bytes, or 10909 when should_stop() said so.
    """
    deadline = Deadline(policy.total_seconds)
    part = dest.with_name(dest.name + ".part")
    digest = hashlib.sha256()
    size = 0
    pace = _Pace(policy, deadline, should_stop)
    try:
        with client(policy, deadline, should_stop) as http, _response(http, "GET", url, policy, headers, None) as reply:
            if reply.status_code != 200:
                raise BadStatus(f"The host answered with status {reply.status_code}.", reply.status_code)
            total = declared_length(reply.headers) if "content-encoding" not in reply.headers else None
            with part.open("wb") as file:
                for piece in _pieces(reply, policy.max_bytes, pace.check):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    on_progress(size, total)
                file.flush()
                os.fsync(file.fileno())
            part.replace(dest)
            content_type = reply.headers.get("content-type", "").split(";")[0].strip().lower()
            name = file_name(reply.headers, reply.url)
            return Downloaded(dest, size, digest.hexdigest(), content_type[:100], name, str(reply.url))
    finally:
        part.unlink(missing_ok=True)


class _Pace:
    """Says stop when the caller does, when time is up, or when the host drips."""

    def __init__(self, policy: OutboundPolicy, deadline: Deadline, should_stop: Callable[[], bool]) -> None:
        self._policy = policy
        self._deadline = deadline
        self._should_stop = should_stop
        self._window = Deadline(policy.slow_seconds)
        self._at = 0

    def check(self, raw: int) -> None:
        if self._should_stop():
            raise Stopped("Stopped.")
        if self._deadline.over:
            raise TimedOut("The transfer took too long.")
        if self._window.over:
            if raw - self._at < self._policy.slow_bytes_per_second * self._policy.slow_seconds:
                raise TimedOut("The host sends too slowly.")
            self._window, self._at = Deadline(self._policy.slow_seconds), raw


def request(
    method: str,
    url: str,
    *,
    policy: OutboundPolicy,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Reply:
    """One request with an answer of at most policy.max_reply_bytes, any status. Redirects only for GET and HEAD.

    Raises OutboundError.
    """
    deadline = Deadline(policy.total_seconds)
    pace = _Pace(policy, deadline, lambda: False)
    with client(policy, deadline) as http, _response(http, method, url, policy, headers, content) as reply:
        body = b"".join(_pieces(reply, policy.max_reply_bytes, pace.check)) if method != "HEAD" else b""
        return Reply(reply.status_code, reply.headers, body, str(reply.url))


__all__ = ["Downloaded", "OutboundError", "Reply", "build", "client", "download", "next_hop", "request"]
