"""The only door to ffmpeg: no shell, no network protocols, killed with its parent, failures as job codes."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from apps.core.errors import JobError
from apps.engine.limits import die_with_parent
from apps.engine.settings import EngineSettings

logger = logging.getLogger(__name__)
PROTOCOLS = "file,pipe"
STDERR_TAIL = 64 * 1024
ENDED_BY_SIGNAL = 255
"""ffmpeg's exit status when it caught SIGXCPU (or an interrupt, which nobody sends here)."""


class FfmpegResult(NamedTuple):
    """What a run gave: captured standard output (empty unless asked for) and the end of standard error."""

    stdout: bytes
    stderr: str


@functools.lru_cache(maxsize=4)
def executable(configured: str = "") -> str:
    """Path of ffmpeg: the configured one, else imageio-ffmpeg's static build; raises JobError 10999 when none."""
    if configured:
        found = shutil.which(configured)
        if found is None:
            logger.error("ffmpeg was not found at %s", configured)  # for the stage's log; customers see no paths
            raise JobError(10999, "ffmpeg was not found at the place that this installation names")
        return found
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise JobError(10999, "ffmpeg is not installed (package imageio-ffmpeg)") from error


def run(
    args: Sequence[str | os.PathLike[str]],
    *,
    code: int = 10003,
    what: str = "processing the media",
    timeout: float | None = None,
    on_time: Callable[[float], None] | None = None,
    capture: bool = False,
    stdin: bytes | None = None,
    loglevel: str = "error",
    cwd: Path | None = None,
) -> FfmpegResult:
    """Runs ffmpeg with `args` (everything after the program's global options; output files are overwritten).

    Every input gets -protocol_whitelist file,pipe. on_time is told the seconds written so far. With capture the
    output "pipe:1" is returned. Raises JobError: `code` when ffmpeg fails, 10903 past `timeout` seconds, 10907 when
    memory, disk or the output-size limit ran out.
    """
    settings = EngineSettings.from_env()
    command = [
        executable(settings.ffmpeg),
        "-hide_banner",
        "-nostdin",
        "-loglevel",
        loglevel,
        "-y",
    ]
    command += ["-threads", str(settings.cores), "-filter_threads", str(settings.cores)]
    if on_time is not None and not capture:
        command += ["-nostats", "-progress", "pipe:1"]
    for part in args:
        if os.fspath(part) == "-i":
            command += ["-protocol_whitelist", PROTOCOLS]
        command.append(os.fspath(part))
    # preexec_fn is one system call prepared at import: nothing in it can wait for a lock of another thread.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=cwd,
            preexec_fn=die_with_parent,
        )
        expired = threading.Event()
        timer = _kill_later(process, timeout, expired)
        try:
            stdout = _pump(process, on_time, capture, stdin)
            returncode = process.wait()
        finally:
            if timer is not None:
                timer.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        tail = _tail(errors)
    if expired.is_set():
        raise JobError(10903, f"{what} took longer than {timeout:.0f} seconds")
    if returncode != 0:
        raise failure(returncode, tail, code, what)
    return FfmpegResult(stdout, tail)


def failure(returncode: int, stderr: str, code: int, what: str) -> JobError:
    """The job error for a failed run."""
    if returncode == -signal.SIGXFSZ or "File too large" in stderr:
        return JobError(10907, f"{what} made a file larger than this installation allows")
    if "No space left on device" in stderr:
        return JobError(10907, f"the disk is full ({what})")
    if "Cannot allocate memory" in stderr or returncode == -signal.SIGKILL:
        return JobError(10907, f"{what} needed more memory than this installation allows")
    if returncode in (-signal.SIGXCPU, ENDED_BY_SIGNAL):
        return JobError(10903, f"{what} used more processor time than allowed")
    return JobError(code, f"{what} failed: {summary(stderr) or f'ffmpeg ended with {returncode}'}")


def summary(stderr: str) -> str:
    """The last telling line of ffmpeg's messages, without addresses and paths, at most 200 characters."""
    lines = [re.sub(r"^\[[^\]]*\]\s*", "", line).strip() for line in stderr.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("Conversion failed", "Last message repeated"))]
    text = lines[-1] if lines else ""
    return re.sub(r"(/[^\s:'\"]+)+", "file", text)[:200]


def media_input(path: Path, demuxer: str) -> list[str]:
    """Arguments for an untrusted input: the demuxer that the probe accepted is forced, nothing is guessed again."""
    return ["-f", demuxer, "-i", str(path)]


def _pump(
    process: subprocess.Popen[bytes],
    on_time: Callable[[float], None] | None,
    capture: bool,
    stdin: bytes | None,
) -> bytes:
    if capture or stdin is not None:
        out, _ = process.communicate(stdin)
        return out if capture else b""
    assert process.stdout is not None
    for raw in process.stdout:
        key, _, value = raw.decode("ascii", "replace").strip().partition("=")
        if on_time is not None and key == "out_time_us" and value.lstrip("-").isdigit():
            on_time(max(0.0, int(value) / 1e6))
    return b""


def _kill_later(
    process: subprocess.Popen[bytes], timeout: float | None, expired: threading.Event
) -> threading.Timer | None:
    if timeout is None:
        return None

    def kill() -> None:
        expired.set()
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    timer = threading.Timer(timeout, kill)
    timer.daemon = True
    timer.start()
    return timer


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - STDERR_TAIL))
    return stream.read().decode("utf-8", "replace")
