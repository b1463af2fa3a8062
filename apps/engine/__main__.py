"""The process of one stage: `python -m apps.engine WORKSPACE STAGE [PARENT CPU_SECONDS]`, started by the runner.

Speaks JSON lines on standard output: {"progress": [done, total, unit]}, {"error": {"code", "reason"}},
{"done": {"skipped", "wall", "cpu", "peak_rss"}}. Everything that libraries print goes to standard error.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import sys
import time
import traceback
from typing import IO

import msgspec

from apps.core.errors import JobError
from apps.engine import limits
from apps.engine.reuse import Reuse
from apps.engine.settings import EngineSettings
from apps.engine.stages import load_stage
from apps.engine.workspace import LOCK_FILE, Workspace

LOCK_WAIT_SECONDS = 20.0
REPORT_INTERVAL_SECONDS = 0.2
OUT_OF_MEMORY = ("bad_alloc", "failed to allocate", "cannot allocate memory", "out of memory", "insufficient memory")


class Channel:
    """Writes the JSON lines; progress is thinned out to a few lines a second."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._next = 0.0

    def send(self, **message: object) -> None:
        """Writes one line at once."""
        self._stream.write(msgspec.json.encode(message) + b"\n")
        self._stream.flush()

    def report(self, done: float, total: float, unit: str) -> None:
        """A Report for stages; the last one (done == total) is never left out."""
        now = time.monotonic()
        if now >= self._next or done >= total:
            self._next = now + REPORT_INTERVAL_SECONDS
            self.send(progress=[float(done), float(total), unit])


def main(argv: list[str]) -> int:
    """Runs one stage in this process; returns the exit status (0 done, 1 failed with a numbered error)."""
    workspace, stage_name = Workspace(argv[1]), argv[2]
    parent = int(argv[3]) if len(argv) > 3 else 0
    cpu_seconds = float(argv[4]) if len(argv) > 4 else 0.0
    channel = Channel(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    settings = EngineSettings.from_env()
    if settings.isolate_network:
        limits.leave_network()
    limits.die_with_parent()
    if parent and os.getppid() != parent:
        return 1
    limits.apply(settings, cpu_seconds)
    try:
        _lock(workspace)
        channel.send(done=_run(workspace, stage_name, channel))
    except BaseException as error:
        problem = as_job_error(error, stage_name)
        if problem is not error:
            traceback.print_exc()
        channel.send(error={"code": problem.code, "reason": problem.reason})
        return 1
    return 0


def _run(workspace: Workspace, stage_name: str, channel: Channel) -> dict[str, object]:
    stage, task = load_stage(stage_name), workspace.task()
    key = stage.key(task, workspace)
    if workspace.is_done(stage_name, key):
        return {"skipped": True}
    workspace.clear_temporary()
    workspace.path(".tmp").mkdir(exist_ok=True)
    started = time.monotonic()
    reuse = Reuse.of(EngineSettings.from_env())
    if not reuse.bring_stage(workspace, stage_name, key):
        stage.run(workspace, task, channel.report)
        reuse.keep_stage(workspace, stage_name, key, stage.outputs(task))
    spent = usage() | {"wall": time.monotonic() - started}
    workspace.mark_done(
        stage_name,
        key,
        stage.outputs(task),
        wall=float(spent["wall"]),
        cpu=float(spent["cpu"]),
        peak_rss=int(spent["peak_rss"]),
    )
    return {"skipped": False, **spent}


def usage() -> dict[str, float]:
    """Processor seconds and peak bytes of this process and its children so far."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return {"cpu": cpu, "peak_rss": max(own.ru_maxrss, children.ru_maxrss) * 1024}


def as_job_error(error: BaseException, stage: str) -> JobError:
    """The numbered error for anything that a stage may raise."""
    if isinstance(error, JobError):
        return error
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(sign in text for sign in OUT_OF_MEMORY):
        return JobError(10907, f"the {stage} stage needed more memory than this installation allows")
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return JobError(10907, f"the {stage} stage made a file larger than this installation allows")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return JobError(10907, f"the disk is full ({stage} stage)")
    return JobError(10999, f"the {stage} stage failed inside ({type(error).__name__})")


def _lock(workspace: Workspace) -> None:
    """Holds the workspace while this process lives; waits a moment for a predecessor that is being killed."""
    handle = os.open(workspace.path(LOCK_FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise JobError(10999, "another process is working on this job") from None
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv))
