"""The good end of a job: artefacts into storage, then one transaction that charges, counts down and tells.

Order of operations, so that a worker may be killed at any line: (1) every file is stored under a key that depends only on the job
and the file's name, so that a repeat overwrites it with the same bytes; (2) one transaction moves the status, and only who moved it
writes Artefact rows, charges the hold and records the Event. A second publish finds the status moved and changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from django.db import transaction
from slugify import slugify

from apps.core import clock
from apps.engine.outputs import Output
from apps.engine.workspace import OUT_DIR, OUT_MANIFEST, Workspace
from apps.jobs import states
from apps.jobs.models import Artefact, Job
from apps.jobs.services import finish
from apps.jobs.services.pricing import price
from apps.jobs.services.rework import not_made
from apps.plans.services import capture_hold
from apps.plans.services import release_hold as give_back_hold
from apps.projects import storage

ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")
"""A file name's ending; a title's own dots ("at 10.30 today") are none."""
STEM_BYTES: Final = 160
"""File systems take 255 bytes, a Chinese letter has 3, and language and kind come behind."""


def storage_key(job: Job, name: str) -> str:
    """Where an artefact lies: the same for every try of the same attempt."""
    return f"artefacts/{job.organization.public_id}/{job.public_id}/{job.attempt}/{name}"


def store_outputs(
    job: Job, workspace: Workspace, report: Callable[[float, float, str], None], check: Callable[[], None]
) -> list[Artefact]:
    """Puts the engine's outputs into storage; returns unsaved rows. `check` may raise between two files."""
    outputs = msgspec.json.decode(workspace.path(OUT_MANIFEST).read_bytes(), type=list[Output])
    rows: list[Artefact] = []
    main_given = False
    for place, output in enumerate(outputs):
        check()
        path = workspace.path(f"{OUT_DIR}/{output.path}")
        saved = storage.save_file(path, storage_key(job, output.path), output.content_type)
        main = output.main and not main_given
        main_given = main_given or main
        rows.append(
            Artefact(
                organization=job.organization,
                job=job,
                kind=output.kind,
                format=output.format,
                language=output.language,
                label=output.label,
                file_name=file_name(job, output.path),
                storage_key=saved.key,
                content_type=output.content_type,
                size=saved.size,
                sha256=saved.sha256,
                duration_ms=round(output.duration * 1000) or None,
                is_main=main,
                position=place,
            )
        )
        report(place + 1, len(outputs), "file")
    return rows


def complete(job: Job, *, owner: str, artefacts: list[Artefact], measured_ms: int, timings: dict[str, int]) -> bool:
    """Completes a job that we own: once, whatever happens. False when it is not ours any more; then nothing changed."""
    with transaction.atomic():
        job = finish.lock(job)
        done: dict[str, Any] = {
            "stage": states.DONE,
            "progress_fraction": 1.0,
            "measured_ms": measured_ms,
            "timings": timings,
        }
        if not finish.move_status(job, "complete", owner=owner, **done):
            return False
        job.artefacts.all().delete()  # of an earlier attempt
        Artefact.objects.bulk_create(artefacts)
        charged = _charge(job, measured_ms)
        Job.objects.filter(pk=job.pk).update(charged=charged)
        job.charged = charged
        seconds = (clock.now() - (job.started_at or job.created_at)).total_seconds()
        finish.tell(
            job,
            "complete",
            None,
            {"charged": charged, "measured_ms": measured_ms, "artefacts": len(artefacts), "seconds": round(seconds, 3)},
        )
    return True


def _charge(job: Job, measured_ms: int) -> int:
    """Captures the hold for what was made at the measured length (never more than was set aside) and releases the rest."""
    if job.hold is None:
        return 0
    amount = price(job, measured_ms, without=not_made(job))
    if amount == 0:
        give_back_hold(hold=job.hold)
        return 0
    return capture_hold(hold=job.hold, amount=amount)


def file_name(job: Job, name: str) -> str:
    """What a download is called: the source's name, the language, and what the engine called the file."""
    if job.translation is not None:
        source = job.translation.project
        title = source.name or source.source_asset.file_name
    else:
        title = str(job.order.get("title") or "")
    title = ENDING.sub("", title)
    stem = slugify(title, max_length=80, allow_unicode=True)
    stem = stem.encode()[:STEM_BYTES].decode(errors="ignore").rstrip("-")
    own = Path(name).name.replace(f".{job.target_locale}.", ".")  # the language is said once
    language = f".{job.target_locale}" if job.target_locale else ""
    return f"{stem or job.public_id}{language}.{own}"[-255:]
