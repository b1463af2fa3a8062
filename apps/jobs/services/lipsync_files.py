"""The files of a lip-sync job: into the workspace, measured, and how long the job is by them (docs/decisions/lipsync.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from apps.core import errors
from apps.core.errors import JobError
from apps.engine import runner
from apps.engine.lipsync.types import (
    AUDIO_FILE,
    LEFT_FILE,
    MASK_FILE,
    RIGHT_FILE,
    SOURCE_FILE,
    TASK_FILE,
    LipsyncTask,
    Pick,
)
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask
from apps.engine.workspace import PROBE_FILE, Workspace
from apps.jobs.models import Job
from apps.jobs.services import fetching
from apps.jobs.services.lipsync_order import PICTURES
from apps.jobs.services.orders import lipsync_order
from apps.projects import sniff
from apps.projects.models import Asset
from apps.projects.services.fetch import limits_for, remember_probe
from apps.providers.orders import LipsyncInput, LipsyncOrder

FILE_NAMES: Final[dict[LipsyncInput, str]] = {
    "video": SOURCE_FILE,
    "image": SOURCE_FILE,
    "audio": AUDIO_FILE,
    "left_audio": LEFT_FILE,
    "right_audio": RIGHT_FILE,
    "mask_image": MASK_FILE,
}
SOUNDS: Final[tuple[LipsyncInput, ...]] = ("audio", "left_audio", "right_audio")


class InputError(JobError):
    """Something is wrong with one file of the form: `asset` is it, and the reason begins with the name of its field.

    `plain` is the error without that name: what the asset remembers.
    """

    def __init__(self, name: str, asset: Asset, error: JobError) -> None:
        self.asset, self.plain = asset, error
        super().__init__(error.code, f"{name}: {error.reason or errors.job_codes()[error.code].title}")


def blamed(job: Job, error: JobError) -> JobError:
    """An error of the engine as InputError where its reason begins with the field of one file (`mask_image: ...`); else as it is."""
    name, _, reason = error.reason.partition(": ")
    asset = inputs_of(job).get(name)  # type: ignore[call-overload]
    return InputError(name, asset, JobError(error.code, reason)) if asset is not None else error


def inputs_of(job: Job) -> dict[LipsyncInput, Asset]:
    """The job's files by their place in the form, the picture first."""
    rows = job.inputs.select_related("asset__organization").order_by("position")
    return {row.name: row.asset for row in rows}  # type: ignore[misc]


def billed_ms(job: Job) -> int | None:
    """The length that the job is billed by, as far as its sounds are measured; None while one of them is not."""
    inputs = inputs_of(job)
    return sound_ms(lipsync_order(job), [inputs[name].duration_ms for name in SOUNDS if name in inputs])


def sound_ms(order: LipsyncOrder, lengths: list[int | None]) -> int | None:
    """Length of the sound of the result: two voices take turns one after the other, or the longer one counts; a first part ends it.

    None while it is not known; what is not known of a first part counts whole.
    """
    most = None if order.first_seconds is None else order.first_seconds * 1000
    length = whole_ms(order, lengths)
    return most if length is None else length if most is None else min(length, most)


def whole_ms(order: LipsyncOrder, lengths: list[int | None]) -> int | None:
    """Length of the sounds together, as if no first part were asked for."""
    known = [length for length in lengths if length is not None]
    if not known or len(known) < len(lengths):
        return None
    return sum(known) if order.order != "meanwhile" else max(known)


def fetch(job: Job, workspace: Workspace, report: fetching.Report, should_stop: fetching.Stopped) -> None:
    """Brings the job's files into the workspace and writes the engine's task. Raises InputError 10901, 10902, 10904, 10905 or 10909."""
    order = lipsync_order(job)
    inputs = inputs_of(job)
    workspace.root.mkdir(parents=True, exist_ok=True)
    for name, asset in inputs.items():
        try:
            fetching.take(asset, workspace, FILE_NAMES[name], report, should_stop)
            if name in PICTURES and asset.content_type not in sniff.IMAGES:
                raise JobError(errors.TYPE_REFUSED, "this is not a PNG, JPEG or WebP picture")
        except JobError as error:
            raise InputError(name, asset, error) from None
    limits = limits_for(next(iter(inputs.values())))
    # Every stage is started with task.json; those of lip sync read their own task beside it.
    Workspace.create(
        workspace.root, EngineTask(source=SOURCE_FILE, title=order.title, steps=("lipsync",), limits=limits)
    )
    task = LipsyncTask(
        model=order.model,
        resolution=order.resolution,
        order=order.order,
        has_mask=order.mask_image is not None,
        prompt=order.prompt,
        seed=order.seed,
        faces=tuple(Pick(x=pick.x, y=pick.y, at=pick.at) for pick in order.faces),
        first_seconds=order.first_seconds,
        limits=limits,
    )
    workspace.write_json(TASK_FILE, task)


def probe(
    job: Job,
    workspace: Workspace,
    settings: EngineSettings,
    report: fetching.Report,
    should_stop: Callable[[], bool],
) -> int:
    """Looks at every video and sound, each in a limited process of its own; pictures are looked at by the stage that draws.

    Returns the billed length in ms. Raises InputError 10001 (no video stream), 10002 (no audio stream), 10902, 10904 or 10905.
    """
    inputs = inputs_of(job)
    media = {name: asset for name, asset in inputs.items() if name == "video" or name in SOUNDS}
    for place, (name, asset) in enumerate(media.items()):
        try:
            if asset.probe is None:
                path = workspace.path(FILE_NAMES[name])
                remember_probe(asset, runner.probe(path, settings, limits_for(asset), should_stop))
            check(name, asset)
        except JobError as error:
            raise InputError(name, asset, error) from None
        report(place + 1, len(media), "file")
    order, lengths = lipsync_order(job), [asset.duration_ms for name, asset in media.items() if name in SOUNDS]
    most = limits_for(next(iter(media.values()))).max_seconds
    if most and (whole_ms(order, lengths) or 0) > most * 1000:
        raise JobError(errors.LIMITS, f"the voices together are longer than the {most:.0f} seconds that are allowed")
    length = sound_ms(order, lengths) or 0
    # How long later stages may take is reckoned from this.
    workspace.write_json(PROBE_FILE, {"duration": length / 1000})
    return length


def check(name: str, asset: Asset) -> None:
    """Whether a probed file has what its place in the form asks for. Raises JobError 10001 or 10002."""
    found = asset.probe or {}
    if name == "video" and not found.get("video"):
        raise JobError(10001, "the file has no video stream: there is no face to move")
    if name != "video" and not found.get("audio"):
        raise JobError(10002, "the file has no audio stream: there is no speech")
