"""The supervisor's testament: a tiny process that ends the supervisor's children if the supervisor is killed.

It reads lines "+<process group>" and "-<process group>" from the supervisor. End of file means that the supervisor has
gone, however it died: whatever is left gets SIGTERM, and after a while SIGKILL. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRACE_SECONDS = 12.0  # a media stage cut off here is resumed from its last checkpoint at the next start


def group_lives(group: int) -> bool:
    """True if a process of this group exists."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a whole group; one that has gone is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def start() -> subprocess.Popen[bytes]:
    """Start the process; the caller writes to its stdin and closes that on a clean end."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from portal.reaper import main; main()"
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )


def main() -> None:
    """Body of the process."""
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line[1:])
        if line[0] == "+":
            groups.add(number)
        else:
            groups.discard(number)
    for group in groups:
        signal_group(group, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(group_lives(group) for group in groups):
        time.sleep(0.1)
    for group in groups:
        signal_group(group, signal.SIGKILL)
