"""The embedded PostgreSQL under the hands it will meet: many users, kill -9, foreign files, odd paths, root and not root.

Each test runs as whoever runs the suite, and where that is root once more as an ordinary user.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portal.postgres_binaries import wheel_install

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = Path(__file__).with_name("postgres_holder.py")
pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"), pytest.mark.timeout(120)]


@dataclass
class Person:
    """A user of the machine, with a Python that this user can run."""

    uid: int
    gid: int
    python: str

    def start(self, *arguments: str, code: str = "") -> subprocess.Popen[str]:
        options: dict[str, Any] = {}
        if self.uid != os.geteuid():
            options = {"user": self.uid, "group": self.gid, "extra_groups": []}
        path = os.pathsep.join([str(ROOT), str(wheel_install().parent.parent)])
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
        }
        command = [self.python, "-c", code] if code else [self.python, str(SCRIPT)]
        return subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd="/",
            **options,
        )


STARTED: list[subprocess.Popen[str]] = []


class Holder:
    """One process that holds a share."""

    def __init__(self, person: Person, data: Path) -> None:
        self.process = person.start(str(data))
        STARTED.append(self.process)
        self._first: dict[str, Any] | None = None

    @property
    def first(self) -> dict[str, Any]:
        """What it said when it had started."""
        if self._first is None:
            self._first = self._read()
        return self._first

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        try:
            return json.loads(line)
        except ValueError:
            raise AssertionError(line + self.process.stdout.read()) from None

    def ask(self, line: str) -> dict[str, Any]:
        assert self.first
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._read()

    def sql(self, statement: str) -> str:
        said = self.ask(f"sql {statement}")
        assert not said["error"], said["error"]
        return str(said["out"])

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.communicate()

    def close(self) -> None:
        assert self.ask("close") == {"closed": True}
        self.end()


def people() -> list[str]:
    return ["root", "ordinary"] if os.geteuid() == 0 else ["ordinary"]


@pytest.fixture(params=people())
def person(request: pytest.FixtureRequest) -> Person:
    if request.param == "root" or os.geteuid() != 0:
        return Person(os.geteuid(), os.getegid(), sys.executable)
    entry = next(
        (e for e in pwd.getpwall() if e.pw_uid not in {0, 65534} and e.pw_name in {"daemon", "bin", "games"}), None
    )
    if entry is None:
        pytest.skip("no ordinary user on this machine to drop to")
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        there = Person(entry.pw_uid, entry.pw_gid, python)
        with contextlib.suppress(OSError):
            probe = there.start(code="import sys, portal.embedded_postgres; sys.exit(sys.version_info < (3, 11))")
            probe.communicate()
            if probe.returncode == 0:
                return there
    pytest.skip("the ordinary user cannot reach a Python 3.11 and this checkout")


@pytest.fixture
def data(person: Person) -> Iterator[Path]:
    """A folder of the person's own; whatever runs in it at the end is a failure."""
    place = Path(tempfile.mkdtemp(prefix="kino-pg-"))
    os.chown(place, person.uid, person.gid)
    yield place / "data"
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.communicate()
    deadline = time.monotonic() + 15
    while serving(place) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = serving(place)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(place, ignore_errors=True)
    assert not left, "a PostgreSQL process outlived its users"


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A cluster that has been started once and stopped, by the number of its person."""
    return {}


@pytest.fixture
def made(person: Person, data: Path, clusters: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data` with a cluster in it: a first start costs a second and more, and most tests are about later ones."""
    if person.uid not in clusters:
        place = tmp_path_factory.mktemp(f"cluster{person.uid}")
        first = Holder(person, data)
        version = first.sql("SHOW server_version").split(".")[0]
        first.close()
        subprocess.run(["cp", "-a", data / "postgres" / version, place], check=True)
        clusters[person.uid] = place / version
        return data
    for folder in (data, data / "postgres"):
        folder.mkdir(mode=0o700)
        os.chown(folder, person.uid, person.gid)
    subprocess.run(["cp", "-a", clusters[person.uid], data / "postgres"], check=True)
    return data


