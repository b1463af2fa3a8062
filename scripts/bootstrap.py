#!/usr/bin/env python3
"""Makes .venv and installs the locked packages into it: python3 scripts/bootstrap.py [--dev]

Runs before anything is installed, so standard library only. Uses uv where it is on PATH, else venv and pip; every package
is checked against the hash in the lock file. Does nothing (about 0.1 s) when the lock has not changed; two at once take turns.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "kinoglot-lock"


def main() -> int:
    """Bring .venv up to date; the text of SystemExit tells what is missing."""
    if sys.version_info < (3, 11):  # noqa: UP036 (runs under whatever Python the machine has)
        raise SystemExit(f"Kinoglot needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable}).")
    lock = ROOT / ("requirements-dev.lock" if "--dev" in sys.argv[1:] else "requirements.lock")
    try:
        CACHE.mkdir(exist_ok=True)
        guard = os.open(CACHE / "bootstrap.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as problem:
        raise SystemExit(f"{ROOT} cannot be written ({problem.strerror}): clone into a folder of your own.") from None
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another set-up of this folder is running; waiting for it.", flush=True)
        fcntl.flock(guard, fcntl.LOCK_EX)
    if not is_current(lock):
        set_up(lock)
    return 0


def stamp_of(lock: Path) -> str:
    """What must be unchanged for the environment to be good: the lock, this Python, and where the folder lies."""
    facts = [lock.name, hashlib.sha256(lock.read_bytes()).hexdigest(), sys.version.split()[0], str(VENV)]
    return "\n".join(facts) + "\n"


def is_current(lock: Path) -> bool:
    """True if the environment already holds this lock, or the development lock that includes it."""
    if not os.access(PYTHON, os.X_OK) or not STAMP.exists():
        return False
    accepted = [stamp_of(lock), stamp_of(ROOT / "requirements-dev.lock")]
    return STAMP.read_text(encoding="utf-8") in accepted


def set_up(lock: Path) -> None:
    """Make the environment if it is missing or broken, then install the lock."""
    STAMP.unlink(missing_ok=True)
    environment = os.environ | writable_caches()
    for variable in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"):
        environment.pop(variable, None)
    print(f"Setting up .venv from {lock.name} (the first time takes a minute or two) ...", flush=True)
    if not (with_uv(lock, environment) or with_pip(lock, environment)):
        raise SystemExit("The packages could not be installed; the lines above say why. Nothing else was changed.")
    draft = STAMP.with_suffix(".new")
    draft.write_text(stamp_of(lock), encoding="utf-8")
    draft.replace(STAMP)


def venv_is_sound() -> bool:
    """True if .venv has an interpreter of our version that starts, at the place it was made for."""
    if not os.access(PYTHON, os.X_OK):
        return False
    tell = "import sys; print(*sys.version_info[:2], sys.prefix)"
    said = subprocess.run([PYTHON, "-I", "-c", tell], capture_output=True, text=True, check=False)
    return said.stdout.strip() == f"{sys.version_info[0]} {sys.version_info[1]} {VENV}"


def with_uv(lock: Path, environment: dict[str, str]) -> bool:
    """Install with uv; False if there is none or it fails here (pip is tried next)."""
    uv = shutil.which("uv")
    if uv is None or subprocess.run([uv, "--version"], capture_output=True, check=False).returncode != 0:
        return False
    environment = environment | {"UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy"}
    if not venv_is_sound():
        shutil.rmtree(VENV, ignore_errors=True)
        made = subprocess.run(
            [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)], env=environment, check=False
        )
        if made.returncode != 0:
            return False
    install: list[str] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(PYTHON),
        "--require-hashes",
        "--requirements",
        str(lock),
    ]
    if subprocess.run(install, env=environment, cwd=ROOT, check=False).returncode == 0:
        return True
    print("uv could not install everything; trying pip.", flush=True)
    return False


def with_pip(lock: Path, environment: dict[str, str]) -> bool:
    """Install with the standard library's venv and pip."""
    has_pip = (
        venv_is_sound()
        and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    )
    if not has_pip:
        if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            raise SystemExit(
                f"This Python has no venv module. Install it, then run the same command again:\n"
                f"    Debian, Ubuntu:  apt install python{version}-venv\n"
                f"    or put uv on PATH (https://docs.astral.sh/uv/)"
            )
        shutil.rmtree(VENV, ignore_errors=True)
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)], env=environment, check=False).returncode != 0:
            return False
    install: list[str] = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar=off",
        "--quiet",
    ]
    install += ["--require-hashes", "--requirement", str(lock)]
    return subprocess.run(install, env=environment, cwd=ROOT, check=False).returncode == 0


def writable_caches() -> dict[str, str]:
    """Cache folders inside the clone where the home folder cannot be written (service users, sandboxes)."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    place = home if home.exists() else home.parent
    if os.access(place, os.W_OK):
        return {}
    return {"UV_CACHE_DIR": str(CACHE / "uv"), "PIP_CACHE_DIR": str(CACHE / "pip")}


if __name__ == "__main__":
    sys.exit(main())
