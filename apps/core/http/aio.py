"""The async door for many connections at once (poller, webhooks): httpx's API over aiohttp's pool, guarded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions

from apps.core.http.body import Decoder, declared_length
from apps.core.http.errors import AddressRefused, FetchFailed, OutboundError, TimedOut, TooLarge
from apps.core.http.fetch import Reply, build, next_hop
from apps.core.http.policy import OutboundPolicy, check_url
from apps.core.http.transport import default_ssl_context, timeouts, translate

# Of its own, so that slow name servers of strangers do not use up the loop's default threads.
_lookups = ThreadPoolExecutor(16, thread_name_prefix="lookup")


class _Resolver(AbstractResolver):
    """aiohttp's resolver with the guard in it: what it returns is what is connected to."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self._policy = policy
        # Private addresses that a name allowed by the operator led to; the last gate lets these through.
        self.allowed: set[tuple[str, int]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await asyncio.get_running_loop().run_in_executor(_lookups, self._policy.resolve, host, port)
        self.allowed.update((address, port) for address in addresses if not self._policy.permits(address, port))
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
            if family in (socket.AF_UNSPEC, socket.AF_INET6 if ":" in address else socket.AF_INET)
        ]

    async def close(self) -> None:
        return None


class _Refused(OSError):
    """aiohttp lets only OSError out of its connector; this one is turned back into AddressRefused."""


class GuardedAsyncTransport(httpx.AsyncBaseTransport):
    """httpx over an aiohttp session that resolves and connects under a policy, keeps no cookies, obeys no environment.

    Not httpx_aiohttp's own transport: that one hands the address over as text, and aiohttp then rewrites its escapes
    (%2F in a query), which breaks signed links; its stream and its table of exceptions are used here.
    """

    def __init__(self, policy: OutboundPolicy, max_connections: int) -> None:
        self._policy = policy
        self._max_connections = max_connections
        self._made: aiohttp.ClientSession | None = None

    def _session(self) -> aiohttp.ClientSession:
        resolver = _Resolver(self._policy)
        policy = self._policy

        def open_socket(info: Any) -> socket.socket:
            family, kind, proto, _, address = info
            if not policy.permits(address[0], address[1]) and (address[0], address[1]) not in resolver.allowed:
                raise _Refused("refused address")
            made = socket.socket(family, kind, proto)
            made.setblocking(False)
            return made

        connector = aiohttp.TCPConnector(
            resolver=resolver,
            use_dns_cache=False,
            ssl=policy.ssl_context or default_ssl_context(),
            limit=self._max_connections,
            limit_per_host=0,
            keepalive_timeout=30.0,
            socket_factory=open_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=16384,
            max_field_size=16384,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        check_url(str(request.url), self._policy)
        if self._made is None:
            self._made = self._session()
        times = request.extensions.get("timeout", {})
        with map_aiohttp_exceptions():
            response = await self._made.request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=request.headers,
                skip_auto_headers=("content-type", "accept", "accept-encoding", "user-agent"),
                data=(await request.aread()) or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=times.get("pool"), sock_connect=times.get("connect"), sock_read=times.get("read")
                ),
            )
        return httpx.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=AiohttpResponseStream(response),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.close()


def async_client(policy: OutboundPolicy, *, max_connections: int = 100) -> httpx.AsyncClient:
    """An httpx.AsyncClient for async_request; make one per process and close it at the end."""
    return httpx.AsyncClient(
        transport=GuardedAsyncTransport(policy, max_connections),
        timeout=timeouts(policy),
        trust_env=False,
        follow_redirects=False,
        headers={"user-agent": policy.user_agent, "accept-encoding": "identity"},
    )


async def async_request(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    policy: OutboundPolicy,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    follow_redirects: bool = True,
    keep_bytes: int | None = None,
) -> Reply:
    """One request within policy.total_seconds, its answer at most policy.max_reply_bytes; any status is an answer.

    Redirects are followed for GET and HEAD only. With keep_bytes a longer answer is no error: that much of its raw beginning is
    kept, and what exceeds max_reply_bytes is not read. Raises OutboundError.
    """
    try:
        async with asyncio.timeout(policy.total_seconds):
            return await _request(http, method, url, policy, dict(headers or {}), content, follow_redirects, keep_bytes)
    except TimeoutError:
        raise TimedOut("The host took too long to answer.") from None


async def _request(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    policy: OutboundPolicy,
    headers: dict[str, str],
    content: bytes | None,
    follow: bool,
    keep: int | None,
) -> Reply:
    target = check_url(url, policy)
    for hops in range(policy.max_redirects + 2):
        sent = build(http, method, target, headers, content)
        try:
            response = await http.send(sent, stream=True)
            try:
                http.cookies.clear()
                hop = next_hop(sent, response, policy, hops) if follow and method in ("GET", "HEAD") else None
                if hop is None:
                    if keep is not None:
                        body = await _beginning(response, keep, policy.max_reply_bytes)
                    else:
                        body = await _body(response, policy.max_reply_bytes) if method != "HEAD" else b""
                    return Reply(response.status_code, response.headers, body, str(response.url))
                method, target, headers = hop
            finally:
                await response.aclose()
        except (httpx.HTTPError, OSError, aiohttp.ClientError) as error:
            raise _translate(error) from None
    raise FetchFailed("The address redirects too often.", retryable=False)


async def _beginning(response: httpx.Response, keep: int, most: int) -> bytes:
    """The first bytes of an answer. Read to its end within `most`, so that the connection can serve again."""
    kept = bytearray()
    read = 0
    async for data in response.aiter_raw():
        kept += data[: keep - len(kept)]
        read += len(data)
        if read > most:
            break
    return bytes(kept)


async def _body(response: httpx.Response, limit: int) -> bytes:
    declared = declared_length(response.headers)
    if declared is not None and declared > limit:
        raise TooLarge(f"The answer is {declared} bytes; at most {limit} are accepted.")
    decoder = Decoder(response.headers)
    body = bytearray()
    raw = 0
    async for data in response.aiter_raw():
        raw += len(data)
        for piece in decoder.feed(data):
            body += piece
            if max(raw, len(body)) > limit:
                raise TooLarge(f"The answer is larger than the {limit} bytes that are accepted.")
    decoder.finish()
    return bytes(body)


def _translate(error: Exception) -> OutboundError:
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, _Refused):
            return AddressRefused("The host is not a public address, so it may not be called.")
        if isinstance(below, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
            return FetchFailed("The host broke the conversation off, or did not speak HTTP.")
        if isinstance(below, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
            return FetchFailed("The host's TLS certificate or connection is not valid.", retryable=False)
        if isinstance(below, aiohttp.ClientConnectorError):
            return FetchFailed("The host refused the connection.")
        below = below.__cause__ or below.__context__
    return translate(error)
