"""/healthz: this process answers. /readyz: it can do its work (database, broker, storage; the engine is told, not required)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

CACHE_SECONDS = 2.0  # a crowd of probes costs one check
LEAST_FREE_BYTES = 200 << 20


def check_database() -> str:
    """Ask PostgreSQL for a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "answers"


def check_broker() -> str:
    """See that messages can be left where the workers look for them."""
    from apps.events.queue import in_database

    if in_database():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM dramatiq.queue LIMIT 1")
        return "in the database"
    from apps.events.broker import get_broker

    broker = get_broker()
    client = getattr(broker, "client", None)
    if client is not None:
        client.ping()
    elif not getattr(broker, "connection").is_open:  # noqa: B009 (RabbitMQ's only)
        raise ConnectionError("no connection to RabbitMQ")
    return "answers"


def check_storage() -> str:
    """See that files can be stored: the bucket exists, or the folder is writable and not full."""
    bucket = getattr(default_storage, "bucket", None)
    if bucket is not None:
        bucket.meta.client.head_bucket(Bucket=bucket.name)
        return "bucket answers"
    folder = Path(default_storage.path(""))
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError("the media folder is not writable")
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    if free < LEAST_FREE_BYTES:
        raise OSError(f"only {free >> 20} MB are free")
    return f"{free >> 30} GB free"


def check_engine() -> str:
    """See that the weights are there; only engine workers need them, so this one never makes a web server unready."""
    from apps.engine.models import DEFAULT_NAMES, status

    absent = [s.model.name for s in status(Path(settings.MODEL_DIR)) if s.model.name in DEFAULT_NAMES and s.missing]
    if absent:
        raise LookupError(f"weights not installed here: {', '.join(absent)}")
    return "weights installed"


REQUIRED: dict[str, Callable[[], str]] = {"database": check_database, "broker": check_broker, "storage": check_storage}
OPTIONAL: dict[str, Callable[[], str]] = {"engine": check_engine}
_lock = threading.Lock()
_last: tuple[float, int, dict[str, Any]] | None = None


def readiness(*, fresh: bool = False) -> tuple[int, dict[str, Any]]:
    """HTTP status and body of /readyz. Reasons are short words without addresses or secrets."""
    global _last
    with _lock:
        if not fresh and _last is not None and time.monotonic() - _last[0] < CACHE_SECONDS:
            return _last[1], _last[2]
        checks = {name: _one(check) for name, check in (REQUIRED | OPTIONAL).items()}
        good = all(checks[name]["ok"] for name in REQUIRED)
        whole = all(found["ok"] for found in checks.values())
        status = 200 if good else 503
        body = {"status": ("ok" if whole else "degraded") if good else "unavailable", "checks": checks}
        _last = (time.monotonic(), status, body)
        return status, body


def _one(check: Callable[[], str]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        note, good = check(), True
    except Exception as error:  # whatever it is, a probe gets an answer and not a stack trace
        own = isinstance(error, (LookupError, PermissionError)) or type(error) is OSError
        note, good = (str(error) if own else type(error).__name__), False
    return {"ok": good, "note": note, "ms": round((time.perf_counter() - began) * 1000, 1)}


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers; says nothing about what it depends on."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """What it depends on answers too; 503 if not."""
    status, body = readiness()
    return JsonResponse(body, status=status)
