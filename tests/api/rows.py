"""Rows for reading tests: a job that has ended with files, and its transcript."""

from __future__ import annotations

import hashlib
from typing import Any

from apps.accounts.models import Organization
from apps.core import clock
from apps.engine.transcript import Line, Speaker
from apps.engine.transcript import Transcript as Document
from apps.jobs.models import Artefact, Job
from apps.plans.services import release_hold
from apps.projects import storage
from apps.projects.services import save_revision
from tests.api.conftest import Api, order

FILES = (
    ("video", "mp4", "talk.pt-BR.mp4", "video/mp4", b"video " * 200_000, True),
    (
        "subtitle_target",
        "srt",
        "legendas – ação.srt",
        "application/x-subrip",
        b"1\n00:00:00,000 --> 00:00:01,000\nOi\n",
        False,
    ),
)


def document() -> Document:
    """Two lines of one speaker."""
    return Document(
        source_language="en-US",
        target_locale="pt-BR",
        duration=10.0,
        speakers=[Speaker("s1", "Speaker 1")],
        lines=[
            Line(id="l1", start=0.5, end=2.0, source="Hello <b>.", target="Olá, ação.", speaker="s1"),
            Line(id="l2", start=2.5, end=4.0, source="Good bye.", target="Tchau.", speaker="s1"),
        ],
    )


def ordered(api: Api, **changes: Any) -> Job:
    """A job as a program gets it."""
    answer = api.post("translations", order(**changes))
    assert answer.status_code == 202, answer.content
    return Job.objects.get(public_id=answer.json()["id"])


def finished(api: Api, organization: Organization, **changes: Any) -> Job:
    """A completed job with files in storage and a transcript."""
    job = ordered(api, **changes)
    assert job.hold is not None
    assert job.translation is not None
    release_hold(hold=job.hold)
    now = clock.now()
    Job.objects.filter(pk=job.pk).update(
        status="completed", stage="done", provider="local", started_at=now, finished_at=now, timings={"probe": 12}
    )
    for number, (kind, form, name, type_, data, main) in enumerate(FILES):
        key = f"artefacts/{job.public_id}/{number}"
        path = storage.local_path(key)
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        Artefact.objects.create(
            organization=organization,
            job=job,
            kind=kind,
            format=form,
            language="pt-BR",
            file_name=name,
            storage_key=key,
            content_type=type_,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            is_main=main,
            position=number,
        )
    save_revision(actor=None, translation=job.translation, document=document(), origin="translated")
    job.refresh_from_db()
    return job
