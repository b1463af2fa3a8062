"""The outbound door against hosts that lie, drip, never end, lead elsewhere, or change their address."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.core.http import (
    AddressRefused,
    BadStatus,
    FetchFailed,
    OutboundError,
    OutboundPolicy,
    Reply,
    Stopped,
    TimedOut,
    TooLarge,
    async_client,
    async_request,
    download,
    request,
)
from tests.core.hostile import Hostile, answer, by_path, endless, hostile, raw

BODY = bytes(range(256)) * 400


def policy(host: Hostile, **changes: object) -> OutboundPolicy:
    """A policy under which only this test's host may be reached."""
    values = {"allowed_private": (f"127.0.0.1:{host.port}",), "total_seconds": 20.0, **changes}
    return OutboundPolicy(**values)  # type: ignore[arg-type]


def url(host: Hostile, path: str = "clip.mp4") -> str:
    return f"http://127.0.0.1:{host.port}/{path}"


@pytest.fixture
def dest(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "source"
    assert not (tmp_path / "source.part").exists(), "a part of a download was left behind"


def test_a_file_arrives_whole_with_its_digest_and_name(host: Hostile, dest: Path) -> None:
    host.talk = answer(BODY, Content_Type="video/mp4; x=y", Content_Disposition='attachment; filename="../My clip.mp4"')
    told: list[tuple[int, int | None]] = []
    got = download(url(host), dest, policy(host), lambda done, total: told.append((done, total)))
    assert dest.read_bytes() == BODY
    assert got.size == len(BODY)
    assert got.sha256 == hashlib.sha256(BODY).hexdigest()
    assert (got.content_type, got.file_name, got.path) == ("video/mp4", "My clip.mp4", dest)
    assert told[-1] == (len(BODY), len(BODY))
    head = host.heads[0].decode().lower()
    assert f"host: 127.0.0.1:{host.port}" in head
    assert "accept-encoding: identity" in head
    assert "cookie" not in head


def test_without_a_setting_loopback_is_refused_and_nothing_is_sent(host: Hostile, dest: Path) -> None:
    with pytest.raises(AddressRefused) as refused:
        download(url(host), dest, OutboundPolicy())
    assert refused.value.as_job_error().code == 10901
    assert host.heads == []


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://[::1]/",
        "http://2130706433/",
        "file:///etc/passwd",
        "http://user@example.com/",
        "//10.0.0.1/",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(host: Hostile, dest: Path, location: str) -> None:
    host.talk = answer(status="302 Found", Location=location)
    with pytest.raises(OutboundError) as caught:
        download(url(host), dest, policy(host))
    assert caught.value.as_job_error().code == 10901
    assert not isinstance(caught.value, FetchFailed)
    assert len(host.heads) == 1


def test_a_redirect_to_nonsense_is_an_error(host: Hostile, dest: Path) -> None:
    host.talk = answer(status="302 Found", Location="http://[::1")
    with pytest.raises(OutboundError):
        download(url(host), dest, policy(host))
    with pytest.raises(OutboundError):
        ask(policy(host), url(host))


def test_redirects_are_followed_but_not_for_ever(host: Hostile, dest: Path) -> None:
    host.talk = by_path(
        **{
            "clip.mp4": answer(status="302 Found", Location="/there?x=1"),
            "there": answer(b"arrived", Content_Type="video/mp4"),
            "loop": answer(status="307 Temporary Redirect", Location="/loop"),
        }
    )
    got = download(url(host), dest, policy(host))
    assert dest.read_bytes() == b"arrived"
    assert got.final_url == url(host, "there?x=1")
    with pytest.raises(FetchFailed, match="redirects"):
        download(url(host, "loop"), dest, policy(host, max_redirects=3))
    assert len(host.heads) == 2 + 4


def test_credentials_do_not_follow_to_another_origin(host: Hostile) -> None:
    with hostile() as other:
        other.talk = answer(b"ok")
        host.talk = answer(status="302 Found", Location=f"http://127.0.0.1:{other.port}/")
        allowed = OutboundPolicy(allowed_private=("127.0.0.1",))
        theirs = {
            "Authorization": "Bearer s1",
            "Ocp-Apim-Subscription-Key": "s2",
            "X-Whatever": "s3",
            "Range": "bytes=0-9",
        }
        request("GET", url(host), policy=allowed, headers=theirs)
        for secret in (b"Bearer s1", b": s2", b": s3"):
            assert secret in host.heads[0]
            assert secret not in other.heads[0], "any header may be somebody's credential"
        assert b"bytes=0-9" in other.heads[0]


def test_a_body_without_end_is_cut_at_the_cap(host: Hostile, dest: Path) -> None:
    host.talk = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)
    with pytest.raises(TooLarge) as caught:
        download(url(host), dest, policy(host, max_bytes=1_000_000))
    assert caught.value.as_job_error().code == 10905
    assert not dest.exists()


