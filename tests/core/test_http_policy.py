"""Which addresses the outbound door refuses, however they are dressed."""

from __future__ import annotations

import pytest

from apps.core.http import AddressRefused, BadUrl, OutboundError, OutboundPolicy, check_url

PUBLIC = OutboundPolicy(resolver=lambda host, port: ["93.184.215.14"])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.mp4",
        "https://example.com:8443/a.mp4?x=1#part",
        "https://8.8.8.8/a",
        "https://[2606:4700::6810:84e5]/a",
        "https://münchen.example/ä.mp4",
        "https://cdn_1.example.com/a",
    ],
)
def test_ordinary_addresses_pass(url: str) -> None:
    check_url(url, PUBLIC)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[::127.0.0.1]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[fec0::1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[2001:0:53aa:64c::1]",
        "[2001:db8::1]",
        "[2001:4860::5efe:7f00:1]",
        "[100::1]",
    ],
)
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(f"http://{host}/", PUBLIC)
    bare = host.strip("[]")
    with pytest.raises(AddressRefused):
        OutboundPolicy(resolver=lambda name, port: [bare]).resolve("innocent.example", 80)


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0x7f.0.0.1/",
        "http://127.0.0.1.:80/x",
        "http://127.0.0.0x1/",
        "http://%31%32%37.0.0.1/",
        "http://127。0。0。1/",
        "http://①②⑦.0.0.1/",
        "http://[::ffff:7f00:1%25lo]/",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com#@127.0.0.1:22/\n",
        "http://exa mple.com/",
        "http://example.com\t/",
        "http://example.com/\r\nHost: x",
        "http:///etc/passwd",
        "http:example.com",
        "//example.com/",
        "example.com",
        "",
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "data:text/plain,x",
        "javascript:alert(1)",
        "http://example.com:22/",
        "http://example.com:6379/",
        "http://example.com:5432/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://-example.com/",
        "http://exam..ple.com/",
        "http://[::1/",
        "http://[v1.x]/",
        "http://" + "a" * 9000 + ".example/",
    ],
)
def test_odd_spellings_schemes_and_ports_are_refused(url: str) -> None:
    with pytest.raises((BadUrl, AddressRefused)):
        check_url(url, PUBLIC)


def test_a_name_with_one_private_answer_is_refused_as_a_whole() -> None:
    policy = OutboundPolicy(resolver=lambda host, port: ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(AddressRefused) as refused:
        policy.resolve("mixed.example", 443)
    assert "10.0.0.1" not in str(refused.value)  # the customer does not learn our network's addresses


def test_localhost_by_name_is_refused_by_the_machines_own_resolver() -> None:
    with pytest.raises(AddressRefused):
        OutboundPolicy().resolve("localhost", 80)
    with pytest.raises(AddressRefused):
        OutboundPolicy().resolve("LOCALHOST.", 80)


@pytest.mark.parametrize(
    ("allowed", "url", "passes"),
    [
        ("127.0.0.1:9000", "http://127.0.0.1:9000/", True),
        ("127.0.0.1:9000", "http://127.0.0.1:9001/", False),
        ("127.0.0.1", "http://127.0.0.1:9001/", True),
        ("10.0.0.0/8", "http://10.9.8.7/", True),
        ("10.0.0.0/8", "http://11.9.8.7:22/", False),
        ("[::1]:9000", "http://[::1]:9000/", True),
        ("::1", "http://[::1]:9000/", True),
        ("fd00::/8", "http://[fd12::1]/", True),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.1", "http://2130706433/", False),
        ("minio", "http://127.0.0.1/", False),
    ],
)
def test_the_operator_may_allow_private_hosts(allowed: str, url: str, passes: bool) -> None:
    policy = OutboundPolicy(allowed_private=(allowed,))
    if passes:
        check_url(url, policy)
    else:
        with pytest.raises(OutboundError):
            check_url(url, policy)


def test_a_host_allowed_by_name_may_be_private_but_never_link_local() -> None:
    inside = OutboundPolicy(allowed_private=("minio:9000",), resolver=lambda host, port: ["10.0.0.5"])
    assert inside.resolve("minio", 9000) == ["10.0.0.5"]
    with pytest.raises(AddressRefused):
        inside.resolve("minio", 9001)
    metadata = OutboundPolicy(allowed_private=("minio",), resolver=lambda host, port: ["169.254.169.254"])
    with pytest.raises(AddressRefused):
        metadata.resolve("minio", 80)


@pytest.mark.parametrize("bad", ["10.0.0.0/33", "[::1", "a b:x:y", "host:port"])
def test_a_mistake_in_the_setting_is_told_at_start(bad: str) -> None:
    with pytest.raises(ValueError):
        OutboundPolicy(allowed_private=(bad,))


def test_the_errors_carry_the_codes_of_jobs() -> None:
    with pytest.raises(OutboundError) as caught:
        check_url("ftp://example.com/a.mp4", PUBLIC)
    assert caught.value.as_job_error().code == 10901
