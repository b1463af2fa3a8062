"""Shapes of callbacks: what is posted to the callback_url of a job that came in another service's wire format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from apps.events.models import Event
from apps.jobs.models import Job


class Shape(Protocol):
    """How a dialect tells of a job. All three are asked once for each Event of a job, in a transaction: no network, few queries.

    `bare` True leaves the Standard Webhooks headers (webhook-id, webhook-timestamp, webhook-signature) away; by default they are
    added to whatever `headers` gives.
    """

    bare: bool

    def wants(self, event_type: str, data: Mapping[str, Any]) -> bool:
        """Whether the job's callback_url is told of an event of this type ("job.created", "job.stage", ...), with its data."""
        ...

    def body(self, job: Job, event: Event) -> bytes:
        """What is posted, UTF-8; JSON unless `headers` says otherwise; b"": nothing after all. `job` is as it is now."""
        ...

    def headers(self, job: Job, body: bytes) -> Mapping[str, str]:
        """Further headers of every attempt; may replace Content-Type, never the webhook-* ones."""
        ...


_shapes: dict[str, Shape] = {}


def register(dialect: str, shape: Shape) -> None:
    """Give a dialect (Job.dialect) its shape; called once, in AppConfig.ready. The last one counts."""
    _shapes[dialect] = shape


def shape_for(dialect: str) -> Shape:
    """The dialect's shape, or that of native orders for "" and for dialects without one."""
    from apps.webhooks.native import NATIVE

    return _shapes.get(dialect, NATIVE)
