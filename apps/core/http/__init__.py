"""The only outbound door: every connection to a host named by someone else goes through here.

Guards (DESIGN section 9): one resolution per connection, every answer checked, the checked address is the one that is
connected to, redirects checked again, and caps on time, bytes and hops. Sync: download, request, client. Async:
async_client, async_request.
"""

from apps.core.http.aio import async_client, async_request
from apps.core.http.errors import (
    AddressRefused,
    BadStatus,
    BadUrl,
    FetchFailed,
    OutboundError,
    Stopped,
    TimedOut,
    TooLarge,
)
from apps.core.http.fetch import Downloaded, Reply, client, download, request
from apps.core.http.policy import OutboundPolicy, check_url, system_resolver

__all__ = [
    "AddressRefused",
    "BadStatus",
    "BadUrl",
    "Downloaded",
    "FetchFailed",
    "OutboundError",
    "OutboundPolicy",
    "Reply",
    "Stopped",
    "TimedOut",
    "TooLarge",
    "async_client",
    "async_request",
    "check_url",
    "client",
    "download",
    "request",
    "system_resolver",
]
