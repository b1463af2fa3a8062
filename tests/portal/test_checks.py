"""`manage.py check --deploy`: our own findings, each by its id, through the command itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def example() -> dict[str, str]:
    pairs = {}
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            pairs[name] = value
    return pairs


def findings(tmp_path: Path, *, remove: tuple[str, ...] = (), **change: str) -> set[str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    environment = kept | {"KINOGLOT_DATA_DIR": str(tmp_path / "data")} | example() | change
    for name in remove:
        environment.pop(name)
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    return set(re.findall(r"kinoglot\.([EW]\d{3})", text))


def test_the_example_environment_is_clean(tmp_path: Path) -> None:
    assert findings(tmp_path) == set()


@pytest.mark.parametrize(
    ("remove", "change", "found"),
    [
        ((), {"SECRET_KEY": "short", "DEBUG": "1", "SEALING_KEYS": "also-short"}, {"E011", "E015", "E017"}),
        (("SECRET_KEY", "API_KEY_PEPPER", "SEALING_KEYS"), {}, {"E010", "W012", "W016"}),
        ((), {"PUBLIC_URL": "http://kinoglot.example.com", "METRICS_TOKEN": "abc"}, {"E020", "E014"}),
        ((), {"ALLOWED_HOSTS": "*", "PRIVATE_HOSTS_ALLOWED": "0.0.0.0/0"}, {"E021", "E024"}),
        ((), {"ALLOWED_HOSTS": "other.example.com", "PRIVATE_HOSTS_ALLOWED": "media.inside"}, {"E022", "W024"}),
        (("BEHIND_PROXY", "CACHE_URL"), {}, {"W023", "W035"}),
        (("DATABASE_URL", "S3_BUCKET"), {}, {"E030", "W032"}),
        (("EMAIL_HOST", "DEFAULT_FROM_EMAIL"), {}, {"E033", "W034"}),
        ((), {"ENGINE_FFMPEG": "/no/such/ffmpeg"}, {"E002"}),
    ],
)
def test_each_fault_has_its_id(
    tmp_path: Path, remove: tuple[str, ...], change: dict[str, str], found: set[str]
) -> None:
    assert findings(tmp_path, remove=remove, **change) == found


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text(example()["SECRET_KEY"] + "\n")
    assert findings(tmp_path, remove=("SECRET_KEY",), SECRET_KEY_FILE=str(secret)) == set()
