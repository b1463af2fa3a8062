"""The one factory of the queue's broker: our PostgreSQL (default), Redis or RabbitMQ, by BROKER_URL."""

from __future__ import annotations

import json
import threading
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from dramatiq import Broker, Message, Middleware
from dramatiq.common import current_millis, dq_name
from dramatiq.middleware import AgeLimit, Callbacks, CurrentMessage, Retries, ShutdownNotifications, TimeLimit
from dramatiq_postgres import PostgresBroker
from psycopg_pool import ConnectionPool

from apps.events.middleware import DatabaseConnections, LogContext
from apps.events.queue import insert

MINUTE_MS = 60_000


class DeferredPool:
    """The workers' connections, opened at first use: after a fork, and to the database that Django really uses.

    Consumers hold one connection each and the listener one more; acknowledgements share the rest.
    """

    def __init__(self, max_size: int = 16) -> None:
        self._max_size = max_size
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Any] | None = None

    def _open(self) -> ConnectionPool[Any]:
        with self._lock:
            if self._pool is None:
                wrapper = connections["default"]
                params = {k: v for k, v in wrapper.get_connection_params().items() if k != "context"}
                for ours in ("cursor_factory", "client_encoding", "prepare_threshold"):
                    params.pop(ours, None)
                params |= {"application_name": "kinoglot-queue", "keepalives": 1, "keepalives_idle": 5}
                self._pool = ConnectionPool(
                    kwargs=params,
                    min_size=0,
                    max_size=self._max_size,
                    open=True,
                    check=ConnectionPool.check_connection,
                )
            return self._pool

    def getconn(self, timeout: float | None = None) -> Any:
        return self._open().getconn(timeout)

    def putconn(self, conn: Any) -> None:
        self._open().putconn(conn)

    def close(self) -> None:
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None


class TransactionalPostgresBroker(PostgresBroker):  # type: ignore[misc]
    """Enqueues over Django's connection, hence inside its transaction when there is one.

    As shipped, the broker uses a connection of its own: the message was visible before the commit and stayed after a
    rollback. Consumers are unchanged.
    """

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        self.emit_before("enqueue", message, delay)
        if delay:
            message = message.copy(queue_name=dq_name(message.queue_name), options={"eta": current_millis() + delay})
        if not connection.in_atomic_block:
            # A worker's connection may have died with the task; a retry must not be lost for that.
            connection.close_if_unusable_or_obsolete()
        insert(json.loads(message.encode()), delay or 0)
        self.emit_after("enqueue", message, delay)
        return message

    def close(self) -> None:
        super().close()
        self.pool.close()


def middleware() -> list[Middleware]:
    """What wraps every actor. No Prometheus (its exporter forks), no pipelines, no results: state is in our rows.

    AgeLimit acts only where an actor sets max_age. TimeLimit interrupts a thread after 10 minutes unless the actor sets
    its own. ShutdownNotifications raises Shutdown in actors that ask with notify_shutdown. Retries is short, as the
    reconciler resends what is due anyway.
    """
    return [
        AgeLimit(),
        TimeLimit(time_limit=10 * MINUTE_MS),
        ShutdownNotifications(notify_shutdown=False),
        Callbacks(),
        Retries(max_retries=3, min_backoff=1_000, max_backoff=30_000),
        CurrentMessage(),
        LogContext(),
        DatabaseConnections(),
    ]


def make_broker(url: str) -> Broker:
    """A broker for "" (the site's own PostgreSQL), redis(s):// or amqp(s)://. Connects at first use only.

    Raises ImproperlyConfigured for other addresses.
    """
    scheme = urlsplit(url).scheme
    if not url:
        # A worker killed with -9 is noticed after 15 s; its messages are delivered again within 5 more.
        return TransactionalPostgresBroker(
            pool=DeferredPool(),
            results=False,
            middleware=middleware(),
            poll_interval=1.0,
            heartbeat_interval=5.0,
            heartbeat_ttl=15.0,
            maintenance_interval=5.0,
            purge_maxage="7 days",
        )
    if scheme in ("redis", "rediss"):
        from dramatiq.brokers.redis import RedisBroker

        # With the defaults a killed worker's messages were not seen again in 400 s; with these in 18 s.
        return RedisBroker(  # type: ignore[no-untyped-call]
            url=url,
            middleware=middleware(),
            namespace="kinoglot",
            maintenance_chance=100_000,
            heartbeat_timeout=15_000,
        )
    if scheme in ("amqp", "amqps"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        return RabbitmqBroker(url=url, middleware=middleware(), confirm_delivery=True)
    raise ImproperlyConfigured("BROKER_URL must start with redis://, rediss://, amqp:// or amqps://, or be empty")


@cache
def get_broker() -> Broker:
    """This process's broker, by settings.BROKER_URL."""
    return make_broker(settings.BROKER_URL)
