"""/metrics for Prometheus: requests of this web server, and the state of jobs, queue and money read from the database.

Served only when METRICS_TOKEN is set, to callers that send it as a bearer token. With several web processes
PROMETHEUS_MULTIPROC_DIR (an empty folder) adds their counts up.
"""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

REQUESTS = Counter("kinoglot_requests_total", "HTTP requests", ["method", "route", "status"])
LATENCY = Histogram(
    "kinoglot_request_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
READ_SECONDS = 10.0  # the database is read at most this often, however many scrape
BOOKS_SECONDS = 300.0  # adding up the whole ledger is dear

QUERIES = {
    "jobs": "SELECT status, stage, count(*) FROM jobs_job WHERE status IN ('processing', 'paused') GROUP BY 1, 2",
    "ended": "SELECT status, count(*) FROM jobs_job WHERE finished_at > now() - interval '1 hour' GROUP BY 1",
    "oldest": "SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM jobs_job"
    " WHERE status = 'processing' AND stage = 'queued'",
    "stages": "SELECT t.key, sum(t.value::float8) / 1000 FROM jobs_job j, jsonb_each_text(j.timings) t"
    " WHERE j.finished_at > now() - interval '1 hour' GROUP BY 1",
    "queue": "SELECT queue_name, state::text, count(*) FROM dramatiq.queue GROUP BY 1, 2",
    "held": "SELECT pool, sum(held) / 1000.0 FROM plans_wallet GROUP BY 1",
}


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is a URL pattern, never a path, so that labels stay few."""
    REQUESTS.labels(method, route, str(status)).inc()
    LATENCY.labels(route).observe(seconds)


class DatabaseCollector(Collector):
    """Figures that live in rows; the same from whichever process is asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._read = 0.0
        self._faults = 0
        self._audited = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with self._lock:
            if time.monotonic() - self._read > READ_SECONDS or not self._rows:
                self._rows = {name: self._query(sql) for name, sql in QUERIES.items() if self._applies(name)}
                self._read = time.monotonic()
            if time.monotonic() - self._audited > BOOKS_SECONDS or not self._audited:
                self._faults = self._audit()
                self._audited = time.monotonic()
            rows, faults = self._rows, self._faults
        families = {
            "jobs": ("kinoglot_jobs", "Jobs not ended", ["status", "stage"]),
            "ended": ("kinoglot_jobs_ended_last_hour", "Jobs that ended within the last hour", ["status"]),
            "oldest": ("kinoglot_oldest_queued_seconds", "Age of the oldest job that waits for a worker", []),
            "stages": ("kinoglot_stage_seconds_last_hour", "Engine seconds by stage of those jobs", ["stage"]),
            "queue": ("kinoglot_queue_messages", "Messages in the PostgreSQL queue", ["queue", "state"]),
            "held": ("kinoglot_credits_held", "Credits set aside for running jobs", ["pool"]),
        }
        for name, (metric, words, labels) in families.items():
            family = GaugeMetricFamily(metric, words, labels=labels)
            for row in rows.get(name, []):
                family.add_metric([str(part) for part in row[:-1]], float(row[-1] or 0))
            yield family
        yield GaugeMetricFamily(
            "kinoglot_wallet_mismatches", "Wallets that disagree with the ledger; must be 0", faults
        )

    @staticmethod
    def _applies(name: str) -> bool:
        return name != "queue" or not settings.BROKER_URL

    @staticmethod
    def _query(sql: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    @staticmethod
    def _audit() -> int:
        from apps.plans.services import check_books

        return len(check_books())


_database = DatabaseCollector()


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, to a caller who knows METRICS_TOKEN; 404 to all others and where no token is set."""
    wanted = settings.METRICS_TOKEN
    if not wanted or not hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), f"Bearer {wanted}".encode()
    ):
        return HttpResponse("not found\n", status=404, content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(_database)
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    return HttpResponse(generate_latest(REGISTRY) + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
