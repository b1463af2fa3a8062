"""Workers of the broker tests: `dramatiq tests.events.worker_app:broker`, with the broker named by BROKER_URL."""

from __future__ import annotations

import os
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

import dramatiq  # noqa: E402

from apps.events.broker import get_broker  # noqa: E402

broker = get_broker()
QUEUE = os.environ.get("TEST_QUEUE", "tests")


@dramatiq.actor(queue_name=QUEUE)
def append(path: str, word: str) -> None:
    """Add a word to a file."""
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(word + "\n")


@dramatiq.actor(queue_name=QUEUE)
def hang_once(path: str) -> None:
    """The first time: say which process it is, and hang. The second time: say that it was done."""
    if not Path(path).exists():
        append.fn(path, f"started {os.getpid()}")
        time.sleep(600)
    append.fn(path, "done")
