"""Starts each stage as a limited child process, passes its progress on, and ends it when it must end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from apps.core.errors import JobError
from apps.engine.lipsync.types import SEEN_FILE, STILL_FILE, FacesSeen
from apps.engine.settings import ENVIRONMENT_KEY, EngineSettings
from apps.engine.task import EngineTask, Limits
from apps.engine.workspace import LOG_DIR, PROBE_FILE, Workspace

OnProgress = Callable[[float, float, str], None]
ShouldStop = Callable[[], bool]

POLL_SECONDS = 0.25
SPACE_CHECK_SECONDS = 2.0
MAX_LINE_BYTES = 64 * 1024
LOG_TAIL_BYTES = 8 * 1024
PASSED_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "KINOGLOT_MODEL_DIR")
PAINT_SECONDS = 0.5
"""What painting and encoding a million pixels may take at most: some ten times of what it does on a quiet core."""
LOOKS = frozenset({"probe", "faces"})
"""Stages that only look at a file: they have little time, and a crash is the file's fault."""
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}


def plan(task: EngineTask) -> list[str]:
    """The stages of a task, in order."""
    if not task.wants_voice:
        return ["probe", "recognize", "translate", "render"]
    faces = ["dub_lipsync"] if "lipsync" in task.steps else []
    return ["probe", "separate", "recognize", "translate", "speak", *faces, "render"]


def run_stage(
    workspace_path: Path | str,
    stage: str,
    on_progress: OnProgress | None = None,
    settings: EngineSettings | None = None,
    should_stop: ShouldStop | None = None,
) -> None:
    """Runs one stage to its end in a child process; a stage that is already done returns at once.

    Call it again after any failure or kill: finished work is kept. Raises JobError: what the stage raised, 10903 past
    its time, 10907 when memory, disk or output size ran out, 10909 when should_stop() said so (asked every 0.25 s).
    The child and everything it started are gone when this returns or raises, and also when this process is killed.
    """
    settings = settings or EngineSettings.from_env()
    workspace = Workspace(workspace_path)
    seconds = time_limit(workspace, stage, settings)
    log = workspace.path(f"{LOG_DIR}/{stage}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "apps.engine", str(workspace.root.resolve()), stage]
    command += [str(os.getpid()), str(seconds * settings.cores)]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=workspace.root,
            env=child_environment(workspace, settings),
            start_new_session=True,
        )
    try:
        outcome = _follow(process, workspace, stage, seconds, settings, on_progress, should_stop)
        _wait(process, seconds=5.0)
    finally:
        _kill_group(process)
    if outcome is None:
        raise _explain(process.returncode, stage, _log_tail(log))


def probe(
    path: Path,
    settings: EngineSettings | None = None,
    limits: Limits | None = None,
    should_stop: ShouldStop | None = None,
) -> dict[str, Any]:
    """Probes any media file in a child process (for uploads): the content of probe.json (apps/engine/media.py MediaInfo).

    Raises JobError 10902, 10904, 10905 and so on as the probe stage does; audio and pictures may each be missing.
    """
    with _looked_at("probe", path, settings, limits, should_stop) as workspace:
        info: dict[str, Any] = workspace.read_json(PROBE_FILE)
        return info


