"""Lip-sync jobs in the states that their pages tell apart; no engine runs."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.core.errors import JobError
from apps.engine.capabilities import can_lipsync
from apps.engine.lipsync.types import FacesSeen, LipsyncReport, SeenFace
from apps.events import log
from apps.jobs import services
from apps.jobs.models import Artefact, Job
from apps.plans.services import capture_hold
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services import create_asset_from_file
from apps.projects.services.assets import still_key
from apps.projects.services.fetch import engine_settings
from apps.providers.orders import FacePick, LipsyncOrder, Source
from tests.jobs.helpers import make_clip, submitted
from tests.jobs.lipsync_help import png, wav
from tests.web.world import World

REMARKS = [
    "Made by this installation's own preview: mouths are moved and painted, not filmed anew by a large model.",
    "No face on 12 pictures (0.5 s): they are as they were.",
    "Something that the pages have no words for.",
]


def asset_of(actor: Actor, path: Path, *, length_ms: int | None = None) -> Asset:
    """A file as a stored asset, measured when it has a length."""
    asset = create_asset_from_file(actor=actor, path=path, file_name=path.name)
    if length_ms is not None:
        video = {"width": 160, "height": 90} if path.suffix == ".mp4" else None
        asset.duration_ms, asset.probe = length_ms, {"video": video, "audio": [{"codec": "pcm"}]}
        asset.save(update_fields=["duration_ms", "probe"])
    return asset


def files(actor: Actor, folder: Path) -> dict[str, Asset]:
    """A video, a portrait and a voice of twelve seconds, by their names."""
    return {
        "video": asset_of(actor, make_clip(folder / "interview.mp4", seconds=2.0), length_ms=2000),
        "image": asset_of(actor, png(folder / "portrait.png")),
        "audio": asset_of(actor, wav(folder / "voice.wav", 12.0), length_ms=12_000),
    }


def remember_faces(asset: Asset, *boxes: SeenFace, size: tuple[int, int] = (1000, 800)) -> None:
    """What a worker's look would have found."""
    seen = FacesSeen(width=size[0], height=size[1], at=0.0, faces=list(boxes))
    kept = {"status": "ready", "since": 1.0, "seen": msgspec.to_builtins(seen)}
    Asset.objects.filter(pk=asset.pk).update(faces=kept)


THREE = (
    SeenFace(x=0.1, width=0.2, y=0.2, height=0.3),
    SeenFace(x=0.45, width=0.005, y=0.5, height=0.006),
    SeenFace(x=0.7, width=0.25, y=0.2, height=0.3, turned=True),
)
"""One that can speak, one too small, one from the side."""


def named(asset: Asset) -> Source:
    """An asset as an order names it."""
    return Source(asset=asset.public_id)


def video_order(given: dict[str, Asset]) -> LipsyncOrder:
    """The first five seconds of a video with a sound, one face picked."""
    return LipsyncOrder(
        model="lipsync-video",
        video=named(given["video"]),
        audio=named(given["audio"]),
        faces=[FacePick(x=0.5, y=0.4, at=1.0)],
        first_seconds=5,
    )


def furnish_lipsync(world: World, folder: Path) -> World:
    """A finished first part of a video, a portrait under way, a portrait of two without a face; nothing where lip sync is not installed."""
    if not can_lipsync(engine_settings()):
        return world
    given = files(world.actor, folder)
    remember_faces(given["image"], *THREE)
    storage.save_file(folder / "portrait.png", still_key(given["image"]), "image/png")
    portrait = LipsyncOrder(model="lipsync-image", image=named(given["image"]), audio=named(given["audio"]))
    two = LipsyncOrder(
        model="lipsync-image-multi",
        image=named(given["image"]),
        left_audio=named(given["audio"]),
        right_audio=named(given["audio"]),
        order="left_right",
        resolution="720p",
        title="Two at the table",
    )
    orders = {"first": video_order(given), "running": portrait, "failed": two}
    jobs = {name: submitted(world.actor, order) for name, order in orders.items()}
    pretend_made(jobs["first"], folder)
    running = {"stage": "lipsync", "progress_fraction": 0.5, "progress_done": 40, "progress_total": 100}
    Job.objects.filter(pk=jobs["running"].pk).update(
        **running, provider="local", started_at=timezone.now() - timedelta(seconds=30), lease_owner="elsewhere"
    )
    Job.objects.filter(pk=jobs["failed"].pk).update(stage="lipsync", started_at=timezone.now())
    services.fail_job(jobs["failed"], JobError(10911, "image: no face was found in the picture"))
    world.jobs |= {f"lipsync-{name}": job.public_id for name, job in jobs.items()}
    return world


def pretend_made(job: Job, folder: Path, *, preview: bool = True) -> None:
    """A finished job with its video and its report, made by the preview or by a model; its hold is captured."""
    assert job.hold is not None
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(
        status="completed",
        stage="done",
        progress_fraction=1.0,
        charged=capture_hold(hold=job.hold, amount=job.hold.amount),
        measured_ms=5000,
        provider="local",
        started_at=now - timedelta(seconds=9),
        finished_at=now,
    )
    report = folder / "report.json"
    report.write_bytes(msgspec.json.encode(LipsyncReport(remarks=REMARKS, frames=125, duration=5.0, preview=preview)))
    made = (("video", make_clip(folder / "made.mp4", seconds=2.0), "video/mp4"), ("report", report, "application/json"))
    for place, (kind, path, content_type) in enumerate(made):
        saved = storage.save_file(path, f"artefacts/{job.public_id}/{path.name}", content_type)
        Artefact.objects.create(
            organization=job.organization,
            job=job,
            kind=kind,
            format=path.suffix.removeprefix("."),
            file_name=path.name,
            storage_key=saved.key,
            content_type=content_type,
            size=saved.size,
            sha256=saved.sha256,
            position=place,
            is_main=kind == "video",
        )
    tell = partial(log.record, actor=None, organization_id=job.organization_id, subject=job)
    for stage, milliseconds in (("fetch", 20), ("probe", 150), ("lipsync", 7400)):
        tell(type="job.stage", data={"stage": stage, "state": "finished", "ms": milliseconds})
    tell(type="job.completed", data={})
