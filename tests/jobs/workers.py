"""Real dramatiq workers and a real poller, for tests that stop or kill them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = Path(settings.BASE_DIR)


class Workers:
    """Real dramatiq workers and a real poller on the test database; a dead one is started again."""

    def __init__(self, log: Path, *, workers: int = 2, lease_seconds: int = 3) -> None:
        self._log = log.open("ab")
        environment = dict(os.environ)
        environment |= {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DATABASE_URL": _database_url(),
            "KINOGLOT_DATA_DIR": str(settings.DATA_DIR),
            "KINOGLOT_MODEL_DIR": str(settings.MODEL_DIR),
            "SECRET_KEY": settings.SECRET_KEY,
            "JOB_LEASE_SECONDS": str(lease_seconds),
            "JOB_MAX_TRIES": "100",
            "RECONCILE_SECONDS": "1",
            "LOG_LEVEL": "WARNING",
            "BROKER_URL": "",
        }
        self._environment = environment
        dramatiq = [sys.executable, "-m", "dramatiq", "portal.broker:broker", "--processes", "1", "--threads", "1"]
        self._commands = {
            **{f"worker{number}": [*dramatiq, "--queues", "default", "engine"] for number in range(workers)},
            "poller": [sys.executable, "manage.py", "poller"],
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def keep(self) -> None:
        """Starts what is not running."""
        for name, command in self._commands.items():
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                self._running[name] = subprocess.Popen(
                    command, cwd=ROOT, env=self._environment, stdout=self._log, stderr=self._log, start_new_session=True
                )

    def kill(self, pid: int) -> bool:
        """kill -9 of the worker process with this number and of its master; False when it is none of ours."""
        for name, process in self._running.items():
            with suppress(ProcessLookupError):
                if process.poll() is None and os.getpgid(pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    assert name != "poller"
                    return True
        return False

    def end(self, name: str, seconds: float) -> None:
        """SIGTERM to one of them, as a deployment does; raises TimeoutExpired when it does not end in time."""
        process = self._running[name]
        process.send_signal(signal.SIGTERM)
        process.wait(seconds)

    def stop(self) -> None:
        """Ends all of them at once, hard."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._log.close()


def _database_url() -> str:
    given: dict[str, Any] = connection.settings_dict
    host, port = quote(str(given["HOST"]), safe=""), f":{given['PORT']}" if given["PORT"] else ""
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
    # The host as a query: a socket folder may hold capitals, which the host part of an address loses.
    return f"postgres://{given['USER']}{password}@{port}/{given['NAME']}?host={host}"