def find_faces(
    path: Path,
    settings: EngineSettings | None = None,
    limits: Limits | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[FacesSeen, bytes]:
    """Looks for faces in a picture or a video in a child process: what it found, and a JPEG (at most 1280 pixels) of where.

    Raises JobError 10001 (sound alone), 10902, 10904 or 10905 as the probe does, 10911 (no face), 10999 (face models not installed).
    """
    with _looked_at("faces", path, settings, limits, should_stop) as workspace:
        seen = msgspec.json.decode(workspace.path(SEEN_FILE).read_bytes(), type=FacesSeen)
        return seen, workspace.path(STILL_FILE).read_bytes()


@contextlib.contextmanager
def _looked_at(
    stage: str, path: Path, settings: EngineSettings | None, limits: Limits | None, should_stop: ShouldStop | None
) -> Iterator[Workspace]:
    """A passing workspace around one file, with a stage of LOOKS done in it."""
    with tempfile.TemporaryDirectory(prefix=f"kinoglot-{stage}-") as directory:
        task = EngineTask(steps=(), limits=limits or Limits())
        workspace = Workspace.create(directory, task)
        workspace.path(task.source).symlink_to(path.resolve())
        run_stage(directory, stage, None, settings, should_stop)
        yield workspace


def time_limit(workspace: Workspace, stage: str, settings: EngineSettings) -> float:
    """Wall-clock seconds that a stage may take, by the length of the media; one that paints pictures by their number and size too."""
    if stage in LOOKS:
        return settings.probe_timeout
    duration, megapixels = 0.0, 0.0
    with contextlib.suppress(OSError, msgspec.MsgspecError, KeyError, TypeError):
        info = workspace.read_json(PROBE_FILE)
        duration = float(info["duration"])
        if stage == "dub_lipsync" and info["video"]:
            megapixels = info["video"]["frames"] * max(0.5, info["video"]["width"] * info["video"]["height"] / 1e6)
    return settings.timeout_base + settings.timeout_per_second * duration + PAINT_SECONDS * megapixels


def child_environment(workspace: Workspace, settings: EngineSettings) -> dict[str, str]:
    """A small environment: no secrets of the portal reach the process that parses strangers' media."""
    temporary = workspace.root.resolve() / ".tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    environment = {name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ}
    roots = [str(Path(__file__).resolve().parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return environment | {
        ENVIRONMENT_KEY: settings.to_env(),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(root for root in roots if root)),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": str(settings.cores),
        "OPENBLAS_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TMPDIR": str(temporary),
    }


def _follow(
    process: subprocess.Popen[bytes],
    workspace: Workspace,
    stage: str,
    seconds: float,
    settings: EngineSettings,
    on_progress: OnProgress | None,
    should_stop: ShouldStop | None,
) -> dict[str, Any] | None:
    """Reads the child's lines until it closes them; returns its `done` message, None when it died without one."""
    deadline = time.monotonic() + seconds
    next_space_check = time.monotonic() + SPACE_CHECK_SECONDS
    outcome: dict[str, Any] | None = None
    for message in _messages(process):
        if "progress" in message and on_progress is not None:
            on_progress(*message["progress"])
        elif "error" in message:
            raise JobError(message["error"]["code"], message["error"]["reason"])
        elif "done" in message:
            outcome = message["done"]
        now = time.monotonic()
        if should_stop is not None and should_stop():
            raise JobError(10909, "canceled")
        if now > deadline:
            raise JobError(10903, f"the {stage} stage did not end within {seconds:.0f} seconds")
        if settings.max_workspace_bytes and now > next_space_check:
            next_space_check = now + SPACE_CHECK_SECONDS
            if _size(workspace.root) > settings.max_workspace_bytes:
                raise JobError(10907, f"the {stage} stage made more files than this installation allows")
    return outcome


def _messages(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """The child's lines as they come, and an empty message at least every POLL_SECONDS."""
    assert process.stdout is not None
    pending = b""
    with process.stdout as stream, selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if not selector.select(POLL_SECONDS):
                yield {}
                if _ended(process):  # a grandchild may keep the pipe open after the child is gone
                    return
                continue
            chunk = os.read(stream.fileno(), MAX_LINE_BYTES)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            pending = pending[-MAX_LINE_BYTES:]
            for line in lines:
                with contextlib.suppress(msgspec.MsgspecError):
                    yield msgspec.json.decode(line, type=dict[str, Any])


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """True when the child ended; it is not reaped yet, so that its number stays taken until the group is killed."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Waits for the end of a child that closed its output; one that lingers is killed by the caller."""
    deadline = time.monotonic() + seconds
    while not _ended(process) and time.monotonic() < deadline:
        time.sleep(0.005)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills the child and all it started (its session is its own), and takes its status."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.wait()


def _explain(returncode: int, stage: str, log: str) -> JobError:
    """The job error for a child that ended without a word."""
    number = -returncode
    name = signal.Signals(number).name if number in {int(s) for s in signal.Signals} else str(returncode)
    if number == signal.SIGXCPU:
        return JobError(10903, f"the {stage} stage used more processor time than allowed")
    if number == signal.SIGXFSZ:
        return JobError(10907, f"the {stage} stage made a file larger than this installation allows")
    if stage in LOOKS and number in CRASHES:
        return JobError(10902, "the file is so damaged that it cannot be read")
    if returncode < 0 or "bad_alloc" in log or "MemoryError" in log:
        return JobError(10907, f"the {stage} stage was stopped: it needed more memory than there is ({name})")
    return JobError(10999, f"the {stage} stage ended without a result ({name})")


def _log_tail(log: Path) -> str:
    with contextlib.suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return stream.read().decode("utf-8", "replace")
    return ""


def _size(root: Path) -> int:
    total = 0
    for path in root.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total
