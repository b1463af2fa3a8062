"""`make check`: everything that a reader of the code would otherwise have to check by eye. Runs all, then fails if any failed.

python scripts/check.py [name ...]    only the named checks
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent


def tool(name: str) -> list[str]:
    """A program of the environment, run by its interpreter: a path with spaces breaks the first line of scripts."""
    return [PYTHON, str(BIN / name)]


MANAGE = [PYTHON, "manage.py"]
CHECKS: dict[str, list[str]] = {
    "lint": [str(BIN / "ruff"), "check", "."],
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "types": [PYTHON, "-m", "mypy"],
    "layers": tool("lint-imports"),
    "templates": [PYTHON, "-m", "djlint", "templates", "--lint", "--quiet"],
    "migrations": [*MANAGE, "makemigrations", "--check", "--dry-run"],
    "django": [*MANAGE, "check"],
    "deploy": [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
    "messages": [PYTHON, "scripts/messages.py"],
    "openapi": [*MANAGE, "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
    "lock": [PYTHON, "scripts/lock.py", "--check"],
}


def example_environment() -> dict[str, str]:
    """The production settings of .env.example, so that `check --deploy` judges what we tell people to set."""
    pairs = {}
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            pairs[name.strip()] = value.strip().strip("\"'")
    return pairs


def run(name: str, data: str) -> bool:
    """Run one check; tell its outcome, and its output if it failed."""
    environment = os.environ | {"KINOGLOT_DATA_DIR": data}
    if name == "deploy":
        environment |= example_environment()
    began = time.monotonic()
    done = subprocess.run(
        CHECKS[name],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    good = done.returncode == 0
    print(f"{'ok    ' if good else 'FAILED'}  {name:<11} {time.monotonic() - began:5.1f} s", flush=True)
    if not good:
        print("\n".join("        " + line for line in done.stdout.strip().splitlines()[-60:]), flush=True)
    return good


def main(names: list[str]) -> int:
    """Run the named checks, or all."""
    data = tempfile.mkdtemp(prefix="kinoglot-check-")  # checks must not touch the developer's database
    try:
        outcomes = [run(name, data) for name in names or CHECKS]
    finally:
        subprocess.run([PYTHON, "-m", "portal.embedded_postgres", "--data-dir", data, "stop"], cwd=ROOT, check=False)
        shutil.rmtree(data, ignore_errors=True)
    print(f"{outcomes.count(True)} of {len(outcomes)} checks passed")
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