def serving(place: Path) -> list[int]:
    """Processes whose working folder is below `place`: all of a PostgreSQL's processes work inside their cluster."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink().is_relative_to(place):
                found.append(int(entry.name))
    return found


def kill_server(data: Path) -> None:
    """kill -9 of every server process; one that ends by itself meanwhile (a sibling died) is as dead as the others."""
    for pid in serving(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_for(condition: Any, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.03)


def guards(data: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if os.fsencode(data / "postgres") in words:
                found.append(int(entry.name))
    return found


def test_shared_by_all_and_gone_with_the_last(person: Person, made: Path) -> None:
    first, second = Holder(person, made), Holder(person, made)
    assert first.first["server"] == second.first["server"] is not None
    assert first.first["url"] == second.first["url"]
    first.sql("CREATE TABLE note (words text)")
    second.sql("INSERT INTO note VALUES ('shared')")
    first.close()
    assert second.sql("SELECT words FROM note") == "shared"
    second.close()
    assert serving(made) == []
    third = Holder(person, made)
    assert third.sql("SELECT words FROM note") == "shared"
    assert third.first["url"] == first.first["url"], "the address survives a restart"
    assert third.first["seconds"] < 5
    third.close()


def test_many_first_starts_at_once_make_one_server(person: Person, data: Path) -> None:
    crowd = [Holder(person, data) for _ in range(6)]
    assert len({holder.first["server"] for holder in crowd}) == 1
    for holder in crowd:
        holder.close()


def test_a_killed_holder_leaves_nothing_running(person: Person, made: Path) -> None:
    holder = Holder(person, made)
    assert holder.first["server"] in serving(made)
    holder.end(signal.SIGKILL)
    wait_for(lambda: not serving(made))
    wait_for(lambda: not guards(made))


def test_a_killed_holder_disturbs_no_other(person: Person, made: Path) -> None:
    stays, dies = Holder(person, made), Holder(person, made)
    assert stays.first["server"] == dies.first["server"]
    dies.end(signal.SIGKILL)
    time.sleep(0.5)
    assert stays.sql("SELECT 1") == "1"
    stays.close()
    assert serving(made) == []


def test_even_the_guard_may_be_killed(person: Person, made: Path) -> None:
    holder = Holder(person, made)
    assert holder.first
    wait_for(lambda: guards(made))
    for pid in guards(made):
        os.kill(pid, signal.SIGKILL)
    holder.end(signal.SIGKILL)
    time.sleep(0.5)
    assert serving(made), "nobody was left to stop it"
    again = Holder(person, made)
    assert again.sql("SELECT 1") == "1"
    wait_for(lambda: guards(made))
    again.end(signal.SIGKILL)
    wait_for(lambda: not serving(made))


def test_kill_9_of_every_server_process_loses_no_committed_row(person: Person, made: Path) -> None:
    holder = Holder(person, made)
    holder.sql("CREATE TABLE paid (amount int)")
    for round_ in range(3):
        holder.sql(f"INSERT INTO paid SELECT {round_} FROM generate_series(1, 100)")
        kill_server(made)
        newcomer = Holder(person, made)  # at once, without waiting for the kernel to clean up
        assert newcomer.sql("SELECT count(*) FROM paid") == str((round_ + 1) * 100)
        assert holder.sql("SELECT count(*) FROM paid") == str((round_ + 1) * 100), "the old address is served again"
        newcomer.close()
    holder.close()


def test_kill_9_of_the_chief_alone_and_revive(person: Person, made: Path) -> None:
    holder = Holder(person, made)
    holder.sql("CREATE TABLE paid (amount int)")
    holder.sql("INSERT INTO paid VALUES (1)")
    os.kill(holder.first["server"], signal.SIGKILL)
    assert holder.ask("revive")["server"] != holder.first["server"]
    assert holder.sql("SELECT count(*) FROM paid") == "1"
    holder.close()


@pytest.mark.parametrize("content", ["torn", "empty", "foreign", "ours"])
def test_pid_files_are_never_believed(person: Person, made: Path, content: str) -> None:
    holder = Holder(person, made)
    cluster = made / "postgres" / holder.sql("SHOW server_version").split(".")[0]
    socket = holder.sql("SHOW unix_socket_directories").strip('"')
    kill_server(made)
    holder.end()
    wait_for(lambda: not guards(made))
    stranger = person.start(code="import time; time.sleep(60)")
    text = {
        "torn": "12",
        "empty": "",
        "foreign": f"{stranger.pid}\n{cluster}\n1\n5432\n/x\n\n 1 2\n",
        "ours": f"{os.getpid()}\n",
    }
    cluster.parent.chmod(0o700)
    for path in (cluster / "postmaster.pid", Path(socket) / ".s.PGSQL.5432.lock"):
        path.write_text(text[content])
        os.chown(path, cluster.stat().st_uid, cluster.stat().st_gid)
    again = Holder(person, made)
    assert again.sql("SELECT 1") == "1"
    assert stranger.poll() is None, "the program that the file named is none of our business"
    stranger.kill()
    stranger.communicate()
    again.close()


@pytest.mark.parametrize("name", ["with a space", 'quote\'s "and" 100%', "日本", "long-" * 40])
def test_odd_paths(person: Person, data: Path, name: str) -> None:
    place = data / name
    if len(name) > 100:
        place = place / name
    holder = Holder(person, place)
    assert holder.sql("SELECT 1") == "1"
    holder.close()
    again = Holder(person, place)
    assert again.sql("SELECT 1") == "1"
    again.close()


def test_closed_to_the_network_and_to_others(person: Person, data: Path) -> None:
    holder = Holder(person, data)
    assert holder.sql("SHOW listen_addresses") == ""
    folder = Path(holder.sql("SHOW unix_socket_directories").strip('"'))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) == 0o700
    for database in ("kinoglot", "template1"):
        found = holder.sql(
            f"SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = '{database}'"
        )
        assert found == "b C.UTF-8"
    assert holder.sql("SELECT upper('straße é') = 'STRASSE É' OR upper('é') = 'É'") == "t"
    assert holder.sql("SHOW fsync") == "on"
    holder.close()


def test_a_broken_off_first_start_is_begun_again(person: Person, data: Path) -> None:
    attempt = Holder(person, data)
    wait_for(lambda: (data / "postgres" / "new").exists())
    attempt.end(signal.SIGKILL)
    holder = Holder(person, data)
    assert holder.sql("SELECT 1") == "1"
    holder.close()


def test_root_uses_nobody_and_opens_no_door(data: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    person = Person(0, 0, sys.executable)
    closed = data.parent / "closed"
    closed.mkdir(mode=0o700)
    holder = Holder(person, closed / "data")
    server = holder.first["server"]
    assert Path(f"/proc/{server}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE((closed / "data" / "postgres").stat().st_mode) == 0o700
    program = Path(f"/proc/{server}/exe").readlink()
    assert program.stat().st_uid == 0
    for folder in program.parents:
        assert not folder.stat().st_mode & stat.S_IWOTH or folder.stat().st_mode & stat.S_ISVTX, (
            f"{folder} is writable by others"
        )
    stranger = pwd.getpwnam("nobody")
    url = holder.first["url"]
    code = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    psql = program.with_name("psql")
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    done = Person(stranger.pw_uid, stranger.pw_gid, python).start(str(psql), url, "-c", "SELECT 1", code=code)
    out, _ = done.communicate()
    assert done.returncode != 0, out
    assert "Peer authentication failed" in out
    holder.close()


def test_an_older_cluster_is_not_touched(person: Person, made: Path) -> None:
    holder = Holder(person, made)
    version = holder.sql("SHOW server_version").split(".")[0]
    holder.close()
    (made / "postgres" / version).rename(made / "postgres" / "17")
    refused = Holder(person, made)
    assert "made by PostgreSQL 17" in refused.first["error"]
    assert "dump" in refused.first["error"]
    refused.end()
    assert not (made / "postgres" / version).exists()


def test_a_folder_of_somebody_else_is_refused_in_words(data: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    data.mkdir(mode=0o500)
    refused = Holder(Person(os.geteuid(), os.getegid(), sys.executable), data)
    assert "KINOGLOT_DATA_DIR" in refused.first["error"]
    refused.end()


def test_dump_and_restore_carry_everything_over(tmp_path: Path) -> None:
    """The road of a major upgrade, between two folders of the same version."""
    person = Person(os.geteuid(), os.getegid(), sys.executable)
    old, new = tmp_path / "old", tmp_path / "new"
    holder = Holder(person, old)
    holder.sql("CREATE TABLE note (words text)")
    holder.sql("INSERT INTO note VALUES ('kept')")
    holder.close()
    tool = [sys.executable, "-m", "portal.embedded_postgres", "--data-dir"]
    dump = str(tmp_path / "all.dump")
    subprocess.run([*tool, str(old), "dump", dump], cwd=ROOT, check=True)
    subprocess.run([*tool, str(new), "restore", dump], cwd=ROOT, check=True)
    other = Holder(person, new)
    assert other.sql("SELECT words FROM note") == "kept"
    other.close()
    status = subprocess.run([*tool, str(new), "status"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (status.stdout.strip(), status.returncode) == ("stopped", 3)
