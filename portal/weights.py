"""Installing the engine's weights with a progress bar; one installer at a time per folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from apps.engine import models


def missing(folder: Path) -> int:
    """Bytes still to be installed of the default weights."""
    return sum(
        state.model.size
        for state in models.status(folder)
        if state.model.name in models.DEFAULT_NAMES and state.missing
    )


def install(
    folder: Path, console: Console, *, names: tuple[str, ...] = (), from_dir: Path | None = None, offline: bool = False
) -> list[Path]:
    """Install what is missing and return the new files. Raises models.InstallError naming every source that failed."""
    folder.mkdir(parents=True, exist_ok=True)
    guard = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            tasks: dict[str, TaskID] = {}

            def show(file: str, done: int, total: int) -> None:
                if file not in tasks:
                    tasks[file] = bar.add_task(file, total=total)
                    if not console.is_terminal:
                        console.print(f"  {file} ({total / 1e6:.1f} MB)")
                bar.update(tasks[file], completed=done, total=total)

            return models.install(folder, names or models.DEFAULT_NAMES, show, from_dir, offline=offline)
    finally:
        os.close(guard)
