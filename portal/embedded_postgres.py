"""The embedded PostgreSQL as its users see it: shared by any number of processes, gone with the last of them.

    with ensure_server(data_dir) as server: ...  # server.url

Who uses the server holds a shared lock on `holders.lock`; the kernel drops it however the holder dies. A guard process
waits until nobody holds it and stops the server, so that not even kill -9 of the last holder leaves one running. Starting
and stopping happen under `control.lock`. From a shell:

    python -m portal.embedded_postgres status | url | psql | dump FILE | restore FILE | stop
"""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from portal.locks import locked, open_lock, spawn_detached, try_lock
from portal.postgres_binaries import EmbeddedPostgresError
from portal.postgres_cluster import DATABASE, ROLE, Cluster
from portal.postgres_socket import PORT

__all__ = ["EmbeddedPostgresError", "Server", "ensure_server", "stop_server", "url_for"]
ROOT = Path(__file__).resolve().parent.parent


def _home(data_dir: Path | str) -> Path:
    return Path(data_dir).resolve() / "postgres"


def _url(cluster: Cluster) -> str:
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(cluster.sockets.path()))}&port={PORT}"


def url_for(data_dir: Path | str) -> str:
    """Address of the folder's server, running or not. It stays the same over restarts."""
    cluster = Cluster(_home(data_dir))
    cluster.make_home()
    return _url(cluster)


@dataclass
class Server:
    """A share in a running server. Keep it as long as the database is needed; close() is harmless twice."""

    url: str
    cluster: Cluster
    _share: int = field(repr=False)

    def is_ready(self) -> bool:
        """True if the server takes connections now."""
        return self.cluster.is_ready()

    def revive(self) -> None:
        """Start the server again if it died under us (same address, no committed row lost)."""
        with locked(self.cluster.home / "control.lock"):
            self.cluster.start()

    def close(self) -> None:
        """Give the share back; the last one stops the server and waits for it."""
        if self._share < 0:
            return
        with locked(self.cluster.home / "control.lock"):
            os.close(self._share)
            self._share = -1
            _stop_if_unused(self.cluster)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ensure_server(data_dir: Path | str, *, durable: bool = True) -> Server:
    """Start the server of this data folder, or join the one that runs. Raises EmbeddedPostgresError with the reason.

    `durable=False` switches fsync off: for throw-away test data only, and only for the call that starts the server.
    """
    cluster = Cluster(_home(data_dir), durable=durable)
    cluster.prepare()
    with locked(cluster.home / "control.lock"):
        share = open_lock(cluster.home / "holders.lock")
        try:
            fcntl.flock(share, fcntl.LOCK_SH)
            cluster.start()
            _ensure_guard(cluster)
        except BaseException:
            os.close(share)
            raise
    return Server(_url(cluster), cluster, share)


def stop_server(data_dir: Path | str) -> None:
    """Stop the folder's server even if somebody uses it; harmless if none runs."""
    cluster = Cluster(_home(data_dir))
    if cluster.home.exists():
        with locked(cluster.home / "control.lock"):
            cluster.stop()


def _stop_if_unused(cluster: Cluster) -> bool:
    """Stop the server if nobody holds a share. The caller holds the control lock, so nobody can join meanwhile."""
    holders = open_lock(cluster.home / "holders.lock")
    try:
        if not _is_alone(holders):
            return False
        cluster.stop()
        return True
    finally:
        os.close(holders)


def _is_alone(holders: int) -> bool:
    """Take the holders' lock whole. The guard has it for a blink when the last share goes, which must not look like a user."""
    refusals = 0
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if try_lock(holders):
            return True
        try:
            fcntl.flock(holders, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pass  # whole in somebody's hands: the guard's
        else:
            refusals += 1  # shared: a user, or the guard let go this very moment
            if refusals == 3:
                return False
        time.sleep(0.002)
    return False


def _ensure_guard(cluster: Cluster) -> None:
    guard = open_lock(cluster.home / "guard.lock")
    try:
        if not try_lock(guard):
            return
    finally:
        os.close(guard)
    with cluster.log.open("ab") as log:
        code = "import sys; sys.path.insert(0, sys.argv[1]); from portal.embedded_postgres import guard; guard(sys.argv[2])"
        python = [sys.executable, "-I", "-S", "-c", code, str(ROOT), str(cluster.home)]
        spawn_detached(python, stdout=log, stderr=log, cwd="/")


def guard(home: str) -> None:
    """Body of the guard process: sleep until nobody uses the server, stop it, end."""
    cluster = Cluster(Path(home))
    lock = open_lock(cluster.home / "guard.lock")
    if not try_lock(lock):
        return
    while True:
        holders = open_lock(cluster.home / "holders.lock")
        fcntl.flock(holders, fcntl.LOCK_EX)  # sleeps while anybody holds a share
        os.close(holders)  # let go at once: a newcomer may be waiting for its share under the control lock
        with locked(cluster.home / "control.lock"):
            if _stop_if_unused(cluster):
                os.close(lock)  # before the control lock: the next start must see that no guard is left
                return


def main(arguments: list[str] | None = None) -> int:
    """Command line: see the top of this file."""
    from portal.env import text

    parser = argparse.ArgumentParser(
        prog="python -m portal.embedded_postgres", description="The embedded PostgreSQL of Kinoglot"
    )
    parser.add_argument(
        "--data-dir", default=text("KINOGLOT_DATA_DIR", str(ROOT / ".data")), help="default: %(default)s"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("status", "does it run?"),
        ("url", "its address"),
        ("psql", "open a prompt"),
        ("stop", "stop it"),
    ):
        commands.add_parser(name, help=words)
    for name, words in (("dump", "write everything to a file"), ("restore", "read such a file into an empty database")):
        commands.add_parser(name, help=words).add_argument("file")
    given = parser.parse_args(arguments)
    cluster = Cluster(_home(given.data_dir))
    if given.command == "url":
        print(url_for(given.data_dir))
        return 0
    cluster.prepare()
    if given.command == "status":
        ready = cluster.is_ready()
        print("running" if ready else "stopped")
        return 0 if ready else 3
    if given.command == "stop":
        stop_server(given.data_dir)
        return 0
    with ensure_server(given.data_dir) as server:
        programs = {
            "psql": ["psql", server.url],
            "dump": ["pg_dump", "--format=custom", "--file", str(getattr(given, "file", "")), server.url],
            "restore": [
                "pg_restore",
                "--exit-on-error",
                "--no-owner",
                "--single-transaction",
                "--dbname",
                server.url,
                str(getattr(given, "file", "")),
            ],
        }
        name, *rest = programs[given.command]
        return subprocess.run([cluster.binary(name), *rest], check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EmbeddedPostgresError as problem:
        sys.exit(str(problem))
