"""`make run`: everything on this machine under one supervisor, from an empty folder to a translated clip.

Order: one-at-a-time lock, weights, embedded PostgreSQL, migrations, demo organization, static files, services, screen,
demo job. All of it may be repeated; Ctrl-C at any moment takes everything down, the database included.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from django.conf import settings
from django.core.management import call_command
from rich.console import Console

from portal import demo, weights
from portal.demo_job import follow
from portal.embedded_postgres import Server, ensure_server
from portal.ports import free_port
from portal.processes import command
from portal.supervisor import Service, Supervisor

READY_SECONDS = 120.0
DATABASE_CHECK_SECONDS = 3.0


class AlreadyRunning(RuntimeError):
    """Another `make run` owns this data folder; the text says where it is."""


class Stopped(BaseException):
    """Somebody asked us to end (Ctrl-C, SIGTERM, closed terminal)."""


@dataclass(frozen=True)
class Options:
    """What the caller of `make run` may choose. Empty `video` means the sample clip."""

    host: str = "127.0.0.1"
    port: int = 8000
    video: str = ""
    target: str = "pt-BR"
    demo: bool = True


def run(options: Options, console: Console) -> int:
    """Start, show, watch until asked to stop; returns the exit status."""
    data = Path(settings.DATA_DIR)
    data.mkdir(parents=True, exist_ok=True)
    clip = Path(options.video).expanduser() if options.video else None
    if clip is not None and not clip.is_file():
        console.print(f"There is no file {clip}.", style="red", soft_wrap=True)
        return 2
    try:
        with _signals_raise(), ExitStack() as stack:
            note = stack.enter_context(_only_one(data))
            _install_weights(console)
            server = stack.enter_context(_database(console))
            _migrate(console)
            shown = demo.ensure() if options.demo else None
            _collect_static(console)
            port = free_port(options.port, options.host)
            if port != options.port:
                console.print(f"  Port {options.port} is taken; using {port}.")
            name = "127.0.0.1" if options.host in {"0.0.0.0", "::"} else options.host
            url = os.environ.get("PUBLIC_URL") or f"http://{name}:{port}"
            supervisor = Supervisor(
                services(options.host, port),
                logs=data / "logs",
                cwd=settings.BASE_DIR,
                env=os.environ | {"PUBLIC_URL": url, "DATABASE_URL": settings.DATABASE_URL, "PYTHONUNBUFFERED": "1"},
                say=lambda text: console.print(f"  {text}", style="yellow", soft_wrap=True),
            )
            stack.callback(_stop, supervisor, console)
            supervisor.start()
            _write_note(note, url)
            _wait_until_ready(supervisor, f"http://{name}:{port}", console)
            _screen(console, url, shown, data)
            if shown is not None:
                _start_demo(shown, clip, options, console, url, supervisor)
            _watch(supervisor, server)
    except AlreadyRunning as problem:
        console.print(str(problem), soft_wrap=True)
        return 1
    except (Stopped, KeyboardInterrupt):
        console.print("Stopped. Nothing is left running; the data stay where they are.")
        return 0


def services(host: str, port: int) -> list[Service]:
    """The processes of DESIGN section 3, with web and live behind one address."""
    names = {"web": "site", "worker": "worker", "engine": "engine", "poller": "poller"}
    return [Service(shown, command(name, host=host, port=port, env=os.environ)) for shown, name in names.items()]


@contextmanager
def _signals_raise() -> Iterator[None]:
    def handler(number: int, frame: FrameType | None) -> None:
        raise Stopped

    old = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup asks to stay
            old[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in old.items():
            signal.signal(number, previous)


@contextmanager
def _only_one(data: Path) -> Iterator[int]:
    """Own the data folder, or raise AlreadyRunning with the first one's address. The kernel drops the lock if we die."""
    note = os.open(data / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said: dict[str, object] = {}
            with contextlib.suppress(ValueError):
                said = json.loads(os.pread(note, 4096, 0) or b"{}")
            where = said.get("url") or "(still starting)"
            raise AlreadyRunning(
                f"Kinoglot already runs from this folder: {where} (process {said.get('pid', '?')}). Stop it there with Ctrl-C."
            ) from None
        _write_note(note, "")
        yield note
        os.ftruncate(note, 0)
    finally:
        os.close(note)


def _write_note(note: int, url: str) -> None:
    os.ftruncate(note, 0)
    os.pwrite(note, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)


def _install_weights(console: Console) -> None:
    folder = Path(settings.MODEL_DIR)
    if size := weights.missing(folder):
        console.print(f"Fetching the engine's weights ({size / 1e6:.0f} MB, once) ...")
        weights.install(folder, console)


@contextmanager
def _database(console: Console) -> Iterator[Server | None]:
    """The embedded PostgreSQL, unless DATABASE_URL names a server of the operator's."""
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        yield None
        return
    with ensure_server(settings.DATA_DIR) as server:
        yield server


def _migrate(console: Console) -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        console.print("Preparing the database ...")
        call_command("migrate", interactive=False, verbosity=0)


def _collect_static(console: Console) -> None:
    """Copy static files where the web server finds them, if any source changed since the last time."""
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            seen = Path(storage.path(path)).stat()
            digest.update(f"{path} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    root = Path(settings.STATIC_ROOT)
    stamp = root / ".kinoglot-sources"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest.hexdigest():
        return
    console.print("Collecting static files ...")
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(digest.hexdigest(), encoding="utf-8")


def _wait_until_ready(supervisor: Supervisor, url: str, console: Console) -> None:
    deadline = time.monotonic() + READY_SECONDS
    last = "no answer"
    while time.monotonic() < deadline:
        supervisor.poll()
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            last = error.read(2000).decode(errors="replace")
        except OSError as error:
            last = str(error)
        time.sleep(0.15)
    console.print(
        f"Not ready after {READY_SECONDS:.0f} s ({last}). Logs: {supervisor.logs}", style="red", soft_wrap=True
    )


def _screen(console: Console, url: str, shown: demo.Demo | None, data: Path) -> None:
    lines = [("Open", url)]
    if shown is not None:
        lines += [("Sign in", f"{shown.email}   password {shown.password}"), ("API key", shown.api_key)]
    lines += [("API docs", f"{url}/api/v1/docs"), ("Console", f"{url}/console/   (the same sign-in)")]
    lines += [("Data", f"{data}   (logs in logs/)"), ("Stop", "Ctrl-C")]
    console.print("\n[bold]Kinoglot is running[/]")
    for name, value in lines:
        console.print(f"  [dim]{name:<9}[/] {value}", soft_wrap=True, highlight=False)
    console.print()


def _start_demo(
    shown: demo.Demo, clip: Path | None, options: Options, console: Console, url: str, supervisor: Supervisor
) -> None:
    """Submit and follow the demo job beside the watch loop; its failure is told and stops nothing."""
    told = (shown, clip, options.target, console, url, supervisor.errand)
    threading.Thread(target=follow, args=told, name="demo", daemon=True).start()


def _watch(supervisor: Supervisor, server: Server | None) -> NoReturn:
    """Until a signal raises: keep the services and the database up."""
    checked = time.monotonic()
    while True:
        supervisor.poll()
        if server is not None and time.monotonic() - checked > DATABASE_CHECK_SECONDS:
            checked = time.monotonic()
            if not server.is_ready():
                supervisor.say("PostgreSQL does not answer; starting it again.")
                server.revive()
        time.sleep(0.2)


def _stop(supervisor: Supervisor, console: Console) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        console.print("\nStopping ... (once more to stop at once)")
    with contextlib.suppress(Stopped, KeyboardInterrupt):
        supervisor.stop(grace=12.0)
