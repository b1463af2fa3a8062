"""What the submit benchmark runs against: a throw-away PostgreSQL, our site, pgbench, and the rival with its Redis."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
RIVAL = ROOT / "benchmarks" / "peers" / "fastapi_rival"
PEPPER = "rival-pepper"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def program(
    command: Sequence[str], *, env: dict[str, str], log: Path, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs as long as the block; it is asked to stop by its own id and killed after 10 seconds."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=os.environ | env, stdout=output, stderr=output, cwd=cwd)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(url: str, log: Path) -> None:
    """Until it answers anything."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=2)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} never answered:\n{log.read_text(encoding='utf-8')[-3000:]}")


@contextmanager
def our_site(database: str, folder: Path, threads: int) -> Iterator[tuple[int, int]]:
    """The site as `manage.py serve web` starts it: granian, WSGI, two processes. Gives process id and port."""
    from portal.processes import command

    port = free_port()
    env = {
        "DATABASE_URL": database,
        "KINOGLOT_DATA_DIR": str(folder / "data"),
        "LOG_LEVEL": "ERROR",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PYTHONWARNINGS": "ignore",
    }
    sizes = {"WEB_PROCESSES": "2", "WEB_THREADS": str(threads)}
    log = folder / "site.log"
    (folder / "data" / "static").mkdir(parents=True, exist_ok=True)
    with program(command("web", host="127.0.0.1", port=port, env=sizes), env=env, log=log) as process:
        wait_for(f"http://127.0.0.1:{port}/api/v1/errors", log)
        yield process.pid, port


@contextmanager
def rival(
    database: str, folder: Path, organizations: int
) -> Iterator[tuple[int, int, list[str], dict[str, str]] | None]:
    """The rival under uvicorn with two processes: process id, port, keys, environment.

    None, and a line that says why, without a redis-server or where its packages cannot be fetched.
    """
    redis = shutil.which("redis-server")
    try:
        python = _environment() if redis else ""
    except RuntimeError as error:
        print(str(error)[:300])
        python = ""
    if redis is None or not python:
        print("the rival is left out: it needs redis-server on PATH and its packages from the package index")
        yield None
        return
    port, redis_port = free_port(), free_port()
    env = {
        "RIVAL_DATABASE": database,
        "RIVAL_PEPPER": PEPPER,
        "RIVAL_REDIS": f"redis://127.0.0.1:{redis_port}",
        "PYTHONPATH": str(RIVAL),
    }
    store = [
        redis,
        "--port",
        str(redis_port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    with program(store, env={}, log=folder / "redis.log"):
        time.sleep(0.5)
        keys = json.loads(run([python, str(RIVAL / "seed.py"), str(organizations)], env))
        serve = [
            python,
            "-m",
            "uvicorn",
            "app:app",
            "--port",
            str(port),
            "--workers",
            "2",
            "--no-access-log",
            "--log-level",
            "warning",
        ]
        log = folder / "rival.log"
        with program(serve, env=env, log=log, cwd=RIVAL) as process:
            wait_for(f"http://127.0.0.1:{port}/docs", log)
            yield process.pid, port, keys, env


def rival_books(env: dict[str, str]) -> dict[str, Any]:
    """The rival's own proof: jobs and whether ledger = wallets = holds."""
    found: dict[str, Any] = json.loads(run([_environment(), str(RIVAL / "seed.py"), "--check"], env))
    return found


def run(command: Sequence[str], env: dict[str, str] | None = None, given: str = "") -> str:
    """Output of a program. Raises RuntimeError with what it said when it fails."""
    done = subprocess.run(
        command, env=os.environ | (env or {}), input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def _environment() -> str:
    """The rival's own virtual environment, made on first use."""
    folder = ROOT / ".cache" / "rival"
    python = folder / "bin" / "python"
    wanted = (RIVAL / "requirements.txt").read_text(encoding="utf-8")
    mark = folder / "installed.txt"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != wanted:
        uv = [sys.executable, "-m", "uv"]
        run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        run([*uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(RIVAL / "requirements.txt")])
        mark.write_text(wanted, encoding="utf-8")
    return str(python)
