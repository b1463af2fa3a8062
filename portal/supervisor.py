"""Keeps a set of programs running: each restarts alone when it dies, all stop together, none outlives the supervisor.

Knows nothing of Kinoglot; portal/local.py says which programs. Every program gets a process group of its own, so that a
terminal's Ctrl-C reaches only the supervisor, and so that helpers of a dead program go with it.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from portal import reaper

LOG_LIMIT = 10_000_000  # bytes of a log after which a start moves it aside
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_SECONDS = 60.0  # after this long without a death the backoff starts over


@dataclass
class Service:
    """One program to keep running."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0  # when to start it (again), monotonic seconds


class Supervisor:
    """Call start(), then poll() a few times a second, then stop()."""

    def __init__(
        self, services: Sequence[Service], *, logs: Path, cwd: Path, env: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self.services = list(services)
        self.logs = logs
        self.cwd = cwd
        self.env = dict(env)
        self.say = say
        self._reaper: subprocess.Popen[bytes] | None = None
        self._errands: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()  # errands are run from other threads
        self._stopping = False

    def start(self) -> None:
        """Start everything."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for service in self.services:
            self._start(service)

    def poll(self) -> None:
        """Notice deaths and start again what is due. Returns at once."""
        now = time.monotonic()
        if self._reaper is None or self._reaper.poll() is not None:
            self._start_reaper()
        for service in self.services:
            if service.process is None:
                if now >= service.due:
                    self._start(service)
            elif (code := service.process.poll()) is not None:
                self._bury(service)
                if now - service.started > STEADY_SECONDS:
                    service.deaths = 0
                pause = BACKOFF_SECONDS[min(service.deaths, len(BACKOFF_SECONDS) - 1)]
                service.deaths += 1
                service.due = now + pause
                self.say(
                    f"{service.name} ended ({_reason(code)}); starting it again in {pause:g} s. Its log: {self.log_of(service.name)}"
                )

    def errand(self, name: str, command: Sequence[str]) -> int:
        """Run a program once, to its end, under the same protection; returns its exit status. For use in a thread."""
        with self._lock:
            if self._stopping:
                return -signal.SIGTERM
            process = self._spawn(name, command)
            self._errands.add(process)
        try:
            return process.wait()
        finally:
            with self._lock:
                self._errands.discard(process)
            self._tell_reaper(f"-{process.pid}")

    def stop(self, grace: float) -> None:
        """Ask all to end, wait up to `grace` seconds, then kill what is left. A second interrupt skips the wait."""
        with self._lock:
            self._stopping = True
            for process in self._errands:
                reaper.signal_group(process.pid, signal.SIGKILL)
        running = [service for service in self.services if service.process is not None]
        for service in running:
            assert service.process is not None
            service.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        try:
            while time.monotonic() < deadline and any(
                s.process is not None and s.process.poll() is None for s in running
            ):
                time.sleep(0.05)
        finally:
            for service in running:
                self._bury(service)
            if self._reaper is not None and self._reaper.stdin is not None:
                self._reaper.stdin.close()
                self._reaper.wait()
                self._reaper = None

    def log_of(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.logs / f"{name}.log"

    def _start(self, service: Service) -> None:
        service.process = self._spawn(service.name, service.command)
        service.started = time.monotonic()

    def _spawn(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        if self._reaper is None:
            self._start_reaper()
        log = self.log_of(name)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.cwd,
                env=self.env,
                start_new_session=True,
            )
        self._tell_reaper(f"+{process.pid}")
        return process

    def _bury(self, service: Service) -> None:
        """End whatever is left of a program's group and forget it. What it was doing is in rows, so killing is safe."""
        process = service.process
        if process is None:
            return
        reaper.signal_group(process.pid, signal.SIGKILL)
        process.wait()
        self._tell_reaper(f"-{process.pid}")
        service.process = None

    def _start_reaper(self) -> None:
        self._reaper = reaper.start()
        running = [service.process for service in self.services if service.process is not None]
        for process in [*running, *self._errands]:
            self._tell_reaper(f"+{process.pid}")

    def _tell_reaper(self, line: str) -> None:
        if self._reaper is not None and self._reaper.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it was killed; poll() starts another and tells it all again
                self._reaper.stdin.write(line.encode() + b"\n")
                self._reaper.stdin.flush()


def _reason(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
