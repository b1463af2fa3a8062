"""The guarded transport of the sync door: it alone turns a name into a connection."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

import httpcore
import httpx

from apps.core.clock import Deadline
from apps.core.http.errors import FetchFailed, OutboundError, Stopped, TimedOut
from apps.core.http.policy import OutboundPolicy

_SLICE = 1.0  # seconds between looks at should_stop while a socket is silent
_MAX_ADDRESSES = 4


@cache
def default_ssl_context() -> ssl.SSLContext:
    """One trust store per process (building it costs 20 ms); SSL_CERT_FILE and SSL_CERT_DIR are honoured."""
    return httpx.create_ssl_context()


def resolve_in_time(policy: OutboundPolicy, host: str, port: int, seconds: float) -> list[str]:
    """policy.resolve with a limit: getaddrinfo itself cannot be told when to give up."""
    answer: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answer.put(policy.resolve(host, port))
        except Exception as error:
            answer.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        result = answer.get(timeout=max(0.001, seconds))
    except Empty:
        raise TimedOut(f"Looking up the host {host} took too long.", unsent=True) from None
    if isinstance(result, Exception):
        raise result
    return result


class _Stream(httpcore.NetworkStream):
    """A socket stream on which no single read or write outlives the deadline or a stop."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline | None, stop: Callable[[], bool]) -> None:
        self._inner = inner
        self._deadline = deadline
        self._stop = stop

    def _wait(self, action: Callable[[float], Any], timeout: float | None, late: type[Exception]) -> Any:
        silence = Deadline(timeout if timeout is not None else 3600.0)
        while True:
            if self._stop():
                raise Stopped("Stopped.")
            left = min(silence.left, self._deadline.left if self._deadline else silence.left)
            if left <= 0:
                raise TimedOut("The host took too long to answer.")
            try:
                return action(min(_SLICE, left))
            except late:
                continue

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self._wait(lambda t: self._inner.read(max_bytes, t), timeout, httpcore.ReadTimeout)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Not in slices: a write cut by a timeout may have sent a part, and must not be sent again.
        left = self._deadline.left if self._deadline else 3600.0
        self._inner.write(buffer, max(0.001, min(left, timeout if timeout is not None else left)))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left if self._deadline else 3600.0
        limit = max(0.001, min(left, timeout if timeout is not None else left))
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit), self._deadline, self._stop)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Resolves once, checks, connects to exactly what was checked."""

    def __init__(self, policy: OutboundPolicy, deadline: Deadline | None, stop: Callable[[], bool]) -> None:
        self._policy = policy
        self._deadline = deadline
        self._stop = stop
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        limit = Deadline(timeout if timeout is not None else self._policy.connect_seconds)
        addresses = resolve_in_time(self._policy, host, port, self._left(limit))
        last: Exception | None = None
        for address in addresses[:_MAX_ADDRESSES]:
            if self._stop():
                raise Stopped("Stopped.")
            try:
                stream = self._inner.connect_tcp(address, port, self._left(limit), local_address, socket_options)
                return _Stream(stream, self._deadline, self._stop)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        if isinstance(last, httpcore.ConnectTimeout):
            raise TimedOut(f"The host {host} did not answer in time.", unsent=True) from None
        raise FetchFailed(f"The host {host} refused the connection.", unsent=True) from None

    def _left(self, limit: Deadline) -> float:
        return max(0.001, min(limit.left, self._deadline.left if self._deadline else limit.left))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise FetchFailed("Unix sockets are not called.", retryable=False)


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport over a pool whose only way out is _Backend. No proxies, no environment, HTTP/1.1."""

    def __init__(
        self, policy: OutboundPolicy, deadline: Deadline | None = None, stop: Callable[[], bool] = lambda: False
    ) -> None:
        context = policy.ssl_context or default_ssl_context()
        super().__init__(verify=context, trust_env=False)
        # httpx has no argument for a network backend; the pool is replaced before it was ever used.
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=20,
            max_keepalive_connections=10,
            keepalive_expiry=30.0,
            network_backend=_Backend(policy, deadline, stop),
        )


def timeouts(policy: OutboundPolicy) -> httpx.Timeout:
    return httpx.Timeout(policy.read_seconds, connect=policy.connect_seconds)


def translate(error: Exception) -> OutboundError:
    """httpx's exceptions in our words (never with the host's own text, which may quote an internal address)."""
    if isinstance(error, OutboundError):
        return error
    if isinstance(error, httpx.TimeoutException):
        waited = isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
        return TimedOut("The host took too long to answer.", unsent=waited)
    if isinstance(error, httpx.ConnectError) and isinstance(_root(error), ssl.SSLError):
        return FetchFailed("The host's TLS certificate or connection is not valid.", retryable=False, unsent=True)
    if isinstance(error, httpx.RemoteProtocolError):
        return FetchFailed("The host broke the conversation off, or did not speak HTTP.")
    unsent = isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol)
    return FetchFailed("The connection to the host failed.", unsent=unsent)


def _root(error: BaseException) -> BaseException:
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return error