def test_endless_headers_are_cut_too(host: Hostile, dest: Path) -> None:
    host.talk = endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 5000 + b"\r\n")
    with pytest.raises(FetchFailed):
        download(url(host), dest, policy(host))


def test_a_declared_length_over_the_cap_is_refused_before_reading(host: Hostile, dest: Path) -> None:
    host.talk = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nabc")
    with pytest.raises(TooLarge):
        download(url(host), dest, policy(host))


def test_a_body_shorter_than_declared_is_no_file(host: Hostile, dest: Path) -> None:
    host.talk = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    with pytest.raises(FetchFailed) as caught:
        download(url(host), dest, policy(host))
    assert caught.value.retryable
    assert not dest.exists()


def test_a_body_longer_than_declared_ends_where_declared(host: Hostile, dest: Path) -> None:
    host.talk = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfourand more")
    assert download(url(host), dest, policy(host)).size == 4


def test_a_gzip_bomb_does_not_go_off(host: Hostile, dest: Path) -> None:
    bomb = gzip.compress(b"\0" * 300_000_000, compresslevel=9)
    host.talk = answer(bomb, Content_Encoding="gzip")
    started = time.monotonic()
    with pytest.raises(TooLarge):
        download(url(host), dest, policy(host, max_bytes=5_000_000))
    assert time.monotonic() - started < 5
    with pytest.raises(TooLarge):
        request("GET", url(host), policy=policy(host))


def test_gzip_is_undone_and_other_encodings_are_refused(host: Hostile, dest: Path) -> None:
    host.talk = answer(gzip.compress(BODY), Content_Encoding="gzip")
    assert download(url(host), dest, policy(host)).sha256 == hashlib.sha256(BODY).hexdigest()
    host.talk = answer(gzip.compress(BODY)[:-20], Content_Encoding="gzip")
    with pytest.raises(FetchFailed):
        download(url(host), dest, policy(host))
    host.talk = answer(BODY, Content_Encoding="gzip")
    with pytest.raises(FetchFailed):
        download(url(host), dest, policy(host))
    host.talk = answer(BODY, Content_Encoding="br")
    with pytest.raises(FetchFailed):
        download(url(host), dest, policy(host))


def in_time(seconds: float, call: Callable[[], object]) -> OutboundError:
    started = time.monotonic()
    with pytest.raises(OutboundError) as caught:
        call()
    assert time.monotonic() - started < seconds
    return caught.value


def test_silence_ends_after_read_seconds(host: Hostile, dest: Path) -> None:
    host.talk = lambda connection, head: time.sleep(30)
    error = in_time(4, lambda: download(url(host), dest, policy(host, read_seconds=1.0)))
    assert isinstance(error, TimedOut)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Drip: "])
def test_a_drip_ends_with_the_total_time(host: Hostile, dest: Path, head: bytes) -> None:
    """Each byte arrives well within the read time; the whole never would. In the body as in the head."""
    host.talk = endless(head, b"x", pause=0.05)
    error = in_time(5, lambda: download(url(host), dest, policy(host, total_seconds=1.5)))
    assert isinstance(error, TimedOut)


def test_a_crawl_ends_before_the_total_time(host: Hostile, dest: Path) -> None:
    host.talk = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x", pause=0.05)
    error = in_time(5, lambda: download(url(host), dest, policy(host, total_seconds=600, slow_seconds=1.0)))
    assert isinstance(error, TimedOut)
    assert "slowly" in str(error)


def test_a_stop_is_heard_while_the_host_is_silent(host: Hostile, dest: Path) -> None:
    host.talk = lambda connection, head: time.sleep(30)
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    error = in_time(5, lambda: download(url(host), dest, policy(host), should_stop=stop.is_set))
    assert isinstance(error, Stopped)
    assert error.as_job_error().code == 10909


