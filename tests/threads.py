"""Races on purpose: the same work in many threads that start together, over one database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Results of work(0), work(1), ... in order; raises the first fault of any (a deadlock is one) when all have ended."""
    gate = threading.Barrier(count)

    def run(number: int) -> T:
        gate.wait(20)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
