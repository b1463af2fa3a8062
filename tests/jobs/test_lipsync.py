"""A lip-sync job's road through the engine: files, prices by what was measured, errors by number, cancel, retry, cleaning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.core import clock
from apps.core.errors import ApiError
from apps.events.models import Event
from apps.jobs import services
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services.cleaning import clean_assets
from apps.jobs.services.derived import delete_results
from apps.jobs.services.engine import workspace_path
from apps.jobs.services.submit import submit
from apps.plans.models import Hold, Wallet
from apps.plans.services import check_books
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services import create_asset_from_file
from apps.providers.orders import LipsyncOrder, Source
from tests.factories import make_organization, owner_of
from tests.jobs.lipsync_help import run, small_files, use_small_stage
from tests.sites import hosted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.usefixtures("model_dir")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_files(tmp_path_factory.mktemp("lipsync"))


@pytest.fixture
def actor(monkeypatch: pytest.MonkeyPatch) -> Actor:
    use_small_stage(monkeypatch)
    return owner_of(make_organization())


@pytest.fixture
def site(folder: Path, settings: Any) -> Iterator[str]:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    with hosted(folder) as url:
        yield url


def asset(actor: Actor, path: Path) -> Source:
    return Source(asset=create_asset_from_file(actor=actor, path=path, file_name=path.name).public_id)


def submitted(actor: Actor, **fields: Any) -> Job:
    (admitted,) = submit(actor=actor, order=LipsyncOrder(**fields)).jobs
    return Job.objects.get(pk=admitted.pk)


def available(actor: Actor) -> int:
    return Wallet.objects.get(organization=actor.organization, pool="portal").available


def test_a_picture_and_a_sound_by_link(actor: Actor, site: str) -> None:
    before = available(actor)
    wanted: dict[str, Any] = {"model": "lipsync-image", "image": Source(url=f"{site}/portrait.jpg"), "seed": 7}
    job = submitted(actor, **wanted, audio=Source(url=f"{site}/long.wav"), resolution="720p")
    assert (job.estimate, job.order["title"]) == (720_000, "portrait.jpg")
    job = run(job)
    assert (job.status, job.stage, job.error) == ("completed", "done", "")
    assert set(job.timings) == {"fetch", "probe", "lipsync", "publish"}
    # 6.2 s of sound are 7 started seconds at 4 credits; the hold for 180 s was fitted, the frame over the end is free.
    assert (job.measured_ms, job.estimate, job.charged) == (6200, 28_000, 28_000)
    assert job.hold is not None and (job.hold.status, job.hold.amount) == ("captured", 28_000)
    assert available(actor) == before - 28_000
    assert ConcurrencyCounter.objects.get(organization=actor.organization, api_key=None, service="lipsync").running == 0
    video, report = job.artefacts.all()
    assert (video.kind, video.is_main, video.file_name, video.content_type) == (
        "video",
        True,
        "portrait.lipsync.mp4",
        "video/mp4",
    )
    assert (report.kind, report.is_main, report.file_name) == ("report", False, "portrait.report.json")
    assert storage.exists(video.storage_key) and video.size > 1000
    told = list(Event.objects.filter(subject_id=job.public_id).order_by("id").values_list("type", flat=True))
    assert told[0] == "job.created" and told[-1] == "job.completed" and told.count("job.stage") == 7
    assert not workspace_path(job).exists()
    assert check_books() == []
    services.advance(job.public_id)
    assert not services.run_engine(job.public_id)


def test_a_video_and_two_voices_in_turn_from_files(actor: Actor, folder: Path) -> None:
    voice, long = asset(actor, folder / "speech.mp3"), asset(actor, folder / "long.wav")
    clip = asset(actor, folder / "clip.mp4")
    job = submitted(actor, model="lipsync-video", video=clip, audio=voice)
    assert job.order["title"] == "clip.mp4"
    job = run(job)
    assert (job.status, job.measured_ms, job.charged) == ("completed", 1300, 10_000), job.error  # at least 5 s
    face = asset(actor, folder / "portrait.jpg")
    job = run(
        submitted(
            actor, model="lipsync-image-multi", image=face, left_audio=voice, right_audio=long, order="left_right"
        )
    )
    # The second order knew the first sound's length; the other was assumed, and measured on the way.
    assert (job.status, job.measured_ms, job.charged) == ("completed", 7500, 16_000), job.error
    assert check_books() == []
    assert delete_results(actor=actor, job=job) == 2 + 2, (
        "the files made, the face and the second voice; the first is needed"
    )
    assert not job.artefacts.exists()


@pytest.mark.parametrize(
    ("form", "code", "words"),
    [
        ({"video": "mute.mp4", "audio": "mute.mp4"}, 10002, "audio: "),
        ({"video": "speech.mp3", "audio": "speech.mp3"}, 10001, "video: "),
        ({"image": "portrait.jpg", "audio": "empty.mp3"}, 10902, "audio: "),
        ({"image": "clip.mp4", "audio": "speech.mp3"}, 10904, "image: "),
        ({"image": "nowhere.png", "audio": "speech.mp3"}, 10901, "image: "),
        ({"image": "portrait.jpg", "audio": "speech.mp3", "prompt": "no face"}, 10911, "no face was found"),
    ],
)
def test_bad_files_end_with_their_number_and_cost_nothing(
    actor: Actor, site: str, form: dict[str, str], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.jobs.services.fetching.PAUSES", (None,))
    before = available(actor)
    files = {name: Source(url=f"{site}/{path}") for name, path in form.items() if name != "prompt"}
    model: Any = "lipsync-video" if "video" in form else "lipsync-image"
    job = run(submitted(actor, model=model, **files, prompt=form.get("prompt", "")))
    assert (job.status, job.error_code) == ("failed", code), job.error
    assert job.error.startswith(words), job.error
    assert job.hold is not None and (job.hold.status, job.charged, available(actor)) == ("released", 0, before)
    assert check_books() == []
    job = services.retry_job(actor=actor, job=job)
    assert (job.status, job.attempt, job.error, job.measured_ms) == ("processing", 2, "", None)


def test_a_link_that_leads_to_a_good_file_by_now(actor: Actor, site: str, folder: Path) -> None:
    (folder / "late.mp3").write_bytes((folder / "speech.mp3").read_bytes()[:60])
    face, late = Source(url=f"{site}/portrait.jpg"), Source(url=f"{site}/late.mp3")
    job = run(submitted(actor, model="lipsync-image", image=face, audio=late))
    assert (job.status, job.stage) == ("failed", "probe") and job.error.startswith("audio: "), job.error
    assert Asset.objects.get(source_url=late.url).status == "failed"
    (folder / "late.mp3").write_bytes((folder / "speech.mp3").read_bytes())
    job = run(services.retry_job(actor=actor, job=job))
    assert (job.status, job.charged, job.attempt) == ("completed", 10_000, 2), job.error
    assert check_books() == []


def test_10910_when_the_wallet_does_not_cover_the_measured_length(actor: Actor, site: str, settings: Any) -> None:
    job = submitted(
        actor, model="lipsync-image", image=Source(url=f"{site}/portrait.jpg"), audio=Source(url=f"{site}/long.wav")
    )
    assert job.hold is not None
    type(job.hold).objects.filter(pk=job.hold.pk).update(amount=1_000)
    Wallet.objects.filter(organization=actor.organization, pool="portal").update(available=2_000, held=1_000)
    job = run(job)
    assert (job.status, job.error_code, job.charged) == ("failed", 10910, 0)


def test_sources_of_open_jobs_are_kept_and_deleted_ones_are_told(actor: Actor, folder: Path) -> None:
    face, voice = asset(actor, folder / "portrait.jpg"), asset(actor, folder / "speech.mp3")
    assert Asset.objects.get(public_id=face.asset).kind == "image"
    job = submitted(actor, model="lipsync-image", image=face, audio=voice)
    Asset.objects.update(created_at=clock.now() - timedelta(days=4000))
    assert clean_assets() == 0
    job = services.cancel_job(actor=actor, job=job)
    assert clean_assets() == 2
    with pytest.raises(ApiError) as caught:
        services.retry_job(actor=actor, job=job)
    assert caught.value.errors == {"image": ["The source file has been deleted."]}
    assert Hold.objects.get(job_public_id=job.public_id).status == "released"
    with pytest.raises(ApiError):
        submitted(actor, model="lipsync-image", image=face, audio=voice)