@pytest.mark.parametrize(
    ("status", "retryable"),
    [("404 Not Found", False), ("403 Forbidden", False), ("503 Busy", True), ("429 Slow", True)],
)
def test_other_statuses_are_errors_that_say_whether_to_try_again(
    host: Hostile, dest: Path, status: str, retryable: bool
) -> None:
    host.talk = answer(b"no", status=status)
    with pytest.raises(BadStatus) as caught:
        download(url(host), dest, policy(host))
    assert (caught.value.status, caught.value.retryable) == (int(status[:3]), retryable)


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x00\x00", b"HTTP/9.9 banana\r\n\r\n"])
def test_what_is_no_http_is_an_error_without_the_hosts_words(host: Hostile, dest: Path, data: bytes) -> None:
    host.talk = raw(data)
    with pytest.raises(FetchFailed) as caught:
        download(url(host), dest, policy(host))
    assert "SSH" not in str(caught.value)


def test_a_closed_port_and_an_unknown_name(dest: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(FetchFailed, match="refused"):
        download(f"http://127.0.0.1:{port}/", dest, OutboundPolicy(allowed_private=("127.0.0.1",)))

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such host")

    with pytest.raises(FetchFailed, match="could not be found"):
        download("http://nowhere.example/", dest, OutboundPolicy(resolver=unknown))


def test_a_resolver_that_never_answers_is_waited_for_no_longer_than_allowed(dest: Path) -> None:
    def slow(host: str, port: int) -> list[str]:
        time.sleep(10)
        return []

    policy_ = OutboundPolicy(resolver=slow, connect_seconds=1.0)
    assert isinstance(in_time(4, lambda: download("http://slow.example/", dest, policy_)), TimedOut)


class Rebinding:
    """A name server that gives a good address first and a private one from then on."""

    def __init__(self, first: str, then: str) -> None:
        self.answers = [first]
        self.then = then
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return [self.answers.pop()] if self.answers else [self.then]


def test_a_name_that_changes_its_address_is_asked_once_and_never_reaches_the_second(host: Hostile, dest: Path) -> None:
    """The checked answer is what is connected to: the second answer, on the same machine, sees no connection."""
    with hostile(host="127.0.0.2") as inner:
        host.talk = answer(b"public file")
        # 127.0.0.1 plays the public address: only it is allowed. 127.0.0.2 is the inner one.
        names = Rebinding("127.0.0.1", "127.0.0.2")
        allowed = OutboundPolicy(allowed_private=("127.0.0.1",), resolver=names)
        target = f"http://rebinding.example:{host.port}/clip.mp4"
        assert download(target, dest, allowed).size == len(b"public file")
        assert names.asked == 1
        assert f"Host: rebinding.example:{host.port}".encode() in host.heads[0]
        with pytest.raises(AddressRefused):
            download(target, dest, allowed)
        assert inner.heads == []


def test_every_hop_is_resolved_and_checked_anew(host: Hostile, dest: Path) -> None:
    names = Rebinding("127.0.0.1", "127.0.0.2")
    host.talk = answer(status="302 Found", Location="/again", Connection="close")
    with pytest.raises(AddressRefused):
        download(
            f"http://rebinding.example:{host.port}/clip.mp4",
            dest,
            OutboundPolicy(allowed_private=("127.0.0.1",), resolver=names),
        )
    assert names.asked == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for films.example, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "films.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("films.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


def over_tls(certificate: Path, inner: Callable[[ssl.SSLSocket], None]) -> tuple[int, threading.Thread]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listener:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    inner(secure)
            except OSError:
                connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return listener.getsockname()[1], thread


def test_tls_is_checked_against_the_name_although_the_address_is_pinned(certificate: Path, dest: Path) -> None:
    def talk(secure: ssl.SSLSocket) -> None:
        secure.recv(65536)
        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")

    trust = ssl.create_default_context(cafile=str(certificate))
    trusting = OutboundPolicy(
        allowed_private=("127.0.0.1",), resolver=lambda host, port: ["127.0.0.1"], ssl_context=trust, total_seconds=10
    )
    port, thread = over_tls(certificate, talk)
    assert download(f"https://films.example:{port}/", dest, trusting).size == 6
    thread.join(5)
    port, thread = over_tls(certificate, talk)
    with pytest.raises(FetchFailed, match="TLS"):
        download(f"https://other.example:{port}/", dest, trusting)
    thread.join(5)
    port, thread = over_tls(certificate, talk)
    with pytest.raises(FetchFailed, match="TLS"):
        download(f"https://films.example:{port}/", dest, OutboundPolicy(**{**trusting.__dict__, "ssl_context": None}))
    thread.join(5)


def test_small_answers_of_any_status_and_their_cap(host: Hostile) -> None:
    host.talk = answer(b'{"error": "no"}', status="422 Unprocessable")
    reply = request("POST", url(host), policy=policy(host), content=b"{}", headers={"Content-Type": "application/json"})
    assert (reply.status, reply.content) == (422, b'{"error": "no"}')
    host.talk = answer(status="302 Found", Location="/x")
    assert request("POST", url(host), policy=policy(host), content=b"").status == 302
    host.talk = answer(b"x" * 5000)
    with pytest.raises(TooLarge):
        request("GET", url(host), policy=policy(host, max_reply_bytes=1000))


# --- the async door: the same promises over the other transport


def ask(host_policy: OutboundPolicy, target: str, method: str = "GET", **kwargs: object) -> Reply:
    async def run() -> Reply:
        async with async_client(host_policy) as http:
            return await async_request(http, method, target, policy=host_policy, **kwargs)  # type: ignore[arg-type]

    return asyncio.run(run())


def test_async_answers(host: Hostile) -> None:
    host.talk = answer(b"pong", X_Thing="1", Set_Cookie="a=b")
    reply = ask(policy(host), url(host, "ping?sig=a%2Bb%2Fc%3D"), "POST", content=b"ping", headers={"X-Sign": "s"})
    assert (reply.status, reply.content, reply.headers["x-thing"]) == (200, b"pong", "1")
    head = host.heads[0].decode()
    assert head.startswith("POST /ping?sig=a%2Bb%2Fc%3D HTTP/1.1")
    assert "x-sign: s" in head.lower()


def test_async_refuses_private_addresses_however_they_come(host: Hostile) -> None:
    nobody = OutboundPolicy(total_seconds=5)
    for target in (url(host), f"http://localhost:{host.port}/", "http://[::ffff:127.0.0.1]/", "http://2130706433/"):
        with pytest.raises(OutboundError) as caught:
            ask(nobody, target)
        assert not isinstance(caught.value, FetchFailed), target
    inner = OutboundPolicy(total_seconds=5, resolver=lambda name, port: ["127.0.0.1"])
    with pytest.raises(AddressRefused):
        ask(inner, f"http://innocent.example:{host.port}/")
    host.talk = answer(status="302 Found", Location="http://169.254.169.254/")
    with pytest.raises(AddressRefused):
        ask(policy(host), url(host))
    assert len(host.heads) == 1


def test_async_resolves_once_and_connects_to_what_was_checked(host: Hostile) -> None:
    host.talk = answer(b"ok", Connection="close")
    names = Rebinding("127.0.0.1", "127.0.0.2")
    allowed = OutboundPolicy(allowed_private=("127.0.0.1",), resolver=names, total_seconds=5)
    assert ask(allowed, f"http://rebinding.example:{host.port}/").content == b"ok"
    assert names.asked == 1
    with pytest.raises(AddressRefused):
        ask(allowed, f"http://rebinding.example:{host.port}/")


def test_async_reaches_a_private_host_that_was_allowed_by_name(host: Hostile) -> None:
    host.talk = answer(b"ok")
    named = OutboundPolicy(
        allowed_private=(f"minio:{host.port}",), resolver=lambda name, port: ["127.0.0.1"], total_seconds=5
    )
    assert ask(named, f"http://minio:{host.port}/").content == b"ok"
    with pytest.raises(OutboundError):
        ask(named, f"http://127.0.0.1:{host.port}/")


def test_async_caps_bodies_and_time(host: Hostile) -> None:
    host.talk = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)
    with pytest.raises(TooLarge):
        ask(policy(host), url(host))
    host.talk = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x", pause=0.05)
    assert isinstance(in_time(5, lambda: ask(policy(host, total_seconds=1.0), url(host))), TimedOut)
    host.talk = answer(gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    with pytest.raises(TooLarge):
        ask(policy(host), url(host))
    host.talk = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    with pytest.raises(FetchFailed):
        ask(policy(host), url(host))
    host.talk = raw(b"SSH-2.0-OpenSSH_9.2\r\n")
    with pytest.raises(FetchFailed):
        ask(policy(host), url(host))


def test_async_serves_many_at_once(host: Hostile) -> None:
    host.talk = lambda connection, head: (time.sleep(0.2), answer(b"ok")(connection, head), None)[-1]
    allowed = policy(host)

    async def run() -> list[Reply]:
        async with async_client(allowed, max_connections=200) as http:
            return await asyncio.gather(*(async_request(http, "GET", url(host), policy=allowed) for _ in range(200)))

    started = time.monotonic()
    replies = asyncio.run(run())
    assert {reply.content for reply in replies} == {b"ok"}
    assert time.monotonic() - started < 8
