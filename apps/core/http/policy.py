"""Which addresses may be called, and the checks of an address before anything is sent to it."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import httpx

from apps.core.http.errors import AddressRefused, BadUrl, FetchFailed

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
# (host, port) -> textual addresses; raises OSError when the name does not resolve.
Resolver = Callable[[str, int], Sequence[str]]

MAX_URL: Final = 8192
# Beside Python's own registry table: what it calls global and yet is not for us.
_REFUSED: Final[tuple[IPNetwork, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; holds Alibaba's metadata service
        "168.63.129.16/32",  # Azure's metadata and DNS helper, a public address by number
        "192.0.0.0/24",  # protocol assignments; holds Oracle's metadata service
        "192.88.99.0/24",  # 6to4 relays
        "240.0.0.0/4",
        "::/8",  # unspecified, loopback, IPv4-compatible
        "64:ff9b:1::/48",  # local-use NAT64
        "100::/64",
        "2001::/23",  # Teredo and other assignments: tunnels whose far end cannot be judged
        "3fff::/20",  # documentation
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_NEVER: Final[tuple[IPNetwork, ...]] = tuple(
    # Not even for a host that the operator allowed by name: these are never what a name should lead to.
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128")
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# Ports below 1024 other than the web's, and these, speak protocols that an HTTP request could be smuggled into.
_BLOCKED_PORTS: Final = frozenset(
    {1080, 1433, 1521, 2049, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 3659, 4045, 5060, 5061, 5432, 5672, 5900, 6000}
    | {6379, 6443, 6665, 6666, 6667, 6668, 6669, 6697, 9042, 9200, 9300, 10080, 10250, 11211, 15672, 27017, 50070}
)
_NAME: Final = re.compile(
    r"^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$"
)
# The last label of a name is never a number; what looks so is an address in decimal, octal or hex dress.
_NUMBER_LIKE: Final = re.compile(r"^(0x[0-9a-f]*|[0-9]+)\Z")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]")


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The machine's own resolution (hosts file, then DNS)."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@dataclass(frozen=True, kw_only=True)
class OutboundPolicy:
    """What the outbound door lets through, and how much of it.

    allowed_private: hosts that may be private, empty by default: "host", "host:port", "[::1]:8000", or CIDR.
    Times are seconds, sizes bytes. total_seconds bounds everything from the first lookup to the last byte, redirects
    included; read_seconds bounds one silence; a body below slow_bytes_per_second on average over slow_seconds is cut.
    """

    allowed_private: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("http", "https")
    max_redirects: int = 5
    total_seconds: float = 3600.0
    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    slow_seconds: float = 60.0
    slow_bytes_per_second: int = 1024
    max_bytes: int = 10 * 1024**3
    max_reply_bytes: int = 1024**2
    user_agent: str = "Kinoglot/1"
    resolver: Resolver = field(default=system_resolver, repr=False)
    # None: the system's usual trust store.
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _parse_allowed(self.allowed_private)  # raises ValueError at start rather than at the first fetch

    def permits(self, address: str, port: int, host: str = "") -> bool:
        """Whether this address (and the name that led to it) may be connected to on this port."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address):
            if ip.scope_id:
                return False
            ip = ip.ipv4_mapped or ip
        names, networks = _parse_allowed(self.allowed_private)
        if any(ip in network for network in networks):
            return True
        if {(str(ip), None), (str(ip), port)} & names:
            return True
        if is_public(ip):
            return True
        by_name = bool({(host, None), (host, port)} & names)
        return by_name and not any(ip.version == net.version and ip in net for net in _NEVER)

    def names_host(self, host: str, port: int) -> bool:
        """Whether the operator named this host (or its network), which also frees it of the ports rule."""
        names, networks = _parse_allowed(self.allowed_private)
        if {(host, None), (host, port)} & names:
            return True
        try:
            ip = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(ip in network for network in networks)

    def resolve(self, host: str, port: int) -> list[str]:
        """Addresses of a host, every one of them permitted. Blocking. Raises AddressRefused or FetchFailed.

        One bad answer refuses the host: a name that mixes public and private answers is an attack or a mistake.
        """
        host = host.rstrip(".").lower() if not host.endswith("..") else host
        try:
            addresses = [str(ipaddress.ip_address(host))]
        except ValueError:
            try:
                addresses = list(self.resolver(host, port))
            except (OSError, UnicodeError):
                raise FetchFailed(f"The host {host} could not be found.", unsent=True) from None
        if not addresses:
            raise FetchFailed(f"The host {host} could not be found.", unsent=True)
        if not all(self.permits(address, port, host) for address in addresses):
            raise AddressRefused(f"The host {host} is not a public address, so it may not be called.")
        return addresses


