"""The live app as a server of its own, for tests: the cookie "organization" says whose events may be seen."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
import django

django.setup()

import time  # noqa: E402

from apps.core import errors  # noqa: E402
from apps.events import live  # noqa: E402
from apps.events.live import LiveRequest, Receive, Scope, Send, make_live_app  # noqa: E402
from apps.events.tail import Grant, Tail  # noqa: E402

# So that a test sees within seconds what takes a minute in service.
live.MAX_STREAMS_EACH = 200  # type: ignore[misc]
live.KEEP_ALIVE_SECONDS = live.REAUTHORIZE_SECONDS = 1.0  # type: ignore[misc]


async def authorize(request: LiveRequest) -> Grant:
    organization = request.cookies.get("organization")
    if organization is None:
        raise errors.ApiError(errors.UNAUTHENTICATED)
    if float(request.cookies.get("until", "inf")) < time.time():
        raise errors.ApiError(errors.UNAUTHENTICATED)
    if request.job_id == "job_of_another":
        raise errors.not_found("job")
    if float(request.cookies.get("moves", "inf")) < time.time():
        organization = "8"  # left this organization and is still a member of another
    return Grant(int(organization), subject_id=request.job_id)


def connect_params() -> dict[str, object]:
    from django.db import connections

    params = connections["default"].get_connection_params()
    return {k: v for k, v in params.items() if k in ("host", "port", "user", "password", "dbname")}


tail = Tail(connect_params)
_live = make_live_app(authorize, tail)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The live app, plus /count: how many streams are open."""
    if scope["type"] == "http" and scope["path"] == "/count":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(tail.count).encode()})
        return
    await _live(scope, receive, send)
