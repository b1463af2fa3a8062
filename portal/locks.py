"""File locks that the kernel drops when their holder dies, and programs that outlive who starts them. Standard library only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file for the length of a with block. The kernel drops it if we are killed."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_lock(path: Path) -> int:
    """Open (or make) a lock file; the descriptor is not inherited by programs we start."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:  # a root run in somebody's folder must not lock its owner out later
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def try_lock(descriptor: int) -> bool:
    """Take an exclusive lock now or say no."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def spawn_detached(arguments: Sequence[str], **options: object) -> None:
    """Start a program that outlives us and is nobody's zombie: the shell in between ends at once."""
    command = ["/bin/sh", "-c", '"$@" &', "sh", *arguments]
    subprocess.run(command, stdin=subprocess.DEVNULL, start_new_session=True, check=True, **options)  # type: ignore[call-overload]
