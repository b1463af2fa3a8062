"""`make run` as its reader meets it: one command, real processes, real kills, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [
    pytest.mark.engine,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


class Kinoglot:
    """One `manage.py run` over a folder."""

    def __init__(self, data: Path, models: Path, *arguments: str) -> None:
        self.data = data
        self.log = data.parent / "screen.txt"
        kept = {
            k: v
            for k, v in os.environ.items()
            if k not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "LOG_LEVEL"}
        }
        self.environment = kept | {"KINOGLOT_DATA_DIR": str(data), "KINOGLOT_MODEL_DIR": str(models)}
        self.command = [sys.executable, "manage.py", "run", *arguments]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def screen(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str, seconds: float) -> None:
        def seen() -> bool:
            assert self.process.poll() is None or words in self.screen, self.screen
            assert "could not be made" not in self.screen, self.screen
            return words in self.screen

        try:
            wait_for(seen, seconds)
        except AssertionError:
            logs = [
                f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in (self.data / "logs").glob("*")
            ]
            raise AssertionError(self.screen + "\n".join(logs)) from None

    def shown(self, name: str) -> str:
        found = re.search(rf"^  {name} +(.*)$", self.screen, re.MULTILINE)
        assert found, self.screen
        return found[1]

    def processes(self) -> dict[int, str]:
        """Everything that belongs to this folder: it is in their environment, or they work inside it."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "stat").read_text().rsplit(") ", 1)[1][0] == "Z":
                    continue
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                ours = f"KINOGLOT_DATA_DIR={self.data}".encode() in (entry / "environ").read_bytes().split(b"\0")
                if ours or (entry / "cwd").readlink().is_relative_to(self.data):
                    found[int(entry.name)] = words
        return found

    def kill(self, words: str) -> list[int]:
        victims = [pid for pid, command in self.processes().items() if words in command]
        for pid in victims:
            # PostgreSQL's processes end by themselves when one of them is killed.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return victims


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def get(url: str, key: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def job_state(url: str, key: str, job: str) -> dict[str, object]:
    status, body = get(f"{url}/api/v1/jobs/{job}", key)
    return json.loads(body) if status == 200 else {"status": f"HTTP {status}"}


@pytest.fixture
def start() -> Iterator[Callable[..., Kinoglot]]:
    """Starts one; kills it at the end of a failed test."""
    made: list[Kinoglot] = []

    def make(*arguments: Any) -> Kinoglot:
        made.append(Kinoglot(*arguments))
        return made[-1]

    yield make
    for kinoglot in made:
        kinoglot.process.kill()
        kinoglot.process.wait()


def test_from_nothing_to_a_translated_clip_and_away(
    tmp_path: Path, model_dir: Path, start: Callable[..., Kinoglot]
) -> None:
    port = free_port(random.randrange(22000, 31000))
    place = tmp_path / "a folder with spaces"
    place.mkdir()
    with socket.socket() as taken:  # somebody has our port
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        kinoglot = start(place / "data", model_dir, "--port", str(port))
        kinoglot.wait_for("  Stop ", 180)
    assert f"Port {port} is taken; using " in kinoglot.screen
    url, key = kinoglot.shown("Open"), kinoglot.shown("API key")
    assert get(f"{url}/readyz")[0] == 200
    assert get(f"{url}/accounts/login/")[0] == 200
    assert json.loads(get(f"{url}/api/v1/balance", key)[1])
    assert (kinoglot.data / "demo.json").stat().st_mode & 0o077 == 0

    second = subprocess.run(
        kinoglot.command, cwd=ROOT, env=kinoglot.environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"already runs from this folder: {url}" in " ".join(second.stdout.split())

    # The sample is made and submitted; meanwhile everything is killed once, the engine in the middle of its work.
    kinoglot.wait_for("Translating kinoglot-sample.mp4", 120)
    job = re.findall(r"/jobs/(job_\w+)", kinoglot.screen)[0]
    wait_for(lambda: job_state(url, key, job).get("stage") not in {"queued", "fetch", "probe"}, 120)
    assert kinoglot.kill("--queues engine")
    assert kinoglot.kill("--queues default")
    assert kinoglot.kill("manage.py poller")
    assert kinoglot.kill("granian")
    wait_for(lambda: get(f"{url}/readyz")[0] == 200, 60)
    assert kinoglot.kill("postgres")
    wait_for(lambda: get(f"{url}/readyz")[0] == 200, 60)
    kinoglot.wait_for("Demo translation ", 400)
    assert "Demo translation completed" in kinoglot.screen, kinoglot.screen
    assert job_state(url, key, job)["status"] == "completed"
    for name in ("web", "worker", "engine", "poller"):
        assert f"{name} ended (killed by SIGKILL)" in kinoglot.screen or f"{name} ended (exit status" in kinoglot.screen
    assert "PostgreSQL does not answer" in kinoglot.screen

    readme_by_curl(url, key, kinoglot.data / "sample" / "kinoglot-sample.mp4", place)

    kinoglot.process.send_signal(signal.SIGINT)
    assert kinoglot.process.wait(60) == 0
    wait_for(lambda: not kinoglot.processes(), 10)

    began = time.monotonic()
    again = start(place / "data", model_dir, "--port", str(port))
    again.wait_for("  Stop ", 60)
    took = time.monotonic() - began
    assert (again.shown("API key"), again.shown("Open")) == (key, f"http://127.0.0.1:{port}")
    again.wait_for("Demo translation completed", 20)  # the first one: a second start orders nothing
    again.process.kill()
    wait_for(lambda: not again.processes(), 40)
    again.process.wait()
    if (os.getloadavg()[0] / (os.cpu_count() or 1)) < 1:
        assert took < 10


def readme_by_curl(url: str, key: str, clip: Path, place: Path) -> None:
    """The shell lines of README.md, exactly as printed but for the port and the reader's own file."""
    if not shutil.which("curl"):
        return
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    script = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert script
    shutil.copy(clip, place / "talk.mp4")
    lines = script[1].replace("http://127.0.0.1:8000", url)
    done = subprocess.run(
        ["sh", "-eu", "-c", lines],
        cwd=place,
        env=os.environ | {"KINOGLOT_KEY": key},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(place / "results.zip") as results:
        names = results.namelist()
    for ending in (".video.mp4", ".dub.mp3", ".target.srt", ".transcript.json"):
        assert any(name.endswith(ending) for name in names), names
