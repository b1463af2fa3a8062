"""Stage lipsync: lipsync.json and its files -> out/ with the video whose lips follow the sound, the report, and the manifest."""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync import frames, portrait, video
from apps.engine.lipsync.pictures import read_mask, read_picture
from apps.engine.lipsync.types import (
    AUDIO_FILE,
    LEFT_FILE,
    MASK_FILE,
    PREVIEW,
    REPORT_FILE,
    RESULT_FILE,
    RIGHT_FILE,
    SOURCE_FILE,
    TASK_FILE,
    LipsyncReport,
    LipsyncTask,
)
from apps.engine.media import read_info
from apps.engine.outputs import OutputList
from apps.engine.stages import Report
from apps.engine.task import EngineTask
from apps.engine.workspace import OUT_DIR, Workspace

RECIPE = 1
SILENCE = 1e-3
"""A sound whose loudest sample stays below this (-60 dB) is silent."""

ABOUT_PREVIEW = (
    "Made by this installation's own preview: mouths are moved and painted, not filmed anew by a large model."
)


class Lipsync:
    """One lip-sync job. Raises 10001, 10002, 10042, 10902, 10904, 10905, 10911 to 10914."""

    name = "lipsync"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        """The order; which files it names is in it."""
        return (TASK_FILE,)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        """The folder of results."""
        return (OUT_DIR,)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        """The order and the bytes of all its files."""
        return ws.key_of(self.name, (TASK_FILE, *read_task(ws).files), RECIPE)

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Makes the video."""
        order = read_task(ws)
        with ws.writing_directory(OUT_DIR) as folder:
            target = folder / Path(RESULT_FILE).name
            made = _render(ws, order, target, report)
            made.remarks = [ABOUT_PREVIEW, *made.remarks]
            if order.prompt.strip():
                made.remarks.append("The prompt was not used: the preview has no model that could follow it.")
            outputs = OutputList(folder)
            outputs.add("video", target.name, f"Lip-synced video ({PREVIEW})", main=True, duration=made.duration)
            facts = outputs.add("report", Path(REPORT_FILE).name, "Report (JSON)")
            facts.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
            outputs.write_manifest()


def read_task(ws: Workspace) -> LipsyncTask:
    """lipsync.json of a workspace."""
    return msgspec.json.decode(ws.path(TASK_FILE).read_bytes(), type=LipsyncTask)


def _render(ws: Workspace, order: LipsyncTask, target: Path, report: Report) -> LipsyncReport:
    mask = read_mask(ws.path(MASK_FILE), order.limits) if order.has_mask else None
    if order.model == "lipsync-video":
        info = read_info(ws.path(SOURCE_FILE), order.limits)
        source = frames.Source(ws.path(SOURCE_FILE), info, order.resolution)
        if mask is not None:
            mask = np.asarray(cv2.resize(mask, source.size, interpolation=cv2.INTER_LINEAR), np.uint8)
        return video.render_video(order, source, _sound(ws, AUDIO_FILE, order), mask, target, report)
    picture = read_picture(ws.path(SOURCE_FILE), order.limits)
    names = (LEFT_FILE, RIGHT_FILE) if order.model == "lipsync-image-multi" else (AUDIO_FILE,)
    sounds = [_sound(ws, name, order) for name in names]
    return portrait.render_image(order, picture, sounds, mask, target, report)


def _sound(ws: Workspace, name: str, order: LipsyncTask) -> frames.Sound:
    """A sound of the order, tried before any picture is looked at: 10002 without a track, 10042 when it is silent."""
    sound = frames.Sound.of(ws.path(name), read_info(ws.path(name), order.limits))
    heard = frames.read_sound(sound)
    if not len(heard) or float(np.abs(heard).max()) < SILENCE:
        raise JobError(errors.NO_SPEECH, "the sound is silent: there is nothing for lips to follow")
    return sound


STAGE = Lipsync()
