"""What a stage's process may use: memory, processor time, file size, open files; and that it dies with its parent."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys

from apps.engine.settings import EngineSettings

PR_SET_PDEATHSIG = 1

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform.startswith("linux") else None


def die_with_parent() -> None:
    """Asks the kernel to kill this process when the thread that started it ends (Linux; elsewhere nothing).

    The kernel watches the starting *thread*: whoever starts a stage waits for it in the same thread.
    """
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave_network() -> bool:
    """Moves this process into a network namespace without interfaces; False when the kernel does not let it.

    Call it while the process has one thread, and before die_with_parent (a change of credentials clears that).
    """
    if not sys.platform.startswith("linux"):
        return False
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET
    return bool(ctypes.CDLL(None, use_errno=True).unshare(flags) == 0)


def apply(settings: EngineSettings, cpu_seconds: float) -> None:
    """Sets the limits of this process and of all that it starts; 0 leaves a limit off.

    RLIMIT_DATA, not RLIMIT_AS: onnxruntime, ctranslate2 and BLAS map models and reserve arenas per thread, so that their
    address space says little (Whisper base on 2 cores, Linux 6: 1356 MB of addresses, 489 MB of data, 290 MB resident).
    RLIMIT_DATA counts private writable memory, since Linux 4.7 with anonymous mmap, so an allocation bomb ends at it;
    all libraries of the engine turned it into an exception or std::bad_alloc, which becomes job code 10907.
    """
    _limit(resource.RLIMIT_DATA, settings.memory_limit)
    _limit(resource.RLIMIT_FSIZE, settings.max_output_bytes)
    _limit(resource.RLIMIT_CPU, math.ceil(cpu_seconds), grace=5)
    _limit(resource.RLIMIT_NOFILE, settings.max_open_files)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if settings.nice:
        os.nice(settings.nice)


def _limit(which: int, value: int, grace: int = 0) -> None:
    """Soft limit `value`, hard limit `grace` above it (for processor time: SIGXCPU tells why before SIGKILL)."""
    if value <= 0:
        return
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)))
