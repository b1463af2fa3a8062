"""Stage lipsync: lipsync.json and its files -> out/ with the video whose lips follow the sound, the report, and the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import msgspec
import numpy as np

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync import frames, portrait, video
from apps.engine.lipsync.backend import Backend, choose, model_stamp
from apps.engine.lipsync.faces import Picture
from apps.engine.lipsync.pictures import read_mask, read_picture
from apps.engine.lipsync.types import (
    AUDIO_FILE,
    LEFT_FILE,
    MASK_FILE,
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
from apps.engine.settings import EngineSettings
from apps.engine.stages import Report
from apps.engine.task import EngineTask
from apps.engine.workspace import OUT_DIR, Workspace

RECIPE = 2
FIELDS = {AUDIO_FILE: "audio", LEFT_FILE: "left_audio", RIGHT_FILE: "right_audio", MASK_FILE: "mask_image"}
"""Files of the workspace by the field of the form that they came in."""
PICTURE_CODES = frozenset(
    {errors.NO_VIDEO, errors.DAMAGED, errors.TYPE_REFUSED, errors.LIMITS, errors.NO_FACE, errors.TOO_MANY_FACES}
    | {errors.FACE_TOO_SMALL, errors.FACE_IN_PROFILE}
)
SOUND_CODES = frozenset({errors.NO_AUDIO, 10003, errors.NO_SPEECH})
MASK_SHAPE, BLACK = 0.02, 16
"""How much the shapes of mask and picture may differ (a share), and up to which brightness a mask is black."""
SILENCE = 1e-3
"""A sound whose loudest sample stays below this (-60 dB) is silent."""


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
        """The order, the bytes of all its files, and which model works."""
        model = model_stamp(EngineSettings.from_env())
        return ws.key_of(self.name, (TASK_FILE, *read_task(ws).files), RECIPE, *([model] if model else []))

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Makes the video."""
        order = read_task(ws)
        with ws.writing_directory(OUT_DIR) as folder:
            target = folder / Path(RESULT_FILE).name
            backend = choose(EngineSettings.from_env())
            made = _render(ws, order, target, report, backend)
            backend.sign(made, order.prompt)
            outputs = OutputList(folder)
            outputs.add("video", target.name, backend.label("Lip-synced video"), main=True, duration=made.duration)
            facts = outputs.add("report", Path(REPORT_FILE).name, "Report (JSON)")
            facts.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
            outputs.write_manifest()


def read_task(ws: Workspace) -> LipsyncTask:
    """lipsync.json of a workspace."""
    return msgspec.json.decode(ws.path(TASK_FILE).read_bytes(), type=LipsyncTask)


def _render(ws: Workspace, order: LipsyncTask, target: Path, report: Report, backend: Backend) -> LipsyncReport:
    names = (LEFT_FILE, RIGHT_FILE) if order.model == "lipsync-image-multi" else (AUDIO_FILE,)
    sounds = [_sound(ws, name, order) for name in names]
    shown = "video" if order.model == "lipsync-video" else "image"
    with blaming(shown), blaming(", ".join(FIELDS[name] for name in names), SOUND_CODES):
        heard = [frames.read_sound(sound) for sound in sounds]
        if all(not len(one) or float(np.abs(one).max()) < SILENCE for one in heard):
            raise JobError(errors.NO_SPEECH, f"there is only silence in {order.heard}: nothing for lips to follow")
        if order.model == "lipsync-video":
            info = read_info(ws.path(SOURCE_FILE), order.limits)
            source = frames.Source(ws.path(SOURCE_FILE), info, order.resolution)
            mask, remarks = _mask(ws, order, source.size)
            made = video.render_video(order, source, sounds[0], mask, target, report, backend=backend)
        else:
            picture = read_picture(ws.path(SOURCE_FILE), order.limits)
            mask, remarks = _mask(ws, order, (picture.shape[1], picture.shape[0]))
            made = portrait.render_image(order, picture, sounds, mask, target, report, backend)
    made.remarks += remarks
    for name, sound, one in zip(names, sounds, heard, strict=True):
        if len(one) / frames.SOUND_RATE > sound.most - 0.05:
            made.remarks.append(f"{FIELDS[name]} goes on for longer than the file itself tells: it was cut there.")
    most = order.first_seconds
    if most is not None and (sounds[0].seconds is not None or (len(sounds) > 1 and made.duration >= most)):
        made.remarks.append(f"Made of {order.heard} alone, as ordered; the sound was cut there and stored anew.")
    return made


class BlamedError(JobError):
    """A job error whose reason begins with the field of the form that is to blame."""


@contextmanager
def blaming(field: str, codes: frozenset[int] = PICTURE_CODES) -> Iterator[None]:
    """Errors of these codes are told with the field in front, as the portal tells them for files that it looks at itself."""
    try:
        yield
    except BlamedError:
        raise
    except JobError as error:
        if error.code not in codes:
            raise
        raise BlamedError(error.code, f"{field}: {error.reason}") from error


def _sound(ws: Workspace, name: str, order: LipsyncTask) -> frames.Sound:
    with blaming(FIELDS[name], PICTURE_CODES | SOUND_CODES):
        return frames.Sound.of(ws.path(name), read_info(ws.path(name), order.limits), order.first_seconds)


def _mask(ws: Workspace, order: LipsyncTask, size: tuple[int, int]) -> tuple[Picture | None, list[str]]:
    """The mask at the size of what is shown, and what is to be said of it."""
    if not order.has_mask:
        return None, []
    with blaming(FIELDS[MASK_FILE]):
        mask = read_mask(ws.path(MASK_FILE), order.limits)
    remarks = []
    height, width = mask.shape
    if abs(width * size[1] / (height * size[0]) - 1) > MASK_SHAPE:
        remarks.append(f"The mask ({width} x {height}) has another shape than what is shown: it was stretched over it.")
    if int(mask.max()) <= BLACK:
        remarks.append("The mask is black everywhere: no mouth was moved.")
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8), remarks


STAGE = Lipsync()
