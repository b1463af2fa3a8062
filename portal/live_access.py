"""Who may listen to what: the wiring of the live app to sessions, keys and jobs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import close_old_connections, connections
from django.http import HttpRequest

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.accounts.services import authenticate_bearer
from apps.core import errors
from apps.events.live import LiveRequest
from apps.events.tail import Grant
from apps.jobs.selectors import job_for
from apps.web.middleware import Tenant
from apps.web.second_factor import lacks_second_factor

# What the organization's stream tells every member; keys, members and money have their own pages.
ORGANIZATION_TYPES = ("job.", "translation.", "transcript.", "asset.")

_pool = ThreadPoolExecutor(4, thread_name_prefix="live-access")


async def authorize(request: LiveRequest) -> Grant:
    """The grant of a session cookie or an API key. Raises ApiError 7, 814, 1302, 1305, 1503, 4030 or 4040."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _authorize, request)


def _authorize(request: LiveRequest) -> Grant:
    close_old_connections()
    try:
        actor = _actor(request)
        require(actor, "jobs.view")
        if request.job_id is None:
            return Grant(actor.organization.pk, types=ORGANIZATION_TYPES)
        job = job_for(actor=actor, public_id=request.job_id)
        return Grant(actor.organization.pk, subject_id=job.public_id)
    finally:
        close_old_connections()


def _actor(request: LiveRequest) -> Actor:
    if header := request.headers.get("authorization"):
        return authenticate_bearer(header)
    http = HttpRequest()
    # Straight from the database: a cached session would outlive a sign-out in another process.
    http.session = SessionStore(request.cookies.get(settings.SESSION_COOKIE_NAME))
    http.user = cast(Any, get_user(http))
    tenant = Tenant(http)
    actor = tenant.actor
    if actor is None:
        raise errors.ApiError(errors.UNAUTHENTICATED if not http.user.is_authenticated else errors.NO_MEMBERSHIP)
    if lacks_second_factor(http, tenant):
        raise errors.ApiError(errors.REFUSED)
    return actor


def connect_params() -> dict[str, Any]:
    """psycopg's parameters of the site's database, for the listener's own two connections."""
    params = connections["default"].get_connection_params()
    for unused in ("context", "cursor_factory", "prepare_threshold", "client_encoding"):
        params.pop(unused, None)
    return params | {"application_name": "kinoglot-live", "keepalives": 1, "keepalives_idle": 30}
