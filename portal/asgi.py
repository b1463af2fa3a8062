"""ASGI entry points: `live` serves /live/ alone (behind a proxy), `application` is the whole site as one origin."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

# The site must be set up before anything that has models is imported.
from portal.wsgi import application as wsgi_application

from apps.events.live import Receive, Scope, Send, make_live_app  # isort: skip
from apps.events.tail import Tail  # isort: skip
from portal.live_access import authorize, connect_params  # isort: skip
from portal.wsgi_bridge import WsgiBridge  # isort: skip

# Requests worked on at once per process; each thread keeps one database connection.
THREADS = int(os.environ.get("WEB_THREADS", "16"))

tail = Tail(connect_params)
_streams = make_live_app(authorize, tail)
_site = WsgiBridge(wsgi_application, THREADS)


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """Only the event streams, and /healthz for the container's health check."""
    if scope["type"] == "http" and scope["path"] == "/healthz":
        headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok\n"})
        return
    await _streams(scope, receive, send)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Pages, API and event streams on one address."""
    if scope["type"] == "http" and not scope["path"].startswith("/live/"):
        await _site(scope, receive, send)
    else:
        await _streams(scope, receive, send)
