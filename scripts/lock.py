"""Compiles the two lock files from pyproject.toml: python scripts/lock.py [--check] [--upgrade]

Neither holds an index address: whoever installs chooses the index, the hashes decide what is accepted.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--python-version", "3.11"]


def compile_locks(folder: Path, options: list[str]) -> None:
    """Write both locks into `folder`; versions already locked there are kept unless --upgrade is given."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is missing from the development packages.")
    runtime = [
        *COMPILE,
        *options,
        "--extra",
        "engine",
        "pyproject.toml",
        "--output-file",
        str(folder / "requirements.lock"),
    ]
    development = [
        *COMPILE,
        *options,
        "--all-extras",
        "--constraint",
        str(folder / "requirements.lock"),
        "--no-annotate",
    ]
    development += ["pyproject.toml", "--output-file", str(folder / "requirements-dev.lock")]
    for command in (runtime, development):
        subprocess.run([uv, *command], cwd=ROOT, check=True)


def main(arguments: list[str]) -> int:
    """Compile, or with --check say whether pyproject.toml asks for something the locks do not give."""
    if "--check" not in arguments:
        compile_locks(ROOT, [option for option in arguments if option == "--upgrade"])
        return 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("requirements.lock", "requirements-dev.lock"):
            shutil.copy(ROOT / name, folder / name)
        compile_locks(folder, [])
        stale = [
            name for name in ("requirements.lock", "requirements-dev.lock") if pins(folder / name) != pins(ROOT / name)
        ]
    if stale:
        print(f"{', '.join(stale)} no longer match pyproject.toml: run `make lock`")
    return 1 if stale else 0


def pins(lock: Path) -> set[str]:
    """The `name==version ; marker` lines of a lock, without hashes and comments."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return {line.rstrip(" \\") for line in lines if line and not line.startswith((" ", "#"))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
