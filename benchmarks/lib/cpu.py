"""CPU seconds of process trees, from /proc: what a figure costs, beside how long it took."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> set[int]:
    """A process and all that descend from it."""
    found, queue = {pid}, [pid]
    while queue:
        folder = Path(f"/proc/{queue.pop()}/task")
        for task in folder.iterdir() if folder.is_dir() else ():
            try:
                children = (task / "children").read_text(encoding="ascii").split()
            except OSError:
                continue
            fresh = {int(child) for child in children} - found
            found |= fresh
            queue += fresh
    return found


def seconds(pids: set[int]) -> float:
    """User and system time of the processes, and of the children they have waited for."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(value) for value in fields[11:15])
    return total / TICKS


class Meter:
    """CPU spent by a process tree since the meter was made; processes that come later are counted from zero."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._start = seconds(tree(pid))

    def used(self) -> float:
        """Seconds."""
        return seconds(tree(self._pid)) - self._start


def load() -> str:
    """The machine's load averages, to be told beside every figure."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())
