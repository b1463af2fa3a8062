"""The processes of Kinoglot and how each is started: used by `make run`, `manage.py serve` and the container image."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from django.conf import settings

NAMES = ("site", "web", "live", "worker", "engine", "poller")


def command(name: str, *, host: str, port: int, env: Mapping[str, str]) -> list[str]:
    """The program and arguments of one process.

    site = pages, API and event streams on one address (make run); web and live = the same apart, for behind a proxy: WSGI
    costs half of ASGI per ordinary request. WEB_PROCESSES, WEB_THREADS, WORKER_PROCESSES, WORKER_THREADS set sizes.
    """
    python = sys.executable
    granian = [
        python,
        "-m",
        "granian",
        "--host",
        host,
        "--port",
        str(port),
        "--respawn-failed-workers",
        "--workers-kill-timeout",
        "10",
    ]
    # Event streams are long and many: granian's defaults (1024) would refuse the rest.
    streams = ["--interface", "asgi", "--workers", "1", "--backlog", "8192", "--backpressure", "8192"]
    static = ["--static-path-route", settings.STATIC_URL.rstrip("/"), "--static-path-mount", str(settings.STATIC_ROOT)]
    dramatiq = [python, "-m", "dramatiq", "portal.broker:broker", "--skip-logging"]
    if name == "site":
        return [*granian, *streams, *static, "portal.asgi:application"]
    if name == "web":
        sizes = ["--workers", env.get("WEB_PROCESSES", "2"), "--blocking-threads", env.get("WEB_THREADS", "8")]
        return [*granian, "--interface", "wsgi", *sizes, *static, "portal.wsgi:application"]
    if name == "live":
        return [*granian, *streams, "portal.asgi:live"]
    if name == "worker":
        sizes = ["--processes", env.get("WORKER_PROCESSES", "1"), "--threads", env.get("WORKER_THREADS", "4")]
        return [*dramatiq, "--queues", "default", *sizes, "--worker-shutdown-timeout", "20000"]
    if name == "engine":
        sizes = ["--processes", str(settings.ENGINE_CONCURRENCY), "--threads", "1"]
        # A stage cut off is taken up again from its checkpoint, so there is no use in waiting long.
        return [*dramatiq, "--queues", "engine", *sizes, "--worker-shutdown-timeout", "8000"]
    if name == "poller":
        return [python, "manage.py", "poller"]
    raise ValueError(f"no such process: {name}")
