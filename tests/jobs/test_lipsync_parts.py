"""Jobs with named faces and first parts from the order to the artefact, by the built-in engine: what is made and what is charged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.accounts.actor import Actor
from apps.engine.lipsync.types import LipsyncReport
from apps.jobs.models import Job
from apps.jobs.services.submit import submit
from apps.plans.services import check_books
from apps.projects import actors, storage
from apps.projects.models import Asset
from apps.projects.services import create_asset_from_file, look_for_faces
from apps.providers.orders import FacePick, LipsyncOrder, Source
from tests.factories import make_organization, owner_of
from tests.jobs.lipsync_help import run, small_files, use_small_stage

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.engine,
    pytest.mark.usefixtures("model_dir"),
]


@pytest.fixture
def actor() -> Actor:
    return owner_of(make_organization())


def asset(actor: Actor, path: Path) -> Asset:
    return create_asset_from_file(actor=actor, path=path, file_name=path.name)


def ordered(actor: Actor, **fields: Any) -> Job:
    files = {name: Source(asset=row.public_id) for name, row in fields.items() if isinstance(row, Asset)}
    (admitted,) = submit(actor=actor, order=LipsyncOrder(**(fields | files))).jobs
    return Job.objects.get(pk=admitted.pk)


def report_of(job: Job) -> LipsyncReport:
    row = job.artefacts.get(kind="report")
    with storage.open_key(row.storage_key) as stream:
        return msgspec.json.decode(stream.read(), type=LipsyncReport)


def test_whom_a_look_found_can_be_named(actor: Actor, shared_media: Path) -> None:
    clip = asset(actor, shared_media / "oncamera/en-obama-2015-07-14-two-faces.mp4")
    voice = asset(actor, shared_media / "speech/en-librivox-sense-0870.wav")
    look_for_faces(actor=actor, asset=clip)
    actors.look_for_faces.fn(clip.public_id)
    look = look_for_faces(actor=actor, asset=clip)
    left = look.faces[0]
    pick = FacePick(x=left.x + left.width / 2, y=left.y + left.height / 2, at=look.at)
    job = run(ordered(actor, model="lipsync-video", video=clip, audio=voice, faces=[pick], first_seconds=2))
    assert (job.status, job.error) == ("completed", "")
    # Two seconds are made and measured; five are the least that is charged.
    assert (job.measured_ms, job.charged) == (2000, 10_000)
    report = report_of(job)
    assert [face.speaks for face in sorted(report.faces, key=lambda face: face.x)] == [True, False]
    assert report.duration == pytest.approx(2.0, abs=0.1)
    lost = FacePick(x=0.95, y=0.95)
    job = run(ordered(actor, model="lipsync-video", video=clip, audio=voice, faces=[pick, lost], first_seconds=2))
    assert (job.status, job.error_code, job.charged) == ("failed", 10911, 0)
    assert "faces.1" in job.error
    assert check_books() == []


def test_a_first_part_is_held_and_charged_by_its_length(
    actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_small_stage(monkeypatch)
    small_files(tmp_path)
    face, voice, long = (asset(actor, tmp_path / name) for name in ("portrait.jpg", "speech.mp3", "long.wav"))
    job = ordered(actor, model="lipsync-image", image=face, audio=long, first_seconds=6, resolution="720p")
    assert job.estimate == 24_000, "not known yet how long the sound is: the first part counts whole"
    job = run(job)
    assert (job.status, job.measured_ms, job.charged) == ("completed", 6000, 24_000), job.error
    pair: dict[str, Any] = {"model": "lipsync-image-multi", "image": face, "left_audio": voice, "right_audio": long}
    job = run(ordered(actor, **pair, order="left_right", first_seconds=7))
    assert (job.status, job.measured_ms, job.charged) == ("completed", 7000, 14_000), job.error
    job = run(ordered(actor, **pair, order="left_right", first_seconds=8))
    assert (job.status, job.measured_ms, job.charged) == ("completed", 7500, 16_000), job.error
    assert check_books() == []
