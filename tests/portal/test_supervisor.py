"""The supervisor with real programs: deaths, restarts, a clean end and an unclean one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.ports import free_port
from portal.supervisor import Service, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.timeout(60)

# Writes its process id, and that of a helper of its own, then sleeps.
WORKER = """
import os, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
with open(sys.argv[1], "a") as out: out.write(f"{os.getpid()} {helper.pid}\\n")
time.sleep(120)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({!r}, 'w').write('up'); time.sleep(120)"
)


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
        return state not in "ZX"
    return False


def wait_for(condition: Callable[[], object], seconds: float = 20.0, poll: Callable[[], None] = lambda: None) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        poll()
        time.sleep(0.05)


def pids(note: Path) -> list[list[int]]:
    if not note.exists():
        return []
    return [[int(word) for word in line.split()] for line in note.read_text().splitlines() if line.count(" ") == 1]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervise(tmp_path: Path, said: list[str]) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(**programs: list[str]) -> Supervisor:
        services = [Service(name, command) for name, command in programs.items()]
        supervisor = Supervisor(services, logs=tmp_path / "logs", cwd=tmp_path, env=os.environ, say=said.append)
        made.append(supervisor)
        supervisor.start()
        return supervisor

    yield make
    for supervisor in made:
        supervisor.stop(0)


def test_a_dead_program_comes_back_alone_with_its_helpers_gone(
    tmp_path: Path, said: list[str], supervise: Callable[..., Supervisor]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    supervisor = supervise(one=[sys.executable, "-c", WORKER, str(one)], two=[sys.executable, "-c", WORKER, str(two)])
    wait_for(lambda: pids(one) and pids(two))
    leader, helper = pids(one)[0]
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: len(pids(one)) == 2, poll=supervisor.poll)
    assert not alive(helper), "the helper of a dead program was left behind"
    assert len(pids(two)) == 1, "the other one was disturbed"
    assert len(said) == 1
    assert "one ended (killed by SIGKILL)" in said[0]


def test_a_program_that_cannot_start_is_tried_less_and_less_often(
    said: list[str], supervise: Callable[..., Supervisor]
) -> None:
    supervisor = supervise(broken=[sys.executable, "-c", "raise SystemExit(3)"])
    wait_for(lambda: len(said) == 3, poll=supervisor.poll)
    assert ["0.5 s" in said[0], "1 s" in said[1], "2 s" in said[2]] == [True, True, True]
    assert "exit status 3" in said[0]


def test_stop_ends_everything_even_the_stubborn(tmp_path: Path, supervise: Callable[..., Supervisor]) -> None:
    note, up = tmp_path / "one", tmp_path / "up"
    supervisor = supervise(
        one=[sys.executable, "-c", WORKER, str(note)], stubborn=[sys.executable, "-c", STUBBORN.format(str(up))]
    )
    wait_for(lambda: pids(note) and up.exists())
    processes = [service.process.pid for service in supervisor.services if service.process] + pids(note)[0]
    began = time.monotonic()
    supervisor.stop(grace=1.0)
    assert time.monotonic() - began < 5
    assert not [pid for pid in processes if alive(pid)]


SUPERVISING = """
import os, sys, time
from pathlib import Path
from portal.supervisor import Service, Supervisor
note, stubborn = sys.argv[1:3]
services = [Service("one", [sys.executable, "-c", sys.argv[3], note]), Service("two", [sys.executable, "-c", stubborn])]
supervisor = Supervisor(services, logs=Path(note).parent / "logs", cwd=Path("/"), env=os.environ, say=print)
supervisor.start()
while True:
    supervisor.poll()
    time.sleep(0.1)
"""


@pytest.mark.parametrize("kill_reaper_first", [False, True])
def test_nothing_outlives_a_killed_supervisor(tmp_path: Path, kill_reaper_first: bool) -> None:
    note, up = tmp_path / "one", tmp_path / "up"
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, str(note), STUBBORN.format(str(up)), WORKER],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    wait_for(lambda: pids(note) and up.exists())
    if kill_reaper_first:
        reapers = children(process.pid, b"portal.reaper")
        assert len(reapers) == 1
        os.kill(reapers[0], signal.SIGKILL)
        wait_for(lambda: [pid for pid in children(process.pid, b"portal.reaper") if pid not in reapers])
    left = children(process.pid) + pids(note)[0]
    assert len(left) >= 4
    process.kill()
    process.wait()
    wait_for(lambda: not [pid for pid in left if alive(pid)], seconds=25)


def children(parent: int, words: bytes = b"") -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
            if int(fields[1]) == parent and fields[0] != "Z" and words in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def test_a_taken_port_is_stepped_over() -> None:
    import socket

    first = free_port(21000)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert first < free_port(first) < 32768
