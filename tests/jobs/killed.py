"""Work done in a child process that is killed with -9 at a random line of the code that drives vendors."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import connections

WATCHED = tuple(
    str(Path(settings.BASE_DIR) / "apps" / "jobs" / part)
    for part in (
        "services/vendor",
        "services/leases.py",
        "services/publish.py",
        "services/finish.py",
        "services/inbound.py",
    )
)
_kept: list[Any] = []


def run_in_child(work: Callable[[], object], *, kill_after: int | None = None) -> bool:
    """Runs `work` in a fork with a database connection of its own; True when it was killed.

    `kill_after`: SIGKILL before that many lines of the watched files were executed, wherever it is then.
    """
    pid = os.fork()
    if pid == 0:
        try:
            for connection in connections.all(initialized_only=True):
                # The parent's socket: kept open, and never spoken to from here.
                _kept.append(connection.connection)
                connection.connection = None
            if kill_after is not None:
                _kill_after(kill_after)
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed; its traceback is above"
    return False


def _kill_after(lines: int) -> None:
    left = lines

    def local(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return local

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(WATCHED) else None

    sys.settrace(trace)