def is_public(ip: IPAddress) -> bool:
    """Whether an address is one of the public internet's, also seen through its IPv4-in-IPv6 dresses."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        # ISATAP carries the IPv4 address in the last half behind 0:5efe or 200:5efe.
        if inner is None and (int(ip) >> 32) & 0xFDFFFFFF == 0x5EFE:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if ip not in ipaddress.IPv6Network("2000::/3"):
            return False
    if any(ip.version == network.version and ip in network for network in _REFUSED):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


# Names that no public resolver answers: refused at once, without the lookup that would refuse them later.
_LOCAL_NAMES: Final = frozenset({"localhost", "local", "internal", "localdomain", "home", "lan"})


@lru_cache(maxsize=64)
def _parse_allowed(entries: tuple[str, ...]) -> tuple[frozenset[tuple[str, int | None]], tuple[IPNetwork, ...]]:
    names: set[tuple[str, int | None]] = set()
    networks: list[IPNetwork] = []
    for entry in entries:
        text = entry.strip().lower()
        if "/" in text:
            networks.append(ipaddress.ip_network(text, strict=False))
            continue
        match = re.fullmatch(r"\[(?P<v6>[0-9a-f:.]+)\](?::(?P<p6>\d+))?|(?P<host>[^:\[\]]+)(?::(?P<port>\d+))?", text)
        if match is None:
            names.add((str(ipaddress.IPv6Address(text)), None))  # a bare IPv6 address, or ValueError
            continue
        host = str(ipaddress.ip_address(match["v6"])) if match["v6"] else match["host"].rstrip(".")
        port = match["p6"] or match["port"]
        names.add((host, int(port) if port else None))
    return frozenset(names), tuple(networks)


def check_url(url: str, policy: OutboundPolicy) -> httpx.URL:
    """Parse an address and judge everything that can be judged without a lookup. Raises BadUrl or AddressRefused."""
    if len(url) > MAX_URL:
        raise BadUrl(f"The address is longer than {MAX_URL} characters.")
    if _UNSAFE.search(url):
        raise BadUrl("The address holds spaces, control characters or backslashes.")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise BadUrl("The address is malformed.") from None
    if parsed.scheme not in policy.schemes:
        raise BadUrl(f"Only addresses that start with {' or '.join(f'{s}://' for s in policy.schemes)} are accepted.")
    if parsed.userinfo or "@" in parsed.netloc.decode("ascii", "replace"):
        raise BadUrl("The address must not hold a user name or password.")
    host = parsed.raw_host.decode("ascii", "replace").lower().rstrip(".")
    if not host:
        raise BadUrl("The address names no host.")
    port = parsed.port if parsed.port is not None else {"http": 80, "https": 443}.get(parsed.scheme, 0)
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        if _NUMBER_LIKE.match(host.rsplit(".", 1)[-1]) or not _NAME.match(host):
            raise BadUrl("The host of the address is not spelled as a name or a plain IP address.") from None
        if host.rsplit(".", 1)[-1] in _LOCAL_NAMES and not policy.names_host(host, port):
            raise AddressRefused(f"The host {host} is not a public name, so it may not be called.") from None
    else:
        if not policy.permits(str(literal), port):
            raise AddressRefused(f"The host {host} is not a public address, so it may not be called.")
    if not policy.names_host(host, port) and (
        not 0 < port < 65536 or (port < 1024 and port not in (80, 443)) or port in _BLOCKED_PORTS
    ):
        raise BadUrl(f"Port {port} is not accepted.")
    return parsed
