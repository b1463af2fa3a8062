"""What every background task runs in: log lines that name the job, and database connections kept sound."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import close_old_connections, connections
from dramatiq import Broker, MessageProxy, Middleware
from dramatiq.worker import Worker

from apps.core.ids import ID_PATTERN


class LogContext(Middleware):
    """Binds actor, message id, the request id that caused it, and ids among its arguments (job_id=job_…)."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        bound = {"actor": message.actor_name, "message_id": message.message_id}
        if request_id := message.options.get("request_id"):
            bound["request_id"] = request_id
        for argument in message.args:
            if isinstance(argument, str) and (match := ID_PATTERN.match(argument)):
                bound[f"{match['prefix']}_id"] = argument
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**bound)

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        structlog.contextvars.clear_contextvars()

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        structlog.contextvars.clear_contextvars()


class DatabaseConnections(Middleware):
    """Django does this around requests; here it is done around messages."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        close_old_connections()

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        close_old_connections()

    def before_worker_thread_shutdown(self, broker: Broker, thread: Any) -> None:
        connections.close_all()

    def before_consumer_thread_shutdown(self, broker: Broker, thread: Any) -> None:
        connections.close_all()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        connections.close_all()
