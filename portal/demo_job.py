"""Submits the demo job of `make run` and tells its progress on the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from portal import demo

Errand = Callable[[str, Sequence[str]], int]
ENDED = {"completed", "failed", "canceled"}


def follow(shown: demo.Demo, clip: Path | None, target: str, console: Console, url: str, errand: Errand) -> None:
    """Runs in a thread: submit the reader's clip, or the sample once in this folder's life, and show it until it ends."""
    from django.db import connection

    try:
        _follow(shown, clip, target, console, url, errand)
    except Exception as error:  # told, never fatal: the site runs on
        console.print(f"The demo translation could not be made: {error}", style="red", soft_wrap=True)
    finally:
        connection.close()


def _follow(shown: demo.Demo, clip: Path | None, target: str, console: Console, url: str, errand: Errand) -> None:
    from django.db import InterfaceError, OperationalError, connection

    from apps.jobs.models import Job

    job_id = "" if clip else shown.job
    if job_id and not Job.objects.filter(public_id=job_id).exists():
        job_id = ""
    if not job_id:
        if clip is None:
            clip = demo.sample_path()
            if not clip.exists():
                console.print("Making the sample clip (once) ...")
                # In a process of its own: speaking loads a gigabyte that the supervisor should not keep.
                if errand("sample", [sys.executable, "manage.py", "make_sample", str(clip)]) != 0:
                    raise RuntimeError("the sample clip could not be made; logs/sample.log says why")
            job_id = demo.submit(shown, clip, target)
            shown.job = job_id
            demo.save(shown)
        else:
            job_id = demo.submit(shown, clip, target)
        console.print(f"Translating {clip.name} to {target}: {url}/jobs/{job_id}", soft_wrap=True, highlight=False)
    told = ""
    began = time.monotonic()
    while True:
        try:
            job = Job.objects.get(public_id=job_id)
        except (InterfaceError, OperationalError):  # the database is being started again
            connection.close()
            time.sleep(1)
            continue
        state = _words(job.status, job.stage, job.progress_done, job.progress_total, job.progress_unit)
        if job.status in ENDED or job.status == "paused":
            break
        if job.stage != told:  # one line a stage: readable in a log file too
            told = job.stage
            console.print(f"  {time.monotonic() - began:5.0f} s  {state}", highlight=False)
        time.sleep(1)
    style = "green" if job.status == "completed" else "yellow"
    what = (
        f"Demo translation {job.status}"
        if job.status != "failed"
        else f"Demo translation failed ({job.error_code}: {job.error})"
    )
    console.print(f"{what}: {url}/jobs/{job_id}", style=style, soft_wrap=True, highlight=False)


def _words(status: str, stage: str, done: int, total: int, unit: str) -> str:
    count = f" ({unit} {done} of {total})" if total and unit else ""
    return f"{stage}{count}" if status == "processing" else status
